import { expect, it } from "vitest";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeSignedObservation } from "../../protocol/observation.ts";
import {
  AT,
  certificateBy,
  codesOf,
  createNode,
  FIRST_ROUND,
  gossip,
  headerOf,
  leaveQuarantine,
  observationBy,
  only,
  proposalBy,
} from "./one-node.ts";

/** When round FIRST_ROUND begins; member 2 leads it, member 3 the next one. */
const START = AT + 2_000;

it("whoever saw the round's own certificate before its sample came says nothing: every peer would reject that head", () => {
  const machine = createNode(3);
  leaveQuarantine(machine, 3);
  expect(only(machine.handle({ kind: "tick" }, START), "sample")).toMatchObject([{ round: FIRST_ROUND }]);
  const observations = [0, 1, 2].map((index) => observationBy(index));
  for (const signed of observations) machine.handle(gossip("observation", encodeSignedObservation(signed)), START + 10);
  const header = headerOf(observations);
  const digests = observations.map(({ digest }) => digest);
  machine.handle(gossip("proposal", proposalBy(2, header, digests), 2), START + 60);
  const certificate = encodeCertificate(certificateBy([0, 1, 2], header));
  expect(only(machine.handle(gossip("certificate", certificate), START + 100), "commit")).toHaveLength(1);
  expect(machine.status().head.round).toBe(FIRST_ROUND);

  const outputs = machine.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 200);
  expect(only(outputs, "persist")).toEqual([]);
  expect(codesOf(outputs)).toEqual(["sample-unusable"]);
});

it("a leader that holds a later certificate, by faster clocks, proposes nothing: its round could not stand on it", () => {
  const machine = createNode(2);
  leaveQuarantine(machine, 2);
  machine.handle({ kind: "tick" }, START);
  for (const index of [0, 1]) machine.handle(gossip("observation", encodeSignedObservation(observationBy(index))), START + 10);

  const next = [0, 1, 3].map((index) => observationBy(index, { round: FIRST_ROUND + 1 }));
  for (const signed of next) machine.handle(gossip("observation", encodeSignedObservation(signed)), START + 800);
  const header = headerOf(next, FIRST_ROUND + 1);
  const digests = next.map(({ digest }) => digest);
  machine.handle(gossip("proposal", proposalBy(3, header, digests), 3), START + 810);
  machine.handle(gossip("certificate", encodeCertificate(certificateBy([0, 1, 3], header)), 3), START + 820);
  expect(machine.status().head.round).toBe(FIRST_ROUND + 1);

  const outputs = [
    ...machine.handle(gossip("observation", encodeSignedObservation(observationBy(3)), 3), START + 830),
    ...machine.handle({ kind: "tick" }, START + 990),
  ];
  expect(codesOf(outputs)).toEqual([]);
  expect(only(outputs, "persist")).toEqual([]);
});
