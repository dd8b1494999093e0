export type EventLevel = "info" | "warn" | "error";
export type EventFields = Readonly<Record<string, string | number>>;

/** Everything worth a line in the log and a counter, with its level. */
export const EVENT_LEVELS = {
  /** The start-up quarantine ended; from `firstRound` on this node signs. */
  "quarantine-left": "info",
  /** The clock is off against the peers' median: the node stays in quarantine; `advice` says what to do. */
  "clock-off": "warn",
  /** Waiting for hellos: `heard` of `needed`. */
  "quarantine-waits": "info",
  "hello-unusable": "warn",
  /** The stored head does not verify; the node starts without one and catches up. */
  "stored-head-unusable": "error",
  /** Own signature below the quarantine's bound without a record: a store was lost or rolled back. */
  "lost-record": "warn",
  /** Own signature above the bound without a record: someone else signs with this key. This node has stopped signing for good. */
  "key-used-elsewhere": "error",
  /** The store holds another digest for a kind and round than the one just asked for. This node has stopped signing for good. */
  "guard-refused": "error",
  "sample-unusable": "warn",
  certified: "info",
  /** As leader: the observations of these members were left out, their heads could not be obtained. */
  "left-out": "warn",
  /** As leader: the observations of these members were left out, documents that they name are not here or are none. */
  "documents-missing": "warn",
  /** Another config is in force for what this node observes and leads. */
  "config-in-force": "info",
  /** The stored transitions do not lead from the genesis config; the node asks its peers for them. */
  "stored-transitions-unusable": "error",
  /** As leader: fewer than q usable observations before the round ended. */
  "no-quorum": "warn",
  /** A proposal this node does not sign, and why. */
  "proposal-refused": "warn",
  /** A proposal whose parts did not arrive before its round ended. */
  "proposal-abandoned": "warn",
  /** A peer answered a fetch with something else than was asked for. */
  "bad-answer": "warn",
  /** Nobody gave a certificate or body before its deadline. */
  "fetch-abandoned": "warn",
  "sibling-certificate": "warn",
  "backfill-stopped": "warn",
  equivocation: "warn",
  "internal-fault": "error",
} as const satisfies Record<string, EventLevel>;

export type EventCode = keyof typeof EVENT_LEVELS;

/** Codes whose level asks an operator to look. */
type Concern = { [Code in EventCode]: (typeof EVENT_LEVELS)[Code] extends "info" ? never : Code }[EventCode];

/** What the operator can do about it. A clock's direction is known only where it is measured: that event brings its own. */
const ADVICE: Readonly<Record<Exclude<Concern, "clock-off">, string>> = {
  "hello-unusable": "a peer answered too slowly or not at all as it should; look at the network between you if it lasts",
  "stored-head-unusable": "the store is damaged; the node catches up from its peers, keep the file for inspection",
  "lost-record": "this store was lost or restored from an older copy; signing is safe, but never copy a store back",
  "key-used-elsewhere": "stop the other process that signs with this key, replace the key, then restart this node",
  "guard-refused": "two processes or a copied store share this key; this node signs no more until it is restarted alone",
  "sample-unusable": "this node was too slow for its own round; give it more CPU or fewer venues",
  "left-out": "those members name rounds that nobody here could fetch; if it lasts, ask their operators",
  "documents-missing":
    "those members name documents that nobody here could fetch, or that no keyholder signed; ask their operators",
  "stored-transitions-unusable": "the store is damaged; the node catches up from its peers, keep the file for inspection",
  "no-quorum": "too few members are heard; see breakwater_peers and the peers' operators",
  "proposal-refused": "a leader proposed what this node cannot vouch for; if it is always the same one, ask its operator",
  "proposal-abandoned": "parts of a proposal came too late; look at the network and the CPU if it lasts",
  "bad-answer": "a peer answered a fetch with something else; if it lasts, ask its operator",
  "fetch-abandoned": "nobody had what was asked for; harmless when it is rare",
  "sibling-certificate": "a certificate came too late and was passed by; frequent ones mean a slow network",
  "backfill-stopped": "history before this round is not to be had from the peers; it tries again in a minute",
  equivocation: "a member signed two things of one kind and round; see /v1/evidence and tell governance",
  "internal-fault": "a bug in this program; please report the line",
};

/** The second half of a concern's line in the log; undefined for what is no concern. */
export function adviceOn(code: EventCode, { advice }: EventFields): string | undefined {
  if (code in ADVICE) return ADVICE[code as keyof typeof ADVICE];
  return advice === undefined ? undefined : String(advice);
}
