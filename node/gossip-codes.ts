/** `reject` costs the neighbour its score, so it is kept for what every node would judge alike from the bytes. */
export type Verdict = "accept" | "ignore" | "reject";

/** Every answer to a gossip message, in the order in which the checks are made; the code is the metric's label. */
export const GOSSIP_VERDICTS = {
  oversize: "reject",
  malformed: "reject",
  /** Another config may be in force where the message comes from. */
  "other-config": "ignore",
  "old-round": "ignore",
  "future-round": "ignore",
  duplicate: "ignore",
  /** More entries or gauges than the config has feeds, or fewer or more observations than a proposal may name. */
  count: "reject",
  /** A header whose times or parent do not follow from its round, or a head not older than its observation. */
  derived: "reject",
  "bad-signature": "reject",
  "unknown-signer": "reject",
  /** An observation whose contents name another author than the key that signed them. */
  "not-observer": "reject",
  /** Of a member under another config: where it stands it may be right. */
  "other-committee": "ignore",
  "not-leader": "reject",
  /** The certificate is not one: count, order, strangers or signatures. */
  "bad-certificate": "reject",
  /** Valid and contradicting an earlier message of the signer: evidence, forwarded to nobody. */
  equivocation: "ignore",
  /** The signer has already contradicted itself in this round: nothing more is kept of it. */
  surplus: "ignore",
  /** Our own fault, so nobody pays for it. */
  internal: "ignore",
  accepted: "accept",
} as const satisfies Record<string, Verdict>;

export type GossipCode = keyof typeof GOSSIP_VERDICTS;
