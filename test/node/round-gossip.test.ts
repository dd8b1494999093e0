import { describe, expect, it } from "vitest";
import { EMPTY_MEMORY } from "../../circuit-breaker/memory.ts";
import { GOSSIP_VERDICTS, type GossipCode } from "../../node/gossip-codes.ts";
import type { RoundMachine, Topic } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { encodeSignatureMessage, MAX_TOPIC_BYTES } from "../../node/wire.ts";
import { concat, fromHex, toHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { verifyEvidence } from "../../protocol/evidence.ts";
import { encodeSignedObservation } from "../../protocol/observation.ts";
import { digestOf, scheme, type TestKey, testKey } from "../support/network.ts";
import {
  AT,
  certificateBy,
  createNode,
  EMPTY_START,
  FIRST_ROUND,
  gossip,
  headerOf,
  keyOf,
  network,
  observationBy,
  only,
  proposalBy,
  signatureBy,
} from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const NOW = AT + 2_100;
const seen = [0, 1, 2].map((index) => observationBy(index));
const digests = seen.map(({ digest }) => digest);
const header = headerOf(seen);
const stranger = testKey(77);

function verdictOf(machine: RoundMachine, topic: Topic, bytes: Uint8Array): GossipCode {
  const [verdict, ...others] = only(machine.handle(gossip(topic, bytes), NOW), "verdict");
  if (verdict === undefined) throw new Error("every gossip message gets its verdict");
  expect(others).toEqual([]);
  expect(verdict.verdict).toBe(GOSSIP_VERDICTS[verdict.code]);
  return verdict.code;
}

/** No signature ends in a v of 99. */
function spoiled(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === bytes.length - 1 ? 99 : byte));
}

const observation = encodeSignedObservation(observationBy(1));
const proposal = proposalBy(2, header, digests);
const signature = signatureBy(1, header);
const certificate = encodeCertificate(certificateBy([0, 1, 2], header));
const otherSigner = signedBy(stranger);
const parent = headerOf(seen, FIRST_ROUND - 1);
const child = toyFold.nextRound({
  network,
  parent: { header: parent, digest: digestOf(9), memory: EMPTY_MEMORY },
  round: FIRST_ROUND,
  observations: seen,
  documents: [],
}).header;

type Row = {
  readonly code: GossipCode;
  readonly topic: Topic;
  readonly bytes: Uint8Array;
  readonly before?: readonly [Topic, Uint8Array][];
};

/** In order of precedence; each row is also wrong in a way that a later check would find, where one can be. */
const ROWS: readonly Row[] = [
  { code: "oversize", topic: "observation", bytes: new Uint8Array(MAX_TOPIC_BYTES.observation + 1) },
  { code: "oversize", topic: "proposal", bytes: new Uint8Array(MAX_TOPIC_BYTES.proposal + 1) },
  { code: "oversize", topic: "signature", bytes: new Uint8Array(MAX_TOPIC_BYTES.signature + 1) },
  { code: "oversize", topic: "certificate", bytes: new Uint8Array(MAX_TOPIC_BYTES.certificate + 1) },
  { code: "malformed", topic: "observation", bytes: new Uint8Array(0) },
  { code: "malformed", topic: "observation", bytes: concat(Uint8Array.of(9), observation.subarray(1)) },
  { code: "malformed", topic: "proposal", bytes: proposal.subarray(0, 40) },
  { code: "malformed", topic: "proposal", bytes: concat(proposal, Uint8Array.of(1, 2, 3)) },
  { code: "malformed", topic: "signature", bytes: signature.subarray(1) },
  { code: "malformed", topic: "certificate", bytes: certificate.subarray(0, certificate.length - 1) },
  {
    code: "other-config",
    topic: "observation",
    bytes: encodeSignedObservation(observationBy(1, { round: 5, configDigest: digestOf(1) })),
  },
  { code: "other-config", topic: "signature", bytes: signatureBy(1, { ...header, round: 5, configDigest: digestOf(1) }) },
  {
    code: "old-round",
    topic: "observation",
    bytes: spoiled(encodeSignedObservation(observationBy(1, { round: FIRST_ROUND - 3 }))),
  },
  { code: "old-round", topic: "proposal", bytes: proposalBy(2, { ...header, round: FIRST_ROUND - 3 }, digests) },
  {
    code: "future-round",
    topic: "observation",
    bytes: spoiled(encodeSignedObservation(observationBy(1, { round: FIRST_ROUND + 3 }))),
  },
  {
    code: "future-round",
    topic: "certificate",
    bytes: encodeCertificate(certificateBy([0], { ...header, round: FIRST_ROUND + 3 })),
  },
  { code: "duplicate", topic: "observation", bytes: spoiled(observation), before: [["observation", observation]] },
  { code: "duplicate", topic: "proposal", bytes: proposal, before: [["proposal", proposal]] },
  { code: "duplicate", topic: "signature", bytes: signature, before: [["signature", signature]] },
  { code: "duplicate", topic: "certificate", bytes: certificate, before: [["certificate", certificate]] },
  { code: "count", topic: "observation", bytes: spoiled(encodeSignedObservation(observationBy(1, { entries: twoEntries() }))) },
  { code: "count", topic: "proposal", bytes: spoiled(proposalBy(2, header, digests.slice(0, 2))) },
  { code: "count", topic: "proposal", bytes: proposalBy(2, header, [...digests, digestOf(1), digestOf(2)]) },
  {
    code: "derived",
    topic: "observation",
    bytes: spoiled(encodeSignedObservation(observationBy(1, { head: { round: FIRST_ROUND, digest: digestOf(1) } }))),
  },
  {
    code: "derived",
    topic: "observation",
    bytes: encodeSignedObservation(observationBy(1, { head: { round: 0, digest: digestOf(1) } })),
  },
  {
    code: "derived",
    topic: "observation",
    bytes: encodeSignedObservation(observationBy(1, { head: { round: 7, digest: digestOf(0) } })),
  },
  { code: "derived", topic: "proposal", bytes: proposalBy(2, { ...header, timestamp: header.timestamp + 1 }, digests) },
  { code: "derived", topic: "proposal", bytes: proposalBy(2, child, digests, certificateBy([0, 1, 2], parent)) },
  { code: "derived", topic: "signature", bytes: signatureBy(1, { ...header, validUntil: header.validUntil + 1 }) },
  {
    code: "derived",
    topic: "signature",
    bytes: signatureBy(1, { ...header, timestamp: header.timestamp + 1, validUntil: header.validUntil + 1 }),
  },
  { code: "derived", topic: "certificate", bytes: encodeCertificate(certificateBy([0, 1, 2], { ...header, timestamp: 1 })) },
  { code: "bad-signature", topic: "observation", bytes: spoiled(observation) },
  { code: "bad-signature", topic: "proposal", bytes: spoiled(proposal) },
  { code: "bad-signature", topic: "signature", bytes: spoiled(signature) },
  { code: "unknown-signer", topic: "observation", bytes: otherSigner },
  { code: "unknown-signer", topic: "signature", bytes: signatureOf(stranger) },
  { code: "not-observer", topic: "observation", bytes: signedBy(keyOf(0)) },
  { code: "not-leader", topic: "proposal", bytes: proposalBy(1, header, digests) },
  { code: "bad-certificate", topic: "proposal", bytes: proposalBy(2, childOf(parent), digests, certificateBy([0, 1], parent)) },
  {
    code: "bad-certificate",
    topic: "certificate",
    bytes: certificate.map((byte, index) => (index === certificate.length - 60 ? byte ^ 1 : byte)),
  },
  { code: "bad-certificate", topic: "certificate", bytes: encodeCertificate(certificateBy([0, 1], header)) },
  { code: "equivocation", topic: "observation", bytes: other(1), before: [["observation", observation]] },
  { code: "equivocation", topic: "signature", bytes: signatureBy(1, childOf(parent)), before: [["signature", signature]] },
  { code: "equivocation", topic: "proposal", bytes: proposalBy(2, childOf(parent), digests), before: [["proposal", proposal]] },
  {
    code: "surplus",
    topic: "observation",
    bytes: other(2),
    before: [
      ["observation", observation],
      ["observation", other(1)],
    ],
  },
  { code: "accepted", topic: "observation", bytes: observation },
  { code: "accepted", topic: "proposal", bytes: proposal },
  { code: "accepted", topic: "proposal", bytes: proposalBy(2, childOf(parent), digests, certificateBy([0, 1, 2], parent)) },
  { code: "accepted", topic: "signature", bytes: signature },
  { code: "accepted", topic: "certificate", bytes: certificate },
];

function twoEntries() {
  const entry = { price: 1n, low: 1n, high: 1n, asOf: 1, groups: 1, topBps: 1, outsideBps: 0 };
  return (["BTC/USD", "ETH/USD"] as const).map((feed) => ({ ...entry, feed: feed as never }));
}

function other(value: number): Uint8Array {
  return encodeSignedObservation(observationBy(1, { gauges: [{ gauge: "a", value: BigInt(value), asOf: 0 }] }));
}

function childOf(of: typeof header) {
  const digest = toyFold.nextRound({ network, parent: undefined, round: of.round, observations: seen, documents: [] }).digest;
  const memory = EMPTY_MEMORY;
  return toyFold.nextRound({
    network,
    parent: { header: of, digest, memory },
    round: FIRST_ROUND,
    observations: seen,
    documents: [],
  }).header;
}

function signatureOf({ privateKey }: TestKey): Uint8Array {
  return encodeSignatureMessage({ header, signature: scheme.sign(fromHex(roundDigest(network.domain, header)), privateKey) });
}

/** What member 1 saw, under another key. */
function signedBy({ privateKey }: TestKey): Uint8Array {
  const signed = observationBy(1);
  return encodeSignedObservation({ ...signed, signature: scheme.sign(fromHex(signed.digest), privateKey) });
}

describe("gossip verdicts", () => {
  it.each(ROWS)("$code: $topic", ({ code, topic, bytes, before = [] }) => {
    const machine = createNode(3);
    machine.handle({ kind: "tick" }, NOW);
    for (const [earlierTopic, earlier] of before) verdictOf(machine, earlierTopic, earlier);
    expect(verdictOf(machine, topic, bytes)).toBe(code);
  });

  it("every code is reached, our own fault by a scheme that throws", () => {
    const machine = createRoundMachine({
      network,
      scheme: {
        ...scheme,
        recover: () => {
          throw new Error("out of memory");
        },
      },
      key: keyOf(3),
      fold: toyFold,
      start: EMPTY_START,
    });
    const outputs = machine.handle(gossip("observation", observation), NOW);
    expect(only(outputs, "verdict")).toMatchObject([{ verdict: "ignore", code: "internal" }]);
    expect(only(outputs, "event")).toMatchObject([
      { code: "internal-fault", fields: { input: "gossip", fault: "out of memory" } },
    ]);
    // A member of another committee: round-committee.test.ts.
    const reached = new Set<string>([...ROWS.map(({ code }) => code), "internal", "other-committee"]);
    expect([...reached].sort()).toEqual(Object.keys(GOSSIP_VERDICTS).sort());
  });

  it("a stranger's message is not remembered: the member's own is accepted after it", () => {
    const machine = createNode(3);
    expect(verdictOf(machine, "observation", otherSigner)).toBe("unknown-signer");
    expect(verdictOf(machine, "observation", signedBy(keyOf(0)))).toBe("not-observer");
    expect(verdictOf(machine, "observation", spoiled(observation))).toBe("bad-signature");
    expect(verdictOf(machine, "observation", observation)).toBe("accepted");
    expect(toHex(machine.serve({ kind: "observation", digest: observationBy(1).digest }) ?? new Uint8Array(0))).toBe(
      toHex(observation),
    );
  });

  it("an equivocation is evidence once, which anybody can check", () => {
    const machine = createNode(3);
    const outputs = [observation, other(1), other(2), other(1)].flatMap((bytes) =>
      machine.handle(gossip("observation", bytes), NOW),
    );
    const evidence = only(outputs, "evidence");
    expect(evidence).toHaveLength(1);
    const [found] = evidence;
    if (found === undefined) throw new Error("expected evidence");
    expect(verifyEvidence(found.evidence, { ...network, scheme })).toEqual({ ok: true, value: keyOf(1).address });
  });

  it("a header signed twice is evidence, even when one of the two is only in a certificate", () => {
    const machine = createNode(3);
    const outputs = [
      ...machine.handle(gossip("signature", signatureBy(1, childOf(parent))), NOW),
      ...machine.handle(gossip("certificate", certificate), NOW),
    ];
    const [found] = only(outputs, "evidence");
    expect(found?.evidence.kind).toBe("round");
    if (found === undefined) throw new Error("expected evidence");
    expect(verifyEvidence(found.evidence, { ...network, scheme })).toEqual({ ok: true, value: keyOf(1).address });
  });
});
