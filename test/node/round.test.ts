import { describe, expect, it } from "vitest";
import type { GuardRecord, Input, Output, RoundMachine } from "../../node/machine.ts";
import { REFUSALS } from "../../node/signing.ts";
import { toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { digestOf } from "../support/network.ts";
import { seededRandom } from "./mini-network.ts";
import {
  AT,
  certificateBy,
  codesOf,
  createNode,
  EMPTY_START,
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
  signatureBy,
} from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

/** When round FIRST_ROUND begins. */
const START = AT + 2_000;
const seen = [0, 1, 2].map((index) => observationBy(index));
const header = headerOf(seen);
const digests = seen.map(({ digest }) => digest);

function started(index: number): RoundMachine {
  const machine = createNode(index);
  leaveQuarantine(machine, index);
  return machine;
}

/** Acknowledges what a machine asked to persist and gives what it then does. */
function acknowledge(machine: RoundMachine, outputs: readonly Output[], now: number): readonly Output[] {
  return only(outputs, "persist").flatMap(({ record }) => machine.handle({ kind: "persisted", record }, now));
}

function published(outputs: readonly Output[]): readonly string[] {
  return only(outputs, "publish").map(({ topic }) => topic);
}

describe("a round, moment by moment", () => {
  it("of its leader", () => {
    const machine = started(2);
    expect(machine.wakeAt()).toBe(AT + 1_000);
    machine.handle({ kind: "tick" }, AT + 1_000);
    expect(machine.handle({ kind: "tick" }, START)).toEqual([{ kind: "sample", round: FIRST_ROUND }]);
    const sampled = machine.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 3);
    const own = observationBy(2).digest;
    const record = { kind: "observation", round: FIRST_ROUND, configDigest: network.configDigest, digest: own };
    expect(sampled).toEqual([{ kind: "persist", record }]);
    expect(machine.serve({ kind: "observation", digest: own })).toBeUndefined();
    expect(published(acknowledge(machine, sampled, START + 5))).toEqual(["observation"]);
    expect(only(hear(machine, [observationBy(0)], START + 10), "persist")).toEqual([]);
    expect(machine.wakeAt()).toBe(START + 1_000);
    // A quorum at 20 ms: the leader waits graceMs for the fourth.
    expect(only(hear(machine, [observationBy(1)], START + 20), "persist")).toEqual([]);
    expect(machine.wakeAt()).toBe(START + 170);
    expect(machine.handle({ kind: "tick" }, START + 169)).toEqual([]);
    const proposed = machine.handle({ kind: "tick" }, START + 170);
    expect(only(proposed, "persist").map((output) => output.record.kind)).toEqual(["proposal", "round"]);
    expect(published(proposed)).toEqual([]);
    expect(published(acknowledge(machine, proposed, START + 172))).toEqual(["proposal", "signature"]);
    const first = machine.handle(gossip("signature", signatureBy(0, header)), START + 180);
    expect(published(first)).toEqual([]);
    const last = machine.handle(gossip("signature", signatureBy(1, header)), START + 190);
    expect(last.map(({ kind }) => kind)).toEqual(["commit", "event", "publish", "verdict"]);
    expect(only(last, "commit")).toMatchObject([
      { place: "head", certified: { digest: toyDigest(), certificate: certificateBy([0, 1, 2], header) } },
    ]);
    expect(only(last, "publish").map(({ bytes }) => toHex(bytes))).toEqual([
      toHex(encodeCertificate(certificateBy([0, 1, 2], header))),
    ]);
    expect(machine.status().head).toEqual({ round: FIRST_ROUND, digest: toyDigest() });
    expect(machine.wakeAt()).toBe(START + 1_000);
  });

  it("of its leader with all four observations: nothing to wait for", () => {
    const machine = started(2);
    machine.handle({ kind: "tick" }, START);
    const proposed = hear(
      machine,
      [0, 1, 2, 3].map((index) => observationBy(index)),
      START + 20,
    );
    // Its own observation, heard without a record: an own signature from before this start would be a lost record.
    expect(codesOf(proposed)).toEqual(["key-used-elsewhere"]);
    const other = started(2);
    other.handle({ kind: "tick" }, START);
    const own = other.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 1);
    acknowledge(other, own, START + 2);
    const outputs = hear(
      other,
      [0, 1, 3].map((index) => observationBy(index)),
      START + 20,
    );
    expect(only(outputs, "persist").map(({ record }) => record.kind)).toEqual(["proposal", "round"]);
  });

  it("of another node", () => {
    const machine = started(3);
    hear(machine, seen, START + 10);
    const proposed = machine.handle(gossip("proposal", proposalBy(2, header, digests)), START + 60);
    const record = { kind: "round", round: FIRST_ROUND, configDigest: network.configDigest, digest: toyDigest() };
    expect(only(proposed, "persist")).toEqual([{ kind: "persist", record }]);
    expect(published(proposed)).toEqual([]);
    const signed = machine.handle({ kind: "persisted", record: record as GuardRecord }, START + 65);
    expect(only(signed, "publish").map(({ topic, bytes }) => [topic, toHex(bytes)])).toEqual([
      ["signature", toHex(signatureBy(3, header))],
    ]);
    // It keeps the body that it signed, certificate or not.
    expect(machine.serve({ kind: "body", digest: toyDigest() })).toBeDefined();
    expect(machine.serve({ kind: "certificate", digest: toyDigest() })).toBeUndefined();
    const outputs = [0, 1].flatMap((index) => machine.handle(gossip("signature", signatureBy(index, header)), START + 80));
    expect(only(outputs, "commit")).toMatchObject([
      { place: "head", certified: { certificate: certificateBy([0, 1, 3], header) } },
    ]);
    // Only the leader announces the certificate.
    expect(published(outputs)).toEqual([]);
  });
});

function toyDigest(observations = seen) {
  return toyFold.nextRound({ network, parent: undefined, round: FIRST_ROUND, observations, documents: [] }).digest;
}

describe("a clock that is set back", () => {
  it("begins no round twice", () => {
    const machine = started(3);
    expect(only(machine.handle({ kind: "tick" }, START), "sample")).toHaveLength(1);
    expect(only(machine.handle({ kind: "tick" }, START - 1_500), "sample")).toEqual([]);
    expect(only(machine.handle({ kind: "tick" }, START + 10), "sample")).toEqual([]);
    expect(only(machine.handle({ kind: "tick" }, START + 1_000), "sample")).toHaveLength(1);
  });
});

describe("persist before send", () => {
  function proposedTo(machine: RoundMachine): readonly GuardRecord[] {
    hear(machine, seen, START + 10);
    const outputs = machine.handle(gossip("proposal", proposalBy(2, header, digests)), START + 60);
    return only(outputs, "persist").map(({ record }) => record);
  }

  it("an acknowledgement of something else publishes nothing", () => {
    const machine = started(3);
    const [record] = proposedTo(machine);
    if (record === undefined) throw new Error("expected a record");
    expect(machine.handle({ kind: "persisted", record: { ...record, digest: digestOf(1) } }, START + 70)).toEqual([]);
    expect(machine.handle({ kind: "persisted", record: { ...record, kind: "proposal" } }, START + 70)).toEqual([]);
    expect(published(machine.handle({ kind: "persisted", record }, START + 70))).toEqual(["signature"]);
    expect(machine.handle({ kind: "persisted", record }, START + 70)).toEqual([]);
  });

  it("a refusal of the store is an alarm, and the end of signing", () => {
    const machine = started(3);
    const [record] = proposedTo(machine);
    if (record === undefined) throw new Error("expected a record");
    expect(codesOf(machine.handle({ kind: "refused", record }, START + 70))).toEqual(["guard-refused"]);
    expect(machine.handle({ kind: "persisted", record }, START + 71)).toEqual([]);
    expect(machine.status().phase).toBe("halted");
    expect(only(machine.handle({ kind: "tick" }, START + 1_000), "sample")).toEqual([]);
  });

  it("a second proposal for the same number is not signed, whatever it says", () => {
    const machine = started(3);
    expect(proposedTo(machine)).toHaveLength(1);
    hear(machine, [observationBy(3)], START + 61);
    const all = [...seen.slice(0, 2), observationBy(3)];
    const second = proposalBy(
      2,
      headerOf(all),
      all.map(({ digest }) => digest),
    );
    const outputs = machine.handle(gossip("proposal", second), START + 62);
    expect(only(outputs, "evidence")).toHaveLength(1);
    expect(only(outputs, "persist")).toEqual([]);
  });

  it("what the guard holds from before is never signed again", () => {
    const record: GuardRecord = {
      kind: "round",
      round: FIRST_ROUND + 1,
      configDigest: network.configDigest,
      digest: digestOf(3),
    };
    const machine = createNode(3, { ...EMPTY_START, guard: [record] });
    leaveQuarantine(machine, 3);
    expect(proposedTo(machine)).toEqual([]);
    expect(machine.status().firstRound).toBe(FIRST_ROUND + 2);
  });
});

describe("what a node does not sign", () => {
  const named = { round: FIRST_ROUND - 1, digest: digestOf(5) };
  const newer = [observationBy(0), observationBy(1, { head: named }), observationBy(2)];
  const old = [observationBy(0, { round: FIRST_ROUND - 1 }), observationBy(1), observationBy(2)];
  const unordered = [observationBy(1), observationBy(0), observationBy(2)];
  const cases: readonly (readonly [string, (typeof REFUSALS)[number], readonly SignedObservation[], typeof header])[] = [
    ["an observation of another round", "observations", old, headerOf(old)],
    ["observations out of committee order", "observations", unordered, headerOf(unordered)],
    ["a parent older than a head that an included observation names", "newer-head-named", newer, headerOf(newer)],
    ["a header that its parts do not give", "header", seen, { ...header, stateRoot: digestOf(4) }],
  ];

  it.each(cases)("%s", (_, why, observations, proposedHeader) => {
    const machine = started(3);
    hear(machine, observations, START + 10);
    const bytes = proposalBy(
      2,
      proposedHeader,
      observations.map(({ digest }) => digest),
    );
    const outputs = machine.handle(gossip("proposal", bytes), START + 60);
    expect(only(outputs, "persist")).toEqual([]);
    expect(only(outputs, "event")).toMatchObject([{ code: "proposal-refused", fields: { why } }]);
  });

  it("a parent older than the head that it named itself, and a parent that is not older than the round", () => {
    // Member 1 holds the certified round FIRST_ROUND and names it in the next, which member 3 leads.
    const machine = started(1);
    const first = [0, 2, 3].map((index) => observationBy(index));
    const parent = toyDigest(first);
    hear(machine, first, START + 10);
    machine.handle(gossip("certificate", encodeCertificate(certificateBy([0, 2, 3], headerOf(first)))), START + 20);
    const body = encodeRoundBody(toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations: first, documents: [] }));
    machine.handle({ kind: "fetched", want: { kind: "body", digest: parent }, from: keyOf(0).address, bytes: body }, START + 30);
    const round = FIRST_ROUND + 1;
    const own = machine.handle({ kind: "sampled", round, entries: [], gauges: [], shadows: [] }, START + 1_001);
    acknowledge(machine, own, START + 1_002);
    const observations = [0, 2, 3].map((index) => observationBy(index, { round }));
    hear(machine, observations, START + 1_010);
    const ours = observations.map(({ digest }) => digest);
    const older = machine.handle(gossip("proposal", proposalBy(3, headerOf(observations, round), ours)), START + 1_020);
    expect(only(older, "event")).toMatchObject([{ code: "proposal-refused", fields: { why: "newer-head-own" } }]);
    const itself = proposalBy(
      2,
      { ...headerOf(first), parent },
      first.map(({ digest }) => digest),
    );
    expect(only(machine.handle(gossip("proposal", itself), START + 1_021), "event")).toMatchObject([
      { fields: { why: "parent" } },
    ]);
    // Documents: round-documents.test.ts.
    expect([...cases.map(([, why]) => why), "newer-head-own", "parent", "documents"].sort()).toEqual(
      expect.arrayContaining([...REFUSALS].sort()),
    );
  });

  it("a round whose window does not fit its clock: before, it waits; after, it lets go", () => {
    const { maxSkewMs } = network.config;
    const machine = started(3);
    hear(machine, seen, START - maxSkewMs - 20);
    const early = machine.handle(gossip("proposal", proposalBy(2, header, digests)), START - maxSkewMs - 1);
    expect(only(early, "persist")).toEqual([]);
    expect(machine.wakeAt()).toBe(START - maxSkewMs);
    expect(only(machine.handle({ kind: "tick" }, START - maxSkewMs), "persist")).toHaveLength(1);
    const slow = started(3);
    hear(slow, seen, START + 10);
    const late = slow.handle(gossip("proposal", proposalBy(2, header, digests)), START + 1_000 + maxSkewMs + 1);
    expect(codesOf(late)).toEqual(["proposal-abandoned"]);
    const atTheEnd = started(3);
    hear(atTheEnd, seen, START + 10);
    const last = atTheEnd.handle(gossip("proposal", proposalBy(2, header, digests)), START + 1_000 + maxSkewMs);
    expect(only(last, "persist")).toHaveLength(1);
  });
});

describe("fetching", () => {
  const want = { kind: "body", digest: toyDigest() } as const;
  const announce = gossip("certificate", encodeCertificate(certificateBy([0, 1, 2], header)));
  const body = encodeRoundBody(toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations: seen, documents: [] }));

  it("a certificate without its body is completed by anyone who has it; each answer is checked", () => {
    const machine = started(3);
    const asked = only(machine.handle(announce, START + 20), "fetch");
    expect(asked).toEqual([{ kind: "fetch", want, from: keyOf(0).address, timeoutMs: 2_000 }]);
    const other = encodeRoundBody(
      toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations: [...seen, observationBy(3)], documents: [] }),
    );
    const wrong = machine.handle({ kind: "fetched", want, from: keyOf(0).address, bytes: other }, START + 30);
    expect(only(wrong, "event")).toMatchObject([{ code: "bad-answer", fields: { fault: "recomputes to another header" } }]);
    expect(only(wrong, "fetch")).toMatchObject([{ from: keyOf(1).address }]);
    const none = machine.handle({ kind: "fetch-failed", want, from: keyOf(1).address }, START + 40);
    expect(only(none, "fetch")).toMatchObject([{ from: keyOf(2).address }]);
    // An answer from whom it was not asked is not an answer.
    expect(machine.handle({ kind: "fetched", want, from: keyOf(0).address, bytes: body }, START + 45)).toEqual([]);
    const right = machine.handle({ kind: "fetched", want, from: keyOf(2).address, bytes: body }, START + 50);
    expect(only(right, "commit")).toMatchObject([{ place: "head", body: { round: FIRST_ROUND } }]);
    expect(toHex(machine.serve(want) ?? new Uint8Array(0))).toBe(toHex(body));
    expect(machine.serve({ kind: "certificate", digest: want.digest })).toBeDefined();
  });

  it("goes round the candidates with a pause, and gives up at its time", () => {
    const machine = started(3);
    const asked: string[] = [];
    let outputs = machine.handle(announce, START + 20);
    let now = START + 20;
    let abandonedAt = 0;
    while (abandonedAt === 0 && now < START + 20_000) {
      for (const { from } of only(outputs, "fetch")) asked.push(from);
      const failures: Input[] = only(outputs, "fetch").map(({ want: failed, from }) => ({
        kind: "fetch-failed",
        want: failed,
        from,
      }));
      now = failures.length > 0 ? now : machine.wakeAt();
      outputs =
        failures.length > 0 ? failures.flatMap((input) => machine.handle(input, now)) : machine.handle({ kind: "tick" }, now);
      if (codesOf(outputs).includes("fetch-abandoned")) abandonedAt = now;
    }
    expect(asked.slice(0, 4)).toEqual([0, 1, 2, 0].map((index) => keyOf(index).address));
    expect(abandonedAt).toBe(START + 20 + 10_000);
    // Three candidates every 200 ms for 10 s.
    expect(asked.length).toBeLessThanOrEqual(3 * 51);
  });

  it("a shell that never answers does not hold up the next candidate for ever", () => {
    const machine = started(3);
    machine.handle(announce, START + 20);
    expect(only(machine.handle({ kind: "tick" }, START + 20 + 2_499), "fetch")).toEqual([]);
    expect(only(machine.handle({ kind: "tick" }, START + 20 + 2_500), "fetch")).toMatchObject([{ from: keyOf(1).address }]);
  });
});

describe("a damaged store", () => {
  const certified = { digest: toyDigest(), certificate: certificateBy([0, 1, 2], header), feeds: [] };
  const body = toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations: seen, documents: [] });
  const [first, ...others] = certified.certificate.signatures;
  const other = others[0];
  if (first === undefined || other === undefined) throw new Error("a certificate has signatures");

  it.each([
    ["a digest of something else", { certified: { ...certified, digest: digestOf(1) }, body }],
    [
      "a signature that is another's",
      {
        certified: {
          ...certified,
          certificate: { header, signatures: [{ ...first, signature: other.signature }, ...others] },
        },
        body,
      },
    ],
    ["the body of another round", { certified, body: { ...body, round: FIRST_ROUND + 1 } }],
    ["a body without its observations", { certified, body: { ...body, observations: [] } }],
  ])("%s costs a catch-up, not a wrong round", (_, head) => {
    const machine = createNode(3, { ...EMPTY_START, head });
    expect(codesOf(machine.handle({ kind: "tick" }, AT))).toEqual(["stored-head-unusable"]);
    expect(machine.status().head).toEqual({ round: 0, digest: ZERO_DIGEST });
  });

  it("a sound one gives the head", () => {
    const machine = createNode(3, { ...EMPTY_START, head: { certified, body } });
    expect(machine.status().head).toEqual({ round: FIRST_ROUND, digest: toyDigest() });
  });
});

describe("no input makes it throw", () => {
  it("random inputs in random order, and wakeAt is always ahead", () => {
    const random = seededRandom(99);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const machine = started(3);
    const signature = signatureBy(1, header);
    const valid = [
      encodeSignedObservation(observationBy(1)),
      proposalBy(2, header, digests),
      signature,
      encodeCertificate(certificateBy([0, 1, 2], header)),
    ];
    let now = START;
    for (let step = 0; step < 3_000; step++) {
      now += Math.floor(random() * 40) - 5;
      const bytes = pick(valid).map((byte) => (random() < 0.003 ? Math.floor(random() * 256) : byte));
      const from = keyOf(Math.floor(random() * 4)).address;
      const want = { kind: pick(["observation", "certificate", "body"] as const), digest: pick([toyDigest(), ...digests]) };
      const record = {
        kind: pick(["observation", "proposal", "round"] as const),
        round: FIRST_ROUND + step,
        configDigest: digestOf(1),
        digest: digestOf(2),
      };
      const inputs: readonly Input[] = [
        { kind: "tick" },
        gossip(pick(["observation", "proposal", "signature", "certificate"] as const), bytes),
        { kind: "sampled", round: Math.floor(now / 1_000), entries: [], gauges: [], shadows: [] },
        { kind: "persisted", record },
        { kind: "fetched", want, from, bytes },
        { kind: "fetch-failed", want, from },
        { kind: "hello", from, bytes, sentAt: now - 5, receivedAt: now },
      ];
      const outputs = machine.handle(pick(inputs), now);
      expect(codesOf(outputs)).not.toContain("internal-fault");
      expect(machine.wakeAt()).toBeGreaterThan(now);
    }
  });
});
