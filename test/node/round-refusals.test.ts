import { describe, expect, it } from "vitest";
import { WINDOW_ROUNDS } from "../../node/gossip-judge.ts";
import type { Output, RoundMachine } from "../../node/machine.ts";
import { encodeHello, splitProposalMessage } from "../../node/wire.ts";
import { encodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import { decodeSignedProposal, type Proposal } from "../../protocol/proposal.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { digestOf, scheme } from "../support/network.ts";
import {
  AT,
  certificateBy,
  codesOf,
  createNode,
  FIRST_ROUND,
  gossip,
  headerOf,
  hear,
  keyOf,
  leaveQuarantine,
  network,
  observationBy,
  only,
  proposalBy,
} from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

/** When round FIRST_ROUND begins; member 2 leads it. */
const START = AT + 2_000;

function started(index: number): RoundMachine {
  const machine = createNode(index);
  leaveQuarantine(machine, index);
  machine.handle({ kind: "tick" }, START);
  return machine;
}

function propose(machine: RoundMachine, observations: readonly SignedObservation[], now: number): readonly Output[] {
  const digests = observations.map(({ digest }) => digest);
  return machine.handle(gossip("proposal", proposalBy(2, headerOf(observations), digests), 2), now);
}

/** What member `index` answers to a fetch of one of its observations. */
function give(machine: RoundMachine, signed: SignedObservation, now: number, from: number): readonly Output[] {
  const want = { kind: "observation", digest: signed.digest } as const;
  return machine.handle({ kind: "fetched", want, from: keyOf(from).address, bytes: encodeSignedObservation(signed) }, now);
}

const twice = observationBy(1, { gauges: [{ gauge: "a", value: 1n, asOf: 0 }] });

describe("observations that no proposal may stand on", () => {
  it("two of one member, who counts once (P1)", () => {
    const machine = started(3);
    const observations = [observationBy(0), observationBy(1), twice];
    hear(machine, observations, START + 10);
    const outputs = propose(machine, observations, START + 60);
    expect(only(outputs, "persist")).toEqual([]);
    expect(only(outputs, "event")).toMatchObject([{ code: "proposal-refused", fields: { why: "observations" } }]);
  });

  it("one under another config, which gossip never lets in and a fetch does (P6)", () => {
    const machine = started(3);
    const foreign = observationBy(2, { configDigest: digestOf(8) });
    const observations = [observationBy(0), observationBy(1), foreign];
    hear(machine, observations.slice(0, 2), START + 10);
    expect(only(propose(machine, observations, START + 60), "fetch")).toMatchObject([{ from: keyOf(2).address }]);
    const outputs = give(machine, foreign, START + 70, 2);
    expect(only(outputs, "persist")).toEqual([]);
    expect(codesOf(outputs)).toEqual(["proposal-refused"]);
  });
});

function proposalIn(outputs: readonly Output[]): Proposal {
  const [published] = only(outputs, "publish").filter(({ topic }) => topic === "proposal");
  const parts = splitProposalMessage(published?.bytes ?? new Uint8Array(0));
  const opened = parts.ok ? decodeSignedProposal(parts.value.proposal, network.domain, scheme) : parts;
  if (!opened.ok) throw new Error(opened.error);
  return opened.value.proposal;
}

describe("a leader", () => {
  it("counts a member who said two things once, by what it said first", () => {
    const machine = started(2);
    const [zero, one, three] = [observationBy(0), observationBy(1), observationBy(3)];
    expect(only(hear(machine, [zero, one, twice], START + 10), "persist")).toEqual([]);
    expect(machine.handle({ kind: "tick" }, START + 400)).toEqual([]);
    hear(machine, [three], START + 410);
    const proposed = only(machine.handle({ kind: "tick" }, START + 410 + network.config.graceMs), "persist");
    const sent = proposed.flatMap(({ record }) => machine.handle({ kind: "persisted", record }, START + 600));
    expect(proposalIn(sent).observations).toEqual([zero.digest, one.digest, three.digest]);
  });
});

it("a proposal whose parent's body is not here waits for it, and is signed when it comes (P8)", () => {
  const machine = started(1);
  const first = [0, 2, 3].map((index) => observationBy(index));
  const parent = toyFold.nextRound({ network, parent: undefined, round: FIRST_ROUND, observations: first, documents: [] });
  const round = FIRST_ROUND + 1;
  const head = { round: FIRST_ROUND, digest: parent.digest };
  const observations = [0, 2, 3].map((index) => observationBy(index, { round, head }));
  const { header } = toyFold.nextRound({ network, parent, round, observations, documents: [] });
  hear(machine, observations, START + 1_010);
  const digests = observations.map(({ digest }) => digest);
  const proposal = proposalBy(3, header, digests, certificateBy([0, 2, 3], parent.header));
  const waiting = machine.handle(gossip("proposal", proposal, 3), START + 1_020);
  expect(codesOf(waiting)).toEqual([]);
  const [fetch] = only(waiting, "fetch").filter(({ want }) => want.kind === "body");
  if (fetch === undefined) throw new Error("the parent's body is asked for");
  const bytes = encodeRoundBody(toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations: first, documents: [] }));
  const outputs = machine.handle({ kind: "fetched", want: fetch.want, from: fetch.from, bytes }, START + 1_050);
  expect(only(outputs, "persist").map(({ record }) => [record.kind, record.round])).toEqual([["round", round]]);
});

describe("what comes at the wrong time", () => {
  it("a sample of the round before is not signed as an observation of any", () => {
    const machine = started(3);
    machine.handle({ kind: "tick" }, START + 1_000);
    const late = machine.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 1_005);
    expect(late).toMatchObject([{ kind: "event", code: "sample-unusable", fields: { fault: "late" } }]);
  });

  it("a head that is further ahead than any clock may be is not looked for", () => {
    const machine = started(3);
    const say = (round: number) => {
      const bytes = encodeHello({ clock: START, head: { round, digest: digestOf(7) }, quarantine: false });
      const input = { kind: "hello", from: keyOf(0).address, bytes, sentAt: START, receivedAt: START } as const;
      return only(machine.handle(input, START), "fetch");
    };
    expect(say(FIRST_ROUND + WINDOW_ROUNDS + 1)).toEqual([]);
    expect(say(FIRST_ROUND + WINDOW_ROUNDS)).toHaveLength(1);
  });
});

describe("observations are served until their round has passed", () => {
  const serves = (machine: RoundMachine, { digest }: SignedObservation) =>
    machine.serve({ kind: "observation", digest }) !== undefined;

  it.each(["heard", "fetched because a proposal named it"] as const)("one that was %s", (how) => {
    const machine = started(3);
    const signed = observationBy(1);
    if (how === "heard") hear(machine, [signed], START + 10);
    else {
      // Two others of its author fill that author's share of the pool, so that this one is kept only because it is named.
      const others = [1n, 2n].map((value) => observationBy(1, { gauges: [{ gauge: "a", value, asOf: 0 }] }));
      hear(machine, [observationBy(0), ...others, observationBy(2)], START + 10);
      propose(machine, [observationBy(0), signed, observationBy(2)], START + 60);
      give(machine, signed, START + 70, 2);
    }
    machine.handle({ kind: "tick" }, START + 1_000 * WINDOW_ROUNDS);
    expect(serves(machine, signed)).toBe(true);
    machine.handle({ kind: "tick" }, START + 1_000 * (WINDOW_ROUNDS + 1));
    expect(serves(machine, signed)).toBe(false);
  });
});
