import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeSignedObservation } from "../../protocol/observation.ts";
import {
  AT,
  certificateBy,
  createNode,
  FIRST_ROUND,
  gossip,
  headerOf,
  observationBy,
  proposalBy,
  signatureBy,
} from "./one-node.ts";

/** Rounds of messages before the first measurement, so that every bounded thing is full and the code is warm, and between the two. */
const FILLING = 400;
const MEASURED = 400;
/** In bytes: what the engine itself grows by is a third of it, and what one kind of message, kept, would add is twice as much. */
const MAX_GROWTH = 400_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

it("a node keeps nothing of its peers' messages once their round has passed (P8)", () => {
  // In quarantine it signs nothing, so what it keeps is theirs.
  const machine = createNode(3);
  const live = (round: number) => {
    const now = AT + (round - FIRST_ROUND + 2) * 1_000;
    const seen = [0, 1, 2].map((index) => observationBy(index, { round }));
    const header = headerOf(seen, round);
    const digests = seen.map(({ digest }) => digest);
    const inputs = [
      ...seen.map((signed) => gossip("observation", encodeSignedObservation(signed))),
      gossip("proposal", proposalBy((round - FIRST_ROUND + 2) % 4, header, digests)),
      gossip("signature", signatureBy(0, header)),
      gossip("certificate", encodeCertificate(certificateBy([0, 1, 2], header))),
    ];
    const verdicts = inputs.flatMap((input) => machine.handle(input, now)).filter(({ kind }) => kind === "verdict");
    return verdicts.map((verdict) => ("code" in verdict ? verdict.code : verdict.kind));
  };
  expect(new Set(live(FIRST_ROUND))).toEqual(new Set(["accepted"]));
  for (let round = 1; round < FILLING; round++) live(FIRST_ROUND + round);
  const before = heapUsed();
  for (let round = FILLING; round < FILLING + MEASURED; round++) live(FIRST_ROUND + round);
  expect(heapUsed() - before).toBeLessThan(MAX_GROWTH);
});
