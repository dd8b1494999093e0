import { describe, expect, it } from "vitest";
import type { Output, RoundMachine } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { toHex } from "../../protocol/bytes.ts";
import { configDigest } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { signObservation } from "../../protocol/observation.ts";
import { digestOf, scheme, testNetwork } from "../support/network.ts";
import { GOVERNED, GOVERNORS, guardian, pauseBy, proposalOf, signBy, successorOf } from "./council.ts";
import { AT, codesOf, EMPTY_START, FIRST_ROUND, hear, keyOf, leaveQuarantine, only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const network = testNetwork(GOVERNED);
const START = AT + 2_000;
const next = successorOf(network, { leaseMs: 61_000 });
const proposal = proposalOf(network, next, START + 60_000);
const other = proposalOf(network, successorOf(network, { leaseMs: 62_000 }), START + 60_000);

function nodeOf(index: number): RoundMachine {
  const machine = createRoundMachine({ network, scheme, key: keyOf(index), fold: toyFold, start: EMPTY_START });
  leaveQuarantine(machine, index);
  machine.handle({ kind: "tick" }, START);
  return machine;
}

function submit(machine: RoundMachine, { digest, bytes }: SignedDocument): readonly Output[] {
  return machine.handle({ kind: "submitted", id: digest, bytes }, START + 5);
}

function reviewsIn(outputs: readonly Output[]): readonly string[] {
  return only(outputs, "review").map(({ document }) => document.digest);
}

/** Whether this node's observation of the round names the document. */
function names(machine: RoundMachine, { digest }: SignedDocument): boolean {
  const sampled = { kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] } as const;
  const [persisted] = only(machine.handle(sampled, START + 10), "persist");
  if (persisted === undefined) throw new Error("expected an observation");
  const [sent] = only(machine.handle({ kind: "persisted", record: persisted.record }, START + 12), "publish");
  return toHex(sent?.bytes ?? new Uint8Array(0)).includes(digest.slice(2));
}

/** What becomes of a document that member 1 names, and that it answers with these bytes. */
function fetched(machine: RoundMachine, { digest }: SignedDocument, bytes: Uint8Array): readonly Output[] {
  const said = { entries: [], gauges: [], shadows: [], documents: [digest] };
  const observation = { round: FIRST_ROUND, configDigest: network.configDigest, head: NO_HEAD, ...said };
  hear(machine, [signObservation(observation, network.domain, keyOf(1))], START + 10);
  return machine.handle({ kind: "fetched", want: { kind: "document", digest }, from: keyOf(1).address, bytes }, START + 20);
}

describe("a config document", () => {
  it.each([
    ["while nobody has come to its replay", undefined, false],
    ["that this node's replay agrees with", true, true],
    ["that it does not agree with", false, false],
  ])("%s is carried or not", (_, agrees, carried) => {
    const machine = nodeOf(3);
    expect(reviewsIn(submit(machine, proposal))).toEqual([proposal.digest]);
    if (agrees !== undefined) machine.handle({ kind: "reviewed", document: proposal.digest, agrees }, START + 8);
    expect(names(machine, proposal)).toBe(carried);
  });

  it("is replayed when the one before it is, not beside it", () => {
    const machine = nodeOf(3);
    expect([proposal, other].map((signed) => reviewsIn(submit(machine, signed)))).toEqual([[proposal.digest], []]);
    const reviewed = { kind: "reviewed", document: proposal.digest, agrees: false } as const;
    expect(reviewsIn(machine.handle(reviewed, START + 8))).toEqual([other.digest]);
  });

  it("that too few governors approved costs nobody a replay, though an observation names it", () => {
    const { version } = next;
    const names = { version, replaces: network.configDigest, configDigest: configDigest(next), activation: START + 60_000 };
    const content = { kind: "config", ...names, replayTo: 0, replay: digestOf(1), config: next } as const;
    const few = signBy(network, GOVERNORS.slice(0, 2), content, 0);
    const machine = nodeOf(3);
    const outputs = fetched(machine, few, few.bytes);
    expect(only(outputs, "keep")).toHaveLength(1);
    expect(reviewsIn(outputs)).toEqual([]);
    expect(reviewsIn(fetched(nodeOf(3), proposal, proposal.bytes))).toEqual([proposal.digest]);
  });
});

it("a document that was not asked for is no answer, however valid", () => {
  const [asked, given] = [guardian(0), guardian(1)].map((by) => pauseBy(network, [by], { at: START }));
  if (asked === undefined || given === undefined) throw new Error("expected both");
  const outputs = fetched(nodeOf(3), asked, given.bytes);
  expect(codesOf(outputs)).toContain("bad-answer");
  expect(only(outputs, "keep")).toEqual([]);
});
