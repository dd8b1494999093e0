import { describe, expect, it } from "vitest";
import { encodeSignatureMessage } from "../../../node/wire.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { type RoundHeader, roundDigest } from "../../../protocol/eip712.ts";
import {
  decodeSignedObservation,
  encodeSignedObservation,
  type Observation,
  signObservation,
} from "../../../protocol/observation.ts";
import type { CheckerName } from "../../../simulator/promises/index.ts";
import { digestOf } from "../../support/network.ts";
import {
  calm,
  changeRound,
  committedIn,
  digestsOf,
  insertAfter,
  judge,
  keys,
  type Of,
  type Recording,
  withFacts,
  without,
} from "./recorded.ts";

const { network, scheme } = calm.facts;
const middle = digestsOf(calm.stream)[30];
const commit = committedIn(calm.stream).find(({ certified }) => certified.digest === middle) as Of<"committed">;
const { header } = commit.certified.certificate;
const other: RoundHeader = { ...header, stateRoot: digestOf(7) };

function keyOf(node: number) {
  const key = keys[node];
  if (key === undefined) throw new Error(`no key ${node}`);
  return { scheme, ...key };
}

function expectP2(name: CheckerName, recording: Recording, what: RegExp) {
  const violations = judge([name], recording);
  expect(violations.map((violation) => violation.what).join("\n")).toMatch(what);
  expect(new Set(violations.map(({ promise }) => promise))).toEqual(new Set(["P2"]));
}

function signatureOf(node: number, signed: RoundHeader): Of<"sent"> {
  const signature = scheme.sign(fromHex(roundDigest(network.domain, signed)), keyOf(node).privateKey);
  const bytes = encodeSignatureMessage({ header: signed, signature });
  return { at: commit.at, kind: "sent", node, topic: "signature", bytes, to: undefined };
}

function recordOf(node: number, signed: RoundHeader): Of<"recorded"> {
  const { round, configDigest } = signed;
  const record = { kind: "round", round, configDigest, digest: roundDigest(network.domain, signed) } as const;
  return { at: commit.at, kind: "recorded", node, record };
}

/** What a node said in a round, with something changed and signed by its own key. */
function reworded(bytes: Uint8Array, node: number, change: Partial<Observation>): Uint8Array {
  const decoded = decodeSignedObservation(bytes, network.domain, scheme);
  if (!decoded.ok) throw new Error(decoded.error);
  const { observer: _, ...said } = decoded.value.observation;
  return encodeSignedObservation(signObservation({ ...said, ...change }, network.domain, keyOf(node)));
}

const isCommit = (occurrence: Recording["stream"][number]) => occurrence === commit;
const isObservation = (node: number) => (occurrence: Recording["stream"][number]) =>
  occurrence.kind === "sent" && occurrence.topic === "observation" && occurrence.node === node;

function afterCommit(...extra: Recording["stream"]): Recording {
  return insertAfter(calm, isCommit, () => extra);
}

describe("P2, one truth a round", () => {
  it("an honest node that signs two headers", () => {
    const recording = afterCommit(recordOf(0, other), signatureOf(0, other));
    expectP2("one truth", recording, /honest node 0 signed two rounds: 0x[0-9a-f]{64} and 0x/);
  });

  it("an honest node that says two things", () => {
    const recording = insertAfter(calm, isObservation(2), (sent) => {
      if (sent.kind !== "sent") return [];
      return [{ ...sent, bytes: reworded(sent.bytes, 2, { documents: [digestOf(1)] }) }];
    });
    expectP2("one truth", recording, /honest node 2 signed two observations/);
  });

  it.each(["observation", "proposal", "round"])("a %s sent before it is recorded", (kind) => {
    const recording = without(calm, (occurrence) => occurrence.kind === "recorded" && occurrence.record.kind === kind);
    expectP2("one truth", recording, new RegExp(`honest node \\d sent ${kind} 0x[0-9a-f]{64} before its record was durable`));
  });

  it("a record that comes after what it promises", () => {
    const isRecord = (occurrence: Recording["stream"][number]) => occurrence.kind === "recorded";
    const first = calm.stream.find(isRecord);
    const late = insertAfter(calm, isCommit, () => (first === undefined ? [] : [first]));
    const recording = { ...late, stream: late.stream.filter((occurrence, index) => occurrence !== first || index > 50) };
    expectP2("one truth", recording, /before its record was durable/);
  });

  it("two certificates of one number", () => {
    const digest = roundDigest(network.domain, other);
    const signatures = keys.slice(0, 3).map(({ address, privateKey }) => ({
      signer: address,
      signature: scheme.sign(fromHex(digest), privateKey),
    }));
    const certified = { ...commit.certified, digest, certificate: { header: other, signatures } };
    expectP2("one truth", afterCommit({ ...commit, certified }), /two certificates, 0x[0-9a-f]{64} and 0x/);
  });

  it("a certificate with too few signatures, or one signer twice", () => {
    const shortened = (count: number) =>
      changeRound(calm, middle, (committed) => {
        const { certificate } = committed.certified;
        const [first] = certificate.signatures;
        const signatures = [...certificate.signatures.slice(0, count), ...(first === undefined ? [] : [first])];
        return { ...committed, certified: { ...committed.certified, certificate: { ...certificate, signatures } } };
      });
    expectP2("one truth", shortened(1), /stands on 1 members' signatures, a quorum is 3/);
    expectP2("one truth", shortened(2), /stands on 2 members' signatures/);
  });

  it("a second certificate that nobody has shown: byzantine keys would complete it", () => {
    // Nodes 1 and 2 are the adversary's: one honest signature beside theirs makes a quorum of three.
    const honest = afterCommit(signatureOf(0, other));
    const recording = withFacts(honest, { byzantine: [1, 2] });
    expectP2("one truth", recording, /two certificates within reach of a quorum of 3 with byzantine 1 2: 0x/);
    const alone = withFacts(afterCommit(signatureOf(1, other)), { byzantine: [1] });
    expect(judge(["one truth"], alone)).toEqual([]);
  });

  it("evidence against an honest node, which only a wrong clock with a lost disk explains", () => {
    const fields = { kind: "round", round: header.round, signer: keyOf(3).address };
    const event = { at: commit.at, kind: "event", node: 0, level: "warn", code: "equivocation", fields } as const;
    expectP2("one truth", afterCommit(event), /node 0 holds evidence of two rounds against honest node 3/);
    expect(judge(["one truth"], withFacts(afterCommit(event), { byzantine: [3] }))).toEqual([]);
    const step = { at: 0, until: 9_000, fault: { kind: "clock-step", node: 3, ms: 60_000 } } as const;
    const wiped = { at: 9_000, until: 9_500, fault: { kind: "disk-wiped", node: 3 } } as const;
    expect(judge(["one truth"], withFacts(afterCommit(event), { faults: [step, wiped] }))).toEqual([]);
    expectP2("one truth", withFacts(afterCommit(event), { faults: [wiped] }), /against honest node 3/);
    expectP2("one truth", withFacts(afterCommit(event), { faults: [step] }), /against honest node 3/);
  });
});

describe("P2, what is certified stays", () => {
  it("a head that goes back", () => {
    const earlier = committedIn(calm.stream).find(({ certified }) => certified.digest === digestsOf(calm.stream)[20]);
    if (earlier === undefined) throw new Error("expected an earlier round");
    const again = { ...earlier, node: commit.node, at: commit.at };
    expectP2("head rule", afterCommit(again), new RegExp(`node ${commit.node} went back from head ${header.round} to`));
    expect(judge(["head rule"], afterCommit({ ...again, place: "late" }))).toEqual([]);
    const restarted = { at: commit.at, kind: "started", node: commit.node, lostRecords: 9 } as const;
    expect(judge(["head rule"], afterCommit(restarted, again))).toEqual([]);
  });

  it("a parent older than a head it was told of", () => {
    const recording = changeRound(calm, middle, (committed) => {
      const [first = "0x", ...rest] = committed.body.observations;
      const said = toHex(reworded(fromHex(first), 0, { head: { round: header.round, digest: digestOf(1) } }));
      return { ...committed, body: { ...committed.body, observations: [said, ...rest] } };
    });
    expectP2("head rule", recording, /parent \d+ is older than head \d+, named by node 0/);
  });

  it("an honest node that names less than it holds", () => {
    const stream = calm.stream.map((occurrence) => {
      const isLater = occurrence.kind === "sent" && occurrence.topic === "observation" && occurrence.at > commit.at;
      if (!isLater || occurrence.node !== 1) return occurrence;
      return { ...occurrence, bytes: reworded(occurrence.bytes, 1, { head: { round: 0, digest: digestOf(0) } }) };
    });
    expectP2("head rule", { ...calm, stream }, /honest node 1 named head 0 and held \d+/);
  });

  it("an honest node that signs on less than it named", () => {
    const stream = calm.stream.map((occurrence) => {
      if (occurrence.kind !== "sent" || occurrence.topic !== "observation") return occurrence;
      return {
        ...occurrence,
        bytes: reworded(occurrence.bytes, occurrence.node, { head: { round: 2 ** 40, digest: digestOf(1) } }),
      };
    });
    expectP2("head rule", { ...calm, stream }, /honest node \d named head 1099511627776 and signed on parent \d+/);
  });
});
