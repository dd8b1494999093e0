import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Want } from "../../node/machine.ts";
import {
  decodeHello,
  decodeRequest,
  decodeSignatureMessage,
  decodeTransitionAnswer,
  encodeHello,
  encodeRequest,
  encodeSignatureMessage,
  encodeTransitionAnswer,
  HELLO_BYTES,
  MAX_REQUEST_BYTES,
  MAX_TOPIC_BYTES,
  splitProposalMessage,
} from "../../node/wire.ts";
import { toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { configDigest } from "../../protocol/config.ts";
import { encodeConfig } from "../../protocol/config-codec.ts";
import { encodeSignedObservation, MAX_DOCUMENTS, MAX_ENTRIES, MAX_GAUGES } from "../../protocol/observation.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { decodeRoundBody, encodeRoundBody } from "../../protocol/round-codec.ts";
import { encodeTransition } from "../../protocol/transition.ts";
import { digestOf, testNetwork } from "../support/network.ts";
import { certificateBy, headerOf, observationBy, proposalBy } from "./one-node.ts";

const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(toHex);
const count = fc.nat(2 ** 31);
const header = fc.record({
  round: count,
  timestamp: count,
  validUntil: count,
  parent: hex(32),
  reportsRoot: hex(32),
  stateRoot: hex(32),
  inputsRoot: hex(32),
  configDigest: hex(32),
});
const body: fc.Arbitrary<RoundBody> = fc.record({
  round: count,
  parent: fc.option(header, { nil: undefined }),
  memory: fc.uint8Array({ maxLength: 200 }).map(toHex),
  observations: fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }).map(toHex), { maxLength: 5 }),
  documents: fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }).map(toHex), { maxLength: 3 }),
});
const hello = fc.record({ clock: count, head: fc.record({ round: count, digest: hex(32) }), quarantine: fc.boolean() });
const request = fc.oneof(
  fc.constant({ kind: "hello" as const }),
  fc.record({
    kind: fc.constantFrom<Want["kind"]>("observation", "certificate", "body", "document", "transition"),
    digest: hex(32),
  }),
);

describe("what goes over the wire", () => {
  it("comes back as it went, and only in its one form", () => {
    fc.assert(
      fc.property(body, hello, request, header, hex(65), (someBody, someHello, someRequest, someHeader, signature) => {
        expect(decodeRoundBody(encodeRoundBody(someBody))).toEqual({ ok: true, value: someBody });
        expect(decodeHello(encodeHello(someHello))).toEqual({ ok: true, value: someHello });
        expect(decodeRequest(encodeRequest(someRequest))).toEqual({ ok: true, value: someRequest });
        const message = { header: someHeader, signature };
        expect(decodeSignatureMessage(encodeSignatureMessage(message))).toEqual({ ok: true, value: message });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["body", decodeRoundBody],
    ["hello", decodeHello],
    ["request", decodeRequest],
    ["signature", decodeSignatureMessage],
    ["proposal", splitProposalMessage],
  ])("any bytes as a %s are decoded or refused, never thrown at", (_, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(typeof decode(bytes).ok).toBe("boolean");
      }),
      { numRuns: 200 },
    );
  });

  const sample = encodeRoundBody({ round: 1, parent: undefined, memory: "0x01", observations: ["0x02"], documents: ["0x03"] });
  it.each([
    ["a truncated body", sample.subarray(0, -1), "truncated"],
    ["a body with more behind it", Uint8Array.from([...sample, 0]), "1 bytes left over"],
    ["a flag of 2", sample.map((byte, index) => (index === 8 ? 2 : byte)), "expected a flag of 0 or 1, found 2"],
    ["a memory beyond its bound", sample.map((byte, index) => (index === 9 ? 255 : byte)), "expected at most 8388608 bytes"],
    [
      "an observation beyond its bound",
      sample.map((byte, index) => (index === 15 ? 255 : byte)),
      "expected at most 524288 bytes",
    ],
    ["a document beyond its bound", sample.map((byte, index) => (index === 22 ? 255 : byte)), "expected at most"],
    ["129 observations", sample.map((byte, index) => (index === 14 ? 129 : byte)), "expected at most 128 observations"],
  ])("refuses %s", (_, bytes, fault) => {
    expect(decodeRoundBody(bytes)).toMatchObject({ ok: false, error: expect.stringContaining(fault) });
  });

  it("refuses a hello of another version and a request of no kind", () => {
    const bytes = encodeHello({ clock: 1, head: { round: 0, digest: ZERO_DIGEST }, quarantine: false });
    expect(bytes).toHaveLength(HELLO_BYTES);
    expect(decodeHello(bytes.map((byte, index) => (index === 0 ? 2 : byte))).ok).toBe(false);
    expect(decodeRequest(Uint8Array.of(6))).toEqual({ ok: false, error: "expected a request of kind 0 to 5, found 6" });
    expect(encodeRequest({ kind: "body", digest: ZERO_DIGEST })).toHaveLength(MAX_REQUEST_BYTES);
  });

  it("a transition says where it leads from, or a store leaves it out; nothing else decodes", () => {
    const { config } = testNetwork();
    const header = {
      ...headerOf(
        [0, 1, 2].map((index) => observationBy(index)),
        5,
      ),
      configDigest: configDigest(config),
    };
    const transition = { config, certificate: certificateBy([0, 1, 2], header) };
    for (const from of [digestOf(7), undefined]) {
      const bytes = encodeTransitionAnswer({ from, transition });
      const sealed = { json: encodeConfig(config), certificate: transition.certificate };
      expect(decodeTransitionAnswer(bytes)).toEqual({ ok: true, value: { from, transition: sealed } });
      expect(encodeTransitionAnswer({ from, transition: sealed })).toEqual(bytes);
      for (const end of [0, 1, 20, 33, 40, bytes.length - 1])
        expect(decodeTransitionAnswer(bytes.subarray(0, end)).ok).toBe(false);
    }
    expect(encodeTransitionAnswer({ from: undefined, transition })).toEqual(encodeTransition(transition));
  });

  it("a proposal carries its parent's certificate, or none", () => {
    const seen = [0, 1, 2].map((index) => observationBy(index));
    const digests = seen.map(({ digest }) => digest);
    const certificate = certificateBy([0, 1, 2], headerOf(seen, 5));
    const withParent = splitProposalMessage(proposalBy(2, headerOf(seen), digests, certificate));
    expect(withParent).toMatchObject({ ok: true, value: { certificate } });
    expect(splitProposalMessage(proposalBy(2, headerOf(seen), digests))).toMatchObject({
      ok: true,
      value: { certificate: undefined },
    });
  });

  it("the largest observation fits its topic", () => {
    const MAX = 2n ** 191n - 1n;
    const entry = (index: number) => ({
      feed: `${String(index).padStart(6, "0")}AAAAAAAAAAAAAAAAAA/USDUSD` as never,
      price: MAX,
      low: MAX,
      high: MAX,
      asOf: 1,
      groups: 1,
      topBps: 1,
      outsideBps: 1,
    });
    const gauge = (index: number) => ({
      gauge: `${String(index).padStart(6, "0")}AAAAAAAAAAAAAAAAAAAAAAAAA`,
      value: MAX,
      asOf: 1,
    });
    const signed = observationBy(0, {
      entries: Array.from({ length: MAX_ENTRIES }, (_, index) => entry(index)),
      gauges: Array.from({ length: MAX_GAUGES - 1 }, (_, index) => gauge(index)),
      documents: Array.from({ length: MAX_DOCUMENTS }, (_, index) => `0x${String(index).padStart(64, "0")}` as const),
    });
    expect(encodeSignedObservation(signed).length).toBeLessThanOrEqual(MAX_TOPIC_BYTES.observation);
    expect(encodeSignedObservation(signed).length).toBeGreaterThan(MAX_TOPIC_BYTES.observation / 2);
  });
});
