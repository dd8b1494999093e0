import { describe, expect, test } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import {
  EVIDENCE_FAULTS,
  EVIDENCE_KINDS,
  type Evidence,
  type EvidenceFault,
  evidenceSchema,
  observationStatement,
  proposalStatement,
  verifyEvidence,
} from "../../protocol/evidence.ts";
import { type Observation, signObservation } from "../../protocol/observation.ts";
import { signProposal } from "../../protocol/proposal.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { committeeOf, digestOf, domain, fixedKey, header, type Key } from "./fixtures.ts";

const keys = [0x11, 0x22, 0x33, 0x44].map((byte) => fixedKey(byte));
const context = { committee: committeeOf(keys), domain, scheme: noble };
const key = fixedKey(0x22);
const stranger = fixedKey(0x99);

const observation = {
  round: header.round,
  configDigest: header.configDigest,
  head: { round: 0, digest: digestOf(0) },
  entries: [],
  gauges: [],
  shadows: [],
  documents: [],
};

function observed(change: Partial<Observation>, by: Key = key) {
  return observationStatement(signObservation({ ...observation, ...change }, domain, by));
}

function proposed(change: Partial<RoundHeader>, observations: readonly `0x${string}`[] = [], by: Key = key) {
  return proposalStatement(signProposal({ header: { ...header, ...change }, observations }, domain, by));
}

function signed(change: Partial<RoundHeader>, by: Key = key) {
  const struct = { ...header, ...change };
  return { struct, signature: noble.sign(fromHex(roundDigest(domain, struct)), by.privateKey) };
}

const signer = key.address;
const GUILTY = {
  observation: { kind: "observation", signer, statements: [observed({}), observed({ documents: [digestOf(1)] })] },
  proposal: { kind: "proposal", signer, statements: [proposed({}), proposed({}, [digestOf(1)])] },
  round: { kind: "round", signer, statements: [signed({}), signed({ stateRoot: digestOf(0xee) })] },
} as const satisfies Record<(typeof EVIDENCE_KINDS)[number], Evidence>;

describe.each(EVIDENCE_KINDS)("%s", (kind) => {
  const evidence: Evidence = structuredClone(GUILTY[kind]) as Evidence;

  test("two digests convict the signer, in either order and after JSON", () => {
    expect(verifyEvidence(evidence, context)).toEqual({ ok: true, value: signer });
    const swapped = { ...evidence, statements: [evidence.statements[1], evidence.statements[0]] } as Evidence;
    expect(verifyEvidence(swapped, context)).toEqual({ ok: true, value: signer });
    const read = evidenceSchema.parse(JSON.parse(JSON.stringify(evidence)));
    expect(read).toEqual(evidence);
    expect(verifyEvidence(read, context)).toEqual({ ok: true, value: signer });
  });

  test("of another network convicts nobody", () => {
    const elsewhere = { ...context, domain: { ...domain, separator: digestOf(0xee) } };
    expect(verifyEvidence(evidence, elsewhere)).toEqual({ ok: false, error: "signature" });
  });
});

/** One fault each, later faults present as well where they can be: what is checked first is named. */
const FAULTS = {
  stranger: [
    { kind: "round", signer: stranger.address, statements: [signed({}, stranger), signed({ stateRoot: digestOf(1) }, stranger)] },
  ],
  round: [
    { kind: "observation", signer, statements: [observed({}), observed({ round: header.round + 1 })] },
    { kind: "proposal", signer, statements: [proposed({}), proposed({ round: header.round + 1 })] },
    { kind: "round", signer, statements: [signed({}), signed({ round: header.round + 1, configDigest: digestOf(9) })] },
  ],
  config: [
    { kind: "observation", signer, statements: [observed({}), observed({ configDigest: digestOf(9) })] },
    { kind: "proposal", signer, statements: [proposed({}), proposed({ configDigest: digestOf(9) })] },
    { kind: "round", signer, statements: [signed({}), signed({ configDigest: digestOf(9) })] },
  ],
  same: [
    { kind: "observation", signer, statements: [observed({}), observed({})] },
    { kind: "proposal", signer, statements: [proposed({}), proposed({})] },
    { kind: "round", signer, statements: [signed({}), signed({}, fixedKey(0x33))] },
  ],
  signature: [
    { kind: "observation", signer, statements: [observed({}), observed({ documents: [digestOf(1)] }, fixedKey(0x33))] },
    { kind: "proposal", signer, statements: [proposed({}, [digestOf(1)], stranger), proposed({})] },
    {
      kind: "round",
      signer,
      statements: [signed({}), { ...signed({ stateRoot: digestOf(1) }), signature: signed({}).signature }],
    },
    // The statements of an observation are none of a proposal: the type is part of what was signed.
    { kind: "proposal", signer, statements: [observed({}), observed({ documents: [digestOf(1)] })] },
    { kind: "round", signer: fixedKey(0x33).address, statements: [...GUILTY.round.statements] },
  ],
} as const satisfies Record<EvidenceFault, readonly Evidence[]>;

test.each(EVIDENCE_FAULTS.flatMap((error) => FAULTS[error].map((evidence) => ({ error, evidence }))))(
  "$error: $evidence.kind convicts nobody",
  ({ error, evidence }) => {
    expect(verifyEvidence(evidence as Evidence, context)).toEqual({ ok: false, error });
  },
);

test.each<[name: string, change: object]>([
  ["another kind", { kind: "vote" }],
  ["one statement", { statements: [GUILTY.round.statements[0]] }],
  ["three statements", { statements: [...GUILTY.round.statements, GUILTY.round.statements[0]] }],
  ["upper-case hex", { signer: signer.toUpperCase().replace("0X", "0x") }],
  ["an unknown key", { extra: 1 }],
  ["headers where contents belong", { kind: "observation" }],
])("its JSON form refuses %s", (_, change) => {
  expect(evidenceSchema.safeParse({ ...GUILTY.round, ...change }).success).toBe(false);
});
