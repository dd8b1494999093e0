import { describe, expect, it } from "vitest";
import type { GossipCode } from "../../../node/gossip-codes.ts";
import { toHex } from "../../../protocol/bytes.ts";
import type { BehaviourName } from "../../../simulator/byzantine/index.ts";
import { equivocates, NAMES, play, stage } from "./stage.ts";

/** The kinds of message that a behaviour signs twice in a round; whoever is not here never contradicts itself. */
const EQUIVOCATES: Partial<Record<BehaviourName, readonly string[]>> = {
  "split-observations": ["observation"],
  "two-observations": ["observation"],
  "split-parents": ["proposal", "round"],
  "split-subsets": ["proposal", "round"],
  "two-proposals": ["proposal"],
  "sign-both": ["proposal", "round"],
  "sign-own-headers": ["round"],
  "misnamed-observations": ["observation"],
  misshapen: ["observation"],
  "flood-observations": ["observation"],
  "flood-proposals": ["proposal"],
  "flood-signatures": ["round"],
  "future-rounds": ["observation"],
  "copied-key": ["observation"],
  "copied-key-unheard": ["observation", "proposal", "round"],
  "collude-split": ["proposal", "round"],
};

describe("one byzantine node of four", () => {
  it.each(NAMES)("%s misbehaves, is what it says it is, and breaks no promise", (name) => {
    const scene = stage(name);
    expect(scene.did.length).toBeGreaterThan(0);
    expect(equivocates(scene)).toEqual(EQUIVOCATES[name] ?? []);
    expect(scene.violations).toEqual([]);
    expect(scene.events.filter(({ code }) => code === "internal-fault")).toEqual([]);
    // A copied key is noticed; whatever else is signed behind the machine's back is hidden from it, so that it goes on.
    const stopped = scene.ownEvents.filter(({ code }) => code === "key-used-elsewhere").length > 0;
    expect(stopped).toBe(name === "copied-key");
  });

  it.each(["collude-price", "sign-both", "hidden-certificate"] as const)("%s is harmless to seven when two do it", (name) => {
    expect(stage(name, { n: 7, count: 2 }).violations).toEqual([]);
  });

  it("the same trial says the same, whatever the behaviour draws", () => {
    const again = play("mutated-messages", { n: 4, count: 1, seed: 1 });
    expect(again.did).toEqual(stage("mutated-messages").did);
    expect(again.sent.map(({ bytes }) => toHex(bytes))).toEqual(stage("mutated-messages").sent.map(({ bytes }) => toHex(bytes)));
  });
});

describe("one byzantine node too many", () => {
  it.each([
    ["collude-split", "P2"],
    ["collude-price", "P1"],
  ] as const)("%s breaks %s, and a checker says so", (name, promise) => {
    for (const [n, count] of [
      [4, 2],
      [7, 3],
    ] as const) {
      const broken = stage(name, { n, count }).violations.map((violation) => violation.promise);
      expect(broken).toContain(promise);
    }
  });
});

/**
 * Who brings about each verdict on gossip. `internal` is a fault of ours: nothing may bring it about. `other-committee` takes honest
 * members on two sides of a change: seeds reach it, and test/node/round-committee.test.ts does.
 */
const PRODUCED_BY: Readonly<Record<Exclude<GossipCode, "internal" | "other-committee">, BehaviourName>> = {
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
