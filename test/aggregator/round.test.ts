import { describe, expect, it } from "vitest";
import { bodyOf, nextRound, recomputeBody } from "../../aggregator/round.ts";
import { decodeMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import { ONE } from "../../protocol/amount.ts";
import { concat, fromHex, keccakHex, toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { reportTree } from "../../protocol/document.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import {
  encodeSignedObservation,
  type Observation,
  type SignedObservation,
  signObservation,
} from "../../protocol/observation.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { digestOf, scheme, type TestKey, testKey, testKeys, testNetwork } from "../support/network.ts";

const ROUND = 1_700_000_000;
const AT = ROUND * 1_000;
const network = testNetwork();
const keys = testKeys(4);

function keyOf(index: number): TestKey {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  return key;
}

/** What a member saw in a round: ETH at 1800 and as many dollars more as its place in the committee. */
function observe(index: number, changes: Partial<Observation> = {}, key = keyOf(index)): SignedObservation {
  const price = 1_800n * ONE + BigInt(index) * ONE;
  const entry = { feed: "ETH/USD" as FeedId, price, low: price, high: price, asOf: AT, groups: 6, topBps: 1_700, outsideBps: 0 };
  const head = { round: 0, digest: ZERO_DIGEST };
  const { configDigest } = network;
  const observation = { round: ROUND, configDigest, head, entries: [entry], gauges: [], shadows: [], documents: [], ...changes };
  return signObservation(observation, network.domain, key);
}

const first = { parent: undefined, round: ROUND, observations: [0, 1, 2].map((index) => observe(index)), documents: [] };
const genesis = nextRound({ network, ...first });
const parent = { header: genesis.header, digest: genesis.digest, memory: genesis.memory };

/** Of the round after the first, whose members name the first as their head. */
function later(index: number, changes: Partial<Observation> = {}): SignedObservation {
  return observe(index, { round: ROUND + 1, head: { round: ROUND, digest: genesis.digest }, ...changes });
}

const second = { parent, round: ROUND + 1, observations: [0, 1, 3].map((index) => later(index)), documents: [] };
const computed = nextRound({ network, ...second });
const body = bodyOf(second);

describe("a round's header", () => {
  it("takes its times from its number and its parent from the one it stands on (P3)", () => {
    expect(genesis.header).toMatchObject({ round: ROUND, timestamp: AT, validUntil: AT + 60_000, parent: ZERO_DIGEST });
    expect(computed.header).toMatchObject({ timestamp: AT + 1_000, validUntil: AT + 61_000, parent: genesis.digest });
  });

  it("commits to reports, memory, inputs and config (P7)", () => {
    const { reportsRoot, stateRoot, inputsRoot, configDigest } = computed.header;
    expect(computed.feeds.map(({ report }) => [report.feed, report.price])).toEqual([["ETH/USD", 1_801n * ONE]]);
    expect(reportsRoot).toBe(reportTree(computed.feeds).root);
    expect(stateRoot).toBe(keccakHex(encodeMemory(computed.memory)));
    expect(stateRoot).not.toBe(genesis.header.stateRoot);
    expect(inputsRoot).toBe(keccakHex(concat(...second.observations.map(({ digest }) => fromHex(digest)))));
    expect(configDigest).toBe(network.configDigest);
    expect(computed.digest).toBe(roundDigest(network.domain, computed.header));
  });
});

describe("a body that anybody sent", () => {
  it("is computed again to the same round, with what it was opened to", () => {
    expect(recomputeBody(network, body, scheme)).toEqual({ ok: true, value: { ...second, ...computed } });
    expect(recomputeBody(network, bodyOf(first), scheme)).toMatchObject({ ok: true, value: { digest: genesis.digest } });
  });

  const hexOf = (observations: readonly SignedObservation[]) =>
    observations.map((signed) => toHex(encodeSignedObservation(signed)));
  const [a, b, c] = second.observations as [SignedObservation, SignedObservation, SignedObservation];
  const otherMemory = toHex(encodeMemory(computed.memory));
  const stranger = observe(0, { round: ROUND + 1 }, testKey(40));
  const rows: readonly (readonly [name: string, changed: Partial<RoundBody>, fault: string])[] = [
    ["fewer observations than a quorum", { observations: hexOf([a, b]) }, "expected at least 3 observations, found 2"],
    ["a member twice", { observations: hexOf([a, b, b]) }, "observations[2]: expected distinct members in committee order"],
    ["members out of order", { observations: hexOf([b, a, c]) }, "observations[1]: expected distinct members in committee order"],
    ["a stranger", { observations: hexOf([stranger, a, b, c]) }, "observations[0]: expected distinct members in committee order"],
    [
      "an observation of another round",
      { observations: hexOf([a, b, observe(3)]) },
      `observations[2]: expected round ${ROUND + 1}`,
    ],
    [
      "an observation under another config",
      { observations: hexOf([a, b, later(3, { configDigest: digestOf(7) })]) },
      "observations[2]: another config digest",
    ],
    [
      "a head newer than the parent",
      { observations: hexOf([a, b, later(3, { head: { round: ROUND + 1, digest: digestOf(5) } })]) },
      `observation of ${keyOf(3).address} names a head newer than the parent`,
    ],
    ["bytes that are no observation", { observations: ["0x00"] }, "observations[0]: shorter than a signature"],
    ["a parent of the same round", { round: ROUND }, "parent is not older than the round"],
    ["another round's memory", { memory: otherMemory }, "memory does not hash to the parent's stateRoot"],
    ["memory without a parent", { parent: undefined }, "memory without a parent header"],
  ];

  it.each(rows)("with %s is refused", (_, changed, error) => {
    expect(recomputeBody(network, { ...body, ...changed }, scheme)).toEqual({ ok: false, error });
  });

  it("whose memory hashes right and is none is refused", () => {
    const header = { ...genesis.header, stateRoot: keccakHex(fromHex("0x00")) };
    const fault = decodeMemory(fromHex("0x00"));
    const error = `memory: ${fault.ok ? "" : fault.error}`;
    expect(recomputeBody(network, { ...body, parent: header, memory: "0x00" }, scheme)).toEqual({ ok: false, error });
  });
});
