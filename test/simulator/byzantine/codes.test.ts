import { expect, it } from "vitest";
import type { GossipCode } from "../../../node/gossip-codes.ts";
import type { BehaviourName } from "../../../simulator/byzantine/index.ts";
import { stage } from "./stage.ts";

/** Who brings about each verdict on gossip. `internal` is a fault of ours: nothing may bring it about. */
const PRODUCED_BY: Readonly<Record<Exclude<GossipCode, "internal">, BehaviourName>> = {
  oversize: "oversize-messages",
  malformed: "random-bytes",
  "other-config": "old-config",
  "old-round": "replayed-messages",
  "future-round": "future-rounds",
  duplicate: "other-subset",
  count: "misshapen",
  derived: "misshapen",
  "bad-signature": "moved-signatures",
  "unknown-signer": "stranger-key",
  "not-observer": "forged-observer",
  "not-leader": "resigned",
  "bad-certificate": "bad-certificates",
  equivocation: "split-observations",
  surplus: "flood-observations",
  accepted: "withholding",
};

it.each(Object.entries(PRODUCED_BY) as [GossipCode, BehaviourName][])("%s: %s", (code, name) => {
  const { codes } = stage(name);
  expect([...codes]).toContain(code);
  expect([...codes]).not.toContain("internal");
});

/** What a node that has heard nothing says of a behaviour's own messages, beyond accepting them. */
const JUDGED: Partial<Record<BehaviourName, readonly GossipCode[]>> = {
  "oversize-messages": ["oversize"],
  "random-bytes": ["malformed"],
  "old-config": ["other-config"],
  "replayed-messages": ["old-round"],
  "future-rounds": ["count", "future-round"],
  "moved-signatures": ["bad-signature"],
  "stranger-key": ["unknown-signer"],
  "forged-observer": ["not-observer"],
  resigned: ["not-leader", "not-observer"],
  misshapen: ["count", "derived"],
  "bad-certificates": ["bad-certificate", "derived", "malformed"],
  "split-subsets": [],
  "extreme-values": [],
  "flood-signatures": [],
  "collude-split": [],
};

it.each(Object.entries(JUDGED) as [BehaviourName, readonly GossipCode[]][])(
  "what %s sends, from its bytes alone",
  (name, expected) => {
    const own = new Set(stage(name).sent.map(({ judgement }) => judgement.code));
    own.delete("accepted");
    expect([...own].sort()).toEqual(expected);
  },
);
