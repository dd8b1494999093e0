import { describe, expect, it } from "vitest";
import type { Want } from "../../node/machine.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeSignedObservation, signObservation } from "../../protocol/observation.ts";
import { digestOf, scheme, testKey } from "../support/network.ts";
import {
  AT,
  certificateBy,
  createNode,
  FIRST_ROUND,
  gossip,
  headerOf,
  keyOf,
  leaveQuarantine,
  network,
  observationBy,
  only,
  proposalBy,
} from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const START = AT + 2_000;
const seen = [0, 1, 2].map((index) => observationBy(index));
const header = headerOf(seen);
const { digest } = toyFold.nextRound({ network, parent: undefined, round: FIRST_ROUND, observations: seen, documents: [] });
const missing = observationBy(2);

/** Node 3, asked to sign a proposal of which it lacks one observation. */
function lackingObservation() {
  const machine = createNode(3);
  leaveQuarantine(machine, 3);
  for (const signed of seen.slice(0, 2)) machine.handle(gossip("observation", encodeSignedObservation(signed)), START + 10);
  const named = seen.map((signed) => signed.digest);
  return { machine, outputs: machine.handle(gossip("proposal", proposalBy(2, header, named)), START + 20) };
}

/** Node 3, hearing of a head that it does not have. */
function lackingCertificate() {
  const machine = createNode(3);
  leaveQuarantine(machine, 3);
  const signed = observationBy(2, { round: FIRST_ROUND + 1, head: { round: FIRST_ROUND, digest } });
  return { machine, outputs: machine.handle(gossip("observation", encodeSignedObservation(signed)), START + 1_010) };
}

function signedAs(index: number, privateKey: Uint8Array) {
  const signed = observationBy(index);
  return encodeSignedObservation({ ...signed, signature: scheme.sign(fromHex(signed.digest), privateKey) });
}

const forged = certificateBy([0, 1, 2], header);
const [first] = forged.signatures;

type Row = readonly [fault: string, lacking: typeof lackingObservation, want: Want, bytes: Uint8Array];
const observation: Want = { kind: "observation", digest: missing.digest };
const certificate: Want = { kind: "certificate", digest };
const ROWS: readonly Row[] = [
  ["shorter than a signature", lackingObservation, observation, new Uint8Array(3)],
  ["another observation", lackingObservation, observation, encodeSignedObservation(observationBy(1))],
  ["signed by another than its observer", lackingObservation, observation, signedAs(2, keyOf(1).privateKey)],
  ["truncated", lackingCertificate, certificate, new Uint8Array(3)],
  ["certificate: count", lackingCertificate, certificate, encodeCertificate(certificateBy([0, 1], header))],
  [
    "certificate: signature",
    lackingCertificate,
    certificate,
    encodeCertificate({
      header,
      signatures: forged.signatures.map((signature) => ({ ...signature, signature: first?.signature ?? "0x" })),
    }),
  ],
  [
    "another certificate",
    lackingCertificate,
    certificate,
    encodeCertificate(certificateBy([0, 1, 2], { ...header, stateRoot: digestOf(6) })),
  ],
];

describe("answers to fetches are not trusted", () => {
  it.each(ROWS)("%s", (fault, lacking, want, bytes) => {
    const { machine, outputs } = lacking();
    const [asked] = only(outputs, "fetch");
    expect(asked).toMatchObject({ want, from: keyOf(2).address });
    const answered = machine.handle({ kind: "fetched", want, from: keyOf(2).address, bytes }, START + 1_020);
    expect(only(answered, "event")).toMatchObject([{ code: "bad-answer", fields: { fault: expect.stringContaining(fault) } }]);
    expect(only(answered, "fetch")).toMatchObject([{ want, from: keyOf(0).address }]);
    expect(only(answered, "persist")).toEqual([]);
  });

  it("a stranger's observation, which a proposal has no business to name", () => {
    const foreign = signObservation(missing.observation, network.domain, testKey(77));
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    const named = [...seen.slice(0, 2).map((signed) => signed.digest), foreign.digest];
    machine.handle(gossip("proposal", proposalBy(2, header, named)), START + 20);
    const want: Want = { kind: "observation", digest: foreign.digest };
    const bytes = encodeSignedObservation(foreign);
    const answered = machine.handle({ kind: "fetched", want, from: keyOf(2).address, bytes }, START + 30);
    expect(only(answered, "event")).toMatchObject([{ code: "bad-answer", fields: { fault: "not a member's observation" } }]);
  });

  it("an observation of another time, which a proposal has no business to name", () => {
    const old = observationBy(2, { round: FIRST_ROUND - 50 });
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    const named = [...seen.slice(0, 2).map((signed) => signed.digest), old.digest];
    machine.handle(gossip("proposal", proposalBy(2, header, named)), START + 20);
    const want: Want = { kind: "observation", digest: old.digest };
    const bytes = encodeSignedObservation(old);
    const answered = machine.handle({ kind: "fetched", want, from: keyOf(2).address, bytes }, START + 30);
    expect(only(answered, "event")).toMatchObject([{ code: "bad-answer", fields: { fault: "an observation of another time" } }]);
    expect(machine.serve(want)).toBeUndefined();
  });

  it("the right observation completes the proposal, the right certificate asks for its body", () => {
    const { machine } = lackingObservation();
    const bytes = encodeSignedObservation(missing);
    const signed = machine.handle({ kind: "fetched", want: observation, from: keyOf(2).address, bytes }, START + 30);
    expect(only(signed, "persist").map(({ record }) => record.digest)).toEqual([digest]);
    const behind = lackingCertificate().machine;
    const right = encodeCertificate(certificateBy([0, 1, 2], header));
    const asked = behind.handle({ kind: "fetched", want: certificate, from: keyOf(2).address, bytes: right }, START + 1_020);
    expect(only(asked, "fetch")).toMatchObject([{ want: { kind: "body", digest }, from: keyOf(2).address }]);
  });
});
