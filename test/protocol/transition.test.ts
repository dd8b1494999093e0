import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import type { Certificate, RoundSignature } from "../../protocol/certificate.ts";
import { type Network, networkUnder } from "../../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import {
  chooseSignatures,
  decodeTransition,
  encodeTransition,
  findQuorumFault,
  MAX_TRANSITION_BYTES,
  TRANSITION_FAULTS,
  type Transition,
  verifyTransition,
  verifyTransitionCertificate,
} from "../../protocol/transition.ts";
import { governance } from "../support/governance.ts";
import { digestOf, scheme, type TestKey, testKey, testNetwork } from "../support/network.ts";
import { header as anyHeader } from "./fixtures.ts";

const ROUND = 1_795_300_123;
const member = (key: TestKey) => ({ name: `node-${key.address.slice(2, 8)}`, address: key.address });
const founded = (keys: readonly TestKey[], overrides: Record<string, unknown> = {}) =>
  testNetwork({ committee: keys.map(member), governance: governance(), ...overrides });

/** Four members, of whom the first leaves and a fifth comes. */
const keys = [0, 1, 2, 3, 4].map(testKey);
const [leaving, ...staying] = keys.slice(0, 4) as [TestKey, ...TestKey[]];
const coming = testKey(4);
const from = founded([leaving, ...staying]);
const to = networkUnder(from, founded([...staying, coming], { version: 2, leaseMs: 70_000 }).config);
const committees = { from: from.committee, to: to.committee };
const trust = { ...committees, domain: from.domain, scheme };

function headerUnder({ config, configDigest }: Network, round = ROUND): RoundHeader {
  const timestamp = round * config.roundMs;
  return { ...anyHeader, round, timestamp, validUntil: timestamp + config.leaseMs, configDigest };
}

function sign(header: RoundHeader, by: readonly TestKey[]): readonly RoundSignature[] {
  const hash = fromHex(roundDigest(from.domain, header));
  return by
    .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }))
    .sort((a, b) => (a.signer < b.signer ? -1 : 1));
}

const header = headerUnder(to);
const certificate = (by: readonly TestKey[], of = header): Certificate => ({ header: of, signatures: sign(of, by) });
const transition: Transition = { config: to.config, certificate: certificate(staying) };

describe("a quorum among those who signed", () => {
  const [first, ...others] = sign(header, staying) as [RoundSignature, ...RoundSignature[]];
  const forged = { ...first, signature: others[0]?.signature ?? first.signature };
  test.each<[name: string, given: Certificate, fault: "count" | "signature" | undefined]>([
    ["itself", certificate(staying), undefined],
    ["and others", certificate([...staying, leaving]), undefined],
    ["less one", certificate(staying.slice(1)), "count"],
    ["less one, and strangers", certificate([...staying.slice(1), leaving, testKey(30)]), "count"],
    ["of one member again and again", { header, signatures: [first, first, first] }, "count"],
    ["with a false signature", { header, signatures: [forged, ...others] }, "signature"],
    ["over another header", { ...certificate(staying), header: { ...header, parent: digestOf(9) } }, "signature"],
  ])("%s", (_, given, fault) => {
    expect(findQuorumFault(given, { committee: to.committee, domain: from.domain, scheme })).toBe(fault);
  });
});

describe("a certificate between two committees", () => {
  const verify = (given: Certificate) => verifyTransitionCertificate(given, trust);
  const digest = roundDigest(from.domain, header);

  test.each<[name: string, by: readonly TestKey[]]>([
    ["of three who are in both", staying],
    ["of everybody", keys],
    ["of two in both, one who leaves and one who comes", [leaving, ...staying.slice(1), coming]],
  ])("%s is verified", (_, by) => {
    expect(verify(certificate(by))).toEqual({ ok: true, value: digest });
  });

  const [first, second, ...others] = sign(header, staying) as [RoundSignature, RoundSignature, ...RoundSignature[]];
  const stranger = testKey(30);
  const ROWS: readonly (readonly [name: string, given: Certificate, fault: unknown])[] = [
    ["of the old committee alone", certificate([leaving, ...staying.slice(1)]), { code: "count", expected: 3, found: 2 }],
    ["of the new committee alone", certificate([coming, ...staying.slice(1)]), { code: "count", expected: 3, found: 2 }],
    ["of nobody", certificate([]), { code: "count", expected: 3, found: 0 }],
    ["out of order", { header, signatures: [second, first, ...others] }, { code: "order", index: 1 }],
    ["of one member twice", { header, signatures: [first, first, second, ...others] }, { code: "order", index: 1 }],
    [
      "with a stranger",
      { header, signatures: [...sign(header, [stranger]), ...sign(header, staying)] },
      { code: "signer", index: 0, signer: stranger.address },
    ],
    [
      "of more than both quorums",
      { header, signatures: Array.from({ length: 7 }, () => first) },
      { code: "count", expected: 6, found: 7 },
    ],
    [
      "over another header",
      { ...certificate(staying), header: { ...header, parent: digestOf(9) } },
      { code: "signature", indices: [0, 1, 2] },
    ],
    [
      "with one false signature",
      { header, signatures: [first, { ...second, signature: first.signature }, ...others] },
      { code: "signature", indices: [1] },
    ],
  ];
  test.each(ROWS)("%s is refused", (_, given, error) => {
    expect(verify(given)).toEqual({ ok: false, error });
  });

  test("is chosen from what has come: as few as suffice, in order, and only once they do", () => {
    const all = sign(header, keys);
    expect(chooseSignatures(all, committees)).toEqual(sign(header, staying));
    expect(chooseSignatures(sign(header, [leaving, ...staying.slice(1)]), committees)).toBeUndefined();
    const mixed = [leaving, ...staying.slice(1), coming];
    expect(chooseSignatures([...sign(header, mixed)].reverse(), committees)).toEqual(sign(header, mixed));
    const same = { from: from.committee, to: from.committee };
    expect(chooseSignatures(sign(header, keys.slice(0, 4)), same)).toHaveLength(3);
    expect(chooseSignatures([...sign(header, [stranger, testKey(31)]), ...sign(header, staying)], committees)).toEqual(
      sign(header, staying),
    );
  });

  test("is chosen exactly when there is one, and then verifies, whoever has signed", () => {
    const rotations = fc.record({
      n: fc.integer({ min: 4, max: 10 }),
      gone: fc.nat(3),
      come: fc.nat(3),
      asleep: fc.uniqueArray(fc.nat(13), { maxLength: 6 }),
    });
    const signatures = new Map(Array.from({ length: 14 }, (_, index) => [index, sign(header, [testKey(index)])] as const));
    fc.assert(
      fc.property(rotations, ({ n, gone, come, asleep }) => {
        const f = Math.floor((n - 1) / 3);
        const before = Array.from({ length: n }, (_, index) => index);
        const after = Array.from({ length: n - Math.min(gone, f) + Math.min(come, f) }, (_, index) => index + Math.min(gone, f));
        if (after.length < 4) return;
        const both = {
          from: founded(before.map((index) => testKey(index))).committee,
          to: founded(after.map((index) => testKey(index))).committee,
        };
        const awake = [...new Set([...before, ...after])].filter((index) => !asleep.includes(index));
        const chosen = chooseSignatures(
          awake.flatMap((index) => signatures.get(index) ?? []),
          both,
        );
        const reached = (members: readonly number[], quorum: number) =>
          members.filter((index) => awake.includes(index)).length >= quorum;
        expect(chosen !== undefined).toBe(reached(before, both.from.quorum) && reached(after, both.to.quorum));
        if (chosen === undefined) return;
        const verified = verifyTransitionCertificate({ header, signatures: chosen }, { ...both, domain: from.domain, scheme });
        expect(verified.ok).toBe(true);
        expect(chosen.length).toBeLessThanOrEqual(Math.max(both.from.quorum, both.to.quorum) + f);
      }),
      { numRuns: 30 },
    );
  });
});

describe("a transition", () => {
  const follow = (given: Transition, round = ROUND - 1) => verifyTransition(given, { from, round }, scheme);

  test("leads to the network under its config, whose domain stays", () => {
    expect(follow(transition)).toEqual({ ok: true, value: to });
    expect(to).toMatchObject({ domain: from.domain, genesisConfigDigest: from.configDigest });
    expect(to.configDigest).not.toBe(from.configDigest);
  });

  test("leads back as well, when a config was rolled back", () => {
    const later = headerUnder(from, ROUND + 10);
    const back: Transition = { config: from.config, certificate: certificate(staying, later) };
    expect(verifyTransition(back, { from: to, round: ROUND }, scheme)).toEqual({ ok: true, value: from });
  });

  const forged = (changes: Partial<RoundHeader>): Transition => ({
    config: to.config,
    certificate: certificate(staying, { ...header, ...changes }),
  });
  const under = (overrides: Record<string, unknown>): Transition => {
    const config = networkUnder(from, founded([...staying, coming], { version: 2, ...overrides }).config);
    return { config: config.config, certificate: certificate(staying, headerUnder(config)) };
  };
  const ROWS: readonly (readonly [name: string, given: Transition, code: string, detail: string])[] = [
    [
      "of a round that is known",
      forged({ round: ROUND - 1 }),
      "older",
      `expected a round after ${ROUND - 1}, found ${ROUND - 1}`,
    ],
    [
      "with another config",
      { ...transition, config: from.config },
      "digest",
      "the certificate is of a round under another config",
    ],
    [
      "into the config in force",
      { config: from.config, certificate: certificate(staying, headerUnder(from)) },
      "same",
      "the config is in force already",
    ],
    ["into another network", under({ network: "other" }), "network", "expected the same name, rules and length of rounds"],
    ["into other rounds", under({ roundMs: 2_000 }), "network", "expected the same name, rules and length of rounds"],
    [
      "at another time than its round's",
      forged({ timestamp: header.timestamp + 1 }),
      "times",
      "timestamp or lease do not follow from the round's number",
    ],
    [
      "with a longer lease",
      forged({ validUntil: header.validUntil + 1 }),
      "times",
      "timestamp or lease do not follow from the round's number",
    ],
    [
      "that the committee before did not sign",
      { config: to.config, certificate: certificate([coming, ...staying.slice(1)]) },
      "certificate",
      "count",
    ],
    [
      "that the committee after did not sign",
      { config: to.config, certificate: certificate([leaving, ...staying.slice(1)]) },
      "certificate",
      "count",
    ],
    [
      "that strangers signed",
      { config: to.config, certificate: certificate([30, 31, 32].map(testKey)) },
      "certificate",
      "signer",
    ],
  ];
  test.each(ROWS)("%s leads nowhere", (_, given, code, detail) => {
    expect(follow(given)).toEqual({ ok: false, error: { code, detail } });
  });

  test("has a row for every fault", () => {
    expect([...new Set(ROWS.map(([, , code]) => code))].sort()).toEqual([...TRANSITION_FAULTS].sort());
  });

  test("is not followed a second time, after a roll-back", () => {
    expect(verifyTransition(transition, { from, round: ROUND + 10 }, scheme).ok).toBe(false);
  });
});

describe("a transition's bytes", () => {
  const bytes = encodeTransition(transition);

  test("decode to it", () => {
    expect(decodeTransition(bytes)).toEqual({ ok: true, value: transition });
    expect(bytes.length).toBeLessThan(MAX_TRANSITION_BYTES);
  });

  test("are refused, or lead nowhere, with any bit flipped; and refused when cut or longer", () => {
    const jsonEnd = bytes.length - 217 - 3 * 85;
    for (let at = 0; at < bytes.length; at++) {
      if (at > 200 && at < jsonEnd - 100 && at % 53 !== 0) continue;
      const flipped = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      const decoded = decodeTransition(flipped);
      if (at < jsonEnd) expect(decoded.ok, `byte ${at}`).toBe(false);
      if (decoded.ok) expect(verifyTransition(decoded.value, { from, round: 0 }, scheme).ok, `byte ${at}`).toBe(false);
      expect(decodeTransition(bytes.subarray(0, at)).ok, `cut at ${at}`).toBe(false);
    }
    expect(decodeTransition(Uint8Array.from([...bytes, 0]))).toEqual({ ok: false, error: "1 bytes left over" });
  });

  test.each<[name: string, given: Uint8Array, error: string]>([
    ["too many bytes", new Uint8Array(MAX_TRANSITION_BYTES + 1), `expected at most ${MAX_TRANSITION_BYTES} bytes`],
    ["another version", Uint8Array.of(2), "expected transition version 1"],
    ["a config too long", Uint8Array.of(1, 0xff, 0, 0, 0), "expected a config of at most 4194304 bytes"],
    ["a config cut short", Uint8Array.of(1, 0, 0, 0, 9, 0x7b), "expected 9 bytes of a config, found 1"],
    [
      "a config that its certificate does not name",
      encodeTransition({ config: from.config, certificate: transition.certificate }),
      "config: not the one that its digest names",
    ],
  ])("with %s are refused", (_, given, error) => {
    expect(decodeTransition(given)).toEqual({ ok: false, error });
  });
});
