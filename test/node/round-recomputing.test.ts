import { describe, expect, it } from "vitest";
import type { Output } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { leaderOf } from "../../protocol/committee.ts";
import type { SignedObservation } from "../../protocol/observation.ts";
import { scheme } from "../support/network.ts";
import {
  AT,
  certificateBy,
  createNode,
  EMPTY_START,
  FIRST_ROUND,
  gossip,
  headerOf,
  hear,
  keyOf,
  keys,
  leaveQuarantine,
  network,
  observationBy,
  only,
  proposalBy,
} from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

/** When round FIRST_ROUND begins; its window ends a round and maxSkewMs later. */
const START = AT + 2_000;
const LATE = START + 1_300;

const OBSERVATIONS = [0, 1, 2].map((index) => observationBy(index));
const HEADER = headerOf(OBSERVATIONS);
const digestsOf = (observations: readonly SignedObservation[]) => observations.map(({ digest }) => digest);
const PROPOSAL = proposalBy(2, HEADER, digestsOf(OBSERVATIONS));
const CERTIFICATE = encodeCertificate(certificateBy([0, 1, 2], HEADER));

function bodiesAsked(outputs: readonly Output[]): number {
  return only(outputs, "fetch").filter(({ want }) => want.kind === "body").length;
}

describe("a certified round that is all here", () => {
  it("is held without asking anybody, though the proposal came too late to sign", () => {
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    hear(machine, OBSERVATIONS, START + 10);
    const late = machine.handle(gossip("proposal", PROPOSAL, 2), LATE);
    expect(only(late, "persist").filter(({ record }) => record.kind === "round")).toEqual([]);
    const outputs = machine.handle(gossip("certificate", CERTIFICATE), LATE + 10);
    expect(only(outputs, "commit").map(({ place, body }) => [place, body.round])).toEqual([["head", FIRST_ROUND]]);
    expect(bodiesAsked(outputs)).toBe(0);
  });

  it("is held as soon as the last part comes, and no longer fetched", () => {
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    hear(machine, OBSERVATIONS.slice(0, 2), START + 10);
    const early = machine.handle(gossip("certificate", CERTIFICATE), LATE);
    expect(bodiesAsked(early)).toBe(1);
    expect(only(machine.handle(gossip("proposal", PROPOSAL, 2), LATE + 10), "commit")).toEqual([]);
    expect(only(hear(machine, OBSERVATIONS.slice(2), LATE + 20), "commit")).toHaveLength(1);
    const later = machine.handle({ kind: "tick" }, LATE + 5_000);
    expect(bodiesAsked(later)).toBe(0);
    expect(machine.status().head.round).toBe(FIRST_ROUND);
  });

  it("brings the rounds after it along, oldest first", () => {
    const next = FIRST_ROUND + 1;
    const leader = keys.findIndex(({ address }) => address === leaderOf(network.committee, next));
    const parent = toyFold.nextRound({
      network,
      parent: undefined,
      round: FIRST_ROUND,
      observations: OBSERVATIONS,
      documents: [],
    });
    const observations = [0, 1, 2].map((index) => observationBy(index, { round: next }));
    const { header } = toyFold.nextRound({ network, parent, round: next, observations, documents: [] });
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    const at = LATE + 1_000;
    hear(machine, OBSERVATIONS.slice(0, 2), START + 10);
    machine.handle(gossip("proposal", PROPOSAL, 2), LATE);
    hear(machine, observations, LATE);
    machine.handle(gossip("certificate", encodeCertificate(certificateBy([0, 1, 2], header))), at);
    const proposal = proposalBy(leader, header, digestsOf(observations), certificateBy([0, 1, 2], HEADER));
    expect(only(machine.handle(gossip("proposal", proposal, leader), at), "commit")).toEqual([]);
    const outputs = hear(machine, OBSERVATIONS.slice(2), at + 10);
    expect(only(outputs, "commit").map(({ body }) => body.round)).toEqual([FIRST_ROUND, next]);
    expect(machine.status().head.round).toBe(next);
  });

  it("is not taken from a proposal that names other observations; that is tried once, and the body fetched", () => {
    let folds = 0;
    const fold: typeof toyFold = {
      ...toyFold,
      nextRound: (input) => {
        folds += 1;
        return toyFold.nextRound(input);
      },
    };
    const machine = createRoundMachine({ network, scheme, key: keyOf(3), fold, start: EMPTY_START });
    leaveQuarantine(machine, 3);
    const others = [0, 1, 3].map((index) => observationBy(index));
    hear(machine, others, START + 10);
    machine.handle(gossip("proposal", proposalBy(2, HEADER, digestsOf(others)), 2), LATE);
    const outputs = machine.handle(gossip("certificate", CERTIFICATE), LATE + 10);
    expect(only(outputs, "commit")).toEqual([]);
    expect(bodiesAsked(outputs)).toBe(1);
    expect(folds).toBe(1);
    for (let ms = 20; ms < 100; ms += 10) machine.handle({ kind: "tick" }, LATE + ms);
    expect(folds).toBe(1);
  });
});
