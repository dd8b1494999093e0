import { describe, expect, it } from "vitest";
import { bodyOf, configAfter, nextRound, type RoundInput, recomputeBody } from "../../aggregator/round.ts";
import { type BreakerMemory, encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import { ONE } from "../../protocol/amount.ts";
import { concat, fromHex, type Hex, keccakHex, toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type Network, networkUnder } from "../../protocol/config.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { Observation, SignedObservation } from "../../protocol/observation.ts";
import { signObservation } from "../../protocol/observation.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { GOVERNORS, GUARDIANS, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf, plainSources, scheme, testKeys } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const ROUND = 1_700_000_000;
const AT = ROUND * 1_000;
const feedsOf = (...feeds: readonly string[]) => feeds.map((feed) => ({ feed, preset: "major", sources: plainSources(feed, 6) }));
const network = governedNetwork({ feeds: feedsOf("BTC/USD", "ETH/USD"), chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] });
const keys = testKeys(4);

type Said = { readonly documents?: readonly SignedDocument[]; readonly head?: Observation["head"]; readonly under?: Network };

function observe(
  index: number,
  round: number,
  { documents = [], head = { round: 0, digest: ZERO_DIGEST }, under = network }: Said = {},
): SignedObservation {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  const asOf = round * 1_000;
  const entry = (feed: string) => ({
    feed: feedId(feed),
    price: 1_800n * ONE,
    low: 1_800n * ONE,
    high: 1_800n * ONE,
    asOf,
    groups: 6,
    topBps: 1_700,
    outsideBps: 0,
  });
  const gauge = (name: string, value: number) => ({ gauge: `${name}.ETHEREUM`, value: BigInt(value), asOf });
  return signObservation(
    {
      ...{ round, configDigest: under.configDigest, head, shadows: [] },
      entries: under.config.feeds.map(({ feed }) => entry(feed)),
      gauges: [gauge("fee", 30 * 10 ** 9), gauge("head", asOf)],
      documents: documents.map(({ digest }) => digest).sort(),
    },
    network.domain,
    key,
  );
}

const ordered = (...documents: readonly SignedDocument[]) => [...documents].sort((a, b) => (a.digest < b.digest ? -1 : 1));
const pause = (index: number) =>
  signedBy(
    GUARDIANS.slice(index, index + 1),
    { kind: "pause", feed: feedId("ETH/USD"), action: "none", until: AT + 600_000 + index },
    network,
  );
const [one, two] = ordered(pause(0), pause(1)) as [SignedDocument, SignedDocument];

const input: Omit<RoundInput, "network"> = {
  parent: undefined,
  round: ROUND,
  observations: [observe(0, ROUND, { documents: [two] }), observe(1, ROUND, { documents: [one, two] }), observe(2, ROUND)],
  documents: [one, two],
};
const genesis = nextRound({ network, ...input });
const parent = { header: genesis.header, digest: genesis.digest, memory: genesis.memory };
const body = bodyOf(input);

describe("a round's documents", () => {
  it("are committed to once each, in ascending order, after the observations", () => {
    const digests = [...input.observations.map(({ digest }) => digest), one.digest, two.digest];
    expect(genesis.header.inputsRoot).toBe(keccakHex(concat(...digests.map(fromHex))));
    expect(genesis.intake.map(({ digest }) => digest)).toEqual([one.digest, two.digest]);
  });

  it("are in its body, from which it is computed again", () => {
    expect(body.documents).toEqual([one, two].map(({ bytes }) => toHex(bytes)));
    expect(recomputeBody(network, body, scheme)).toEqual({ ok: true, value: { ...input, ...genesis } });
  });

  const hexOf = (...documents: readonly SignedDocument[]): readonly Hex[] => documents.map(({ bytes }) => toHex(bytes));
  const stranger = signedBy(keys.slice(0, 1), { kind: "rollback", from: digestOf(1), to: digestOf(2) }, network);
  const ROWS: readonly (readonly [name: string, changed: Partial<RoundBody>, fault: RegExp])[] = [
    ["none of them", { documents: [] }, /^expected 2 documents, found 0$/],
    ["one left out", { documents: hexOf(two) }, /^expected 2 documents, found 1$/],
    ["one too many", { documents: hexOf(one, two, two) }, /^expected 2 documents, found 3$/],
    ["one twice", { documents: hexOf(one, one) }, /^documents\[1\]: not the one that an observation names$/],
    ["another order", { documents: hexOf(two, one) }, /^documents\[0\]: not the one that an observation names$/],
    ["another one", { documents: hexOf(one, pause(2)) }, /^documents\[1\]: not the one that an observation names$/],
    ["bytes that are none", { documents: ["0x00", "0x00"] }, /^documents\[0\]: /],
    [
      "one by a stranger",
      { documents: hexOf(stranger, two) },
      /^documents\[0\]: 0x[0-9a-f]{40} is neither a governor nor a guardian$/,
    ],
  ];
  it.each(ROWS)("with %s are refused", (_, changed, fault) => {
    const recomputed = recomputeBody(network, { ...body, ...changed }, scheme);
    expect(recomputed.ok ? "recomputes" : recomputed.error).toMatch(fault);
  });

  it("a pause that one observation carries is in force in that very round", () => {
    const eth = genesis.feeds.find(({ report }) => report.feed === "ETH/USD");
    expect(eth?.report.liquidate).toBe("none");
    expect(genesis.intake.map(({ code }) => code)).toEqual(["taken", "taken"]);
  });
});

/** The parent's header over another memory, which nobody certified. */
function over(memory: BreakerMemory, changes: Partial<RoundHeader> = {}, under = network): RoundBody {
  const bytes = encodeMemory(memory);
  const header = { ...parent.header, ...changes, stateRoot: keccakHex(bytes) };
  const observations = [0, 1, 3].map((index) => observe(index, ROUND + 1, { under }));
  const { observations: hexes } = bodyOf({ parent: undefined, round: ROUND + 1, observations, documents: [] });
  return { round: ROUND + 1, parent: header, memory: toHex(bytes), observations: hexes, documents: [] };
}

describe("the config that a parent names", () => {
  const later = networkUnder(network, governedNetwork({ feeds: feedsOf("ETH/USD", "SOL/USD"), version: 2 }).config);
  const decided: BreakerMemory = { ...genesis.memory, governance: { ...genesis.memory.governance, next: later.configDigest } };
  const first = genesis.memory.feeds[0] as FeedMemory;
  const errorOf = (of: Network, given: RoundBody) => {
    const recomputed = recomputeBody(of, given, scheme);
    return recomputed.ok ? undefined : recomputed.error;
  };

  it("is its own, or the next that was decided in it", () => {
    expect(configAfter(undefined)).toBeUndefined();
    expect(configAfter(parent)).toBe(network.configDigest);
    expect(configAfter({ ...parent, memory: decided })).toBe(later.configDigest);
  });

  it("is that of the round: another one is a fault, not a throw", () => {
    const fault = "the parent names another config for the rounds that stand on it";
    expect(errorOf(network, over(decided))).toBe(fault);
    expect(errorOf(later, over(genesis.memory, {}, later))).toBe(fault);
    expect(errorOf(network, over(genesis.memory, { configDigest: digestOf(7) }))).toBe(fault);
  });

  it("may have had other feeds: the first round under the next one is computed, and forgets them", () => {
    const recomputed = recomputeBody(later, over(decided, {}, later), scheme);
    if (!recomputed.ok) throw new Error(recomputed.error);
    expect(recomputed.value.header.configDigest).toBe(later.configDigest);
    expect(recomputed.value.feeds.map(({ report }) => report.feed)).toEqual(["ETH/USD", "SOL/USD"]);
    expect(recomputed.value.memory.governance).toMatchObject({ next: ZERO_DIGEST, previous: network.configDigest });
  });

  it("has chains too: their leaves are no strangers in memory, those of other chains are", () => {
    expect(genesis.memory.feeds.map(({ feed }) => feed)).toEqual(["BTC/USD", "CHAIN/ETHEREUM", "ETH/USD"]);
    expect(errorOf(network, over(genesis.memory))).toBeUndefined();
    const foreign = { ...genesis.memory, feeds: [...genesis.memory.feeds.slice(0, 1), { ...first, feed: feedId("CHAIN/BASE") }] };
    expect(errorOf(network, over(foreign))).toBe("memory: CHAIN/BASE is no feed of the config");
  });

  it("is genesis' for a round without a parent", () => {
    const observations = [0, 1, 3].map((index) => observe(index, ROUND, { under: later }));
    const orphan = bodyOf({ parent: undefined, round: ROUND, observations, documents: [] });
    expect(errorOf(later, orphan)).toBe("a first round under another config than genesis");
  });
});

describe("a config document", () => {
  const change = governedNetwork({
    ...{ feeds: feedsOf("BTC/USD", "ETH/USD"), chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] },
    version: 2,
    leaseMs: 70_000,
  });
  const document = signedBy(
    GOVERNORS.slice(0, 3),
    {
      ...{ kind: "config", version: 2, replaces: network.configDigest, configDigest: change.configDigest, config: change.config },
      ...{ activation: AT + 49 * 3_600_000, replayTo: ROUND - 1, replay: digestOf(9) },
    },
    network,
  );

  it.each([
    [1, "waits"],
    [2, "taken"],
  ])("that %i observations carry %s: it takes f+1", (carriers, code) => {
    const observations = [0, 1, 2].map((index) => observe(index, ROUND, index < carriers ? { documents: [document] } : {}));
    const round = { parent: undefined, round: ROUND, observations, documents: [document] };
    const computed = nextRound({ network, ...round });
    expect(computed.intake).toEqual([{ digest: document.digest, code }]);
    expect(recomputeBody(network, bodyOf(round), scheme)).toMatchObject({ ok: true, value: { digest: computed.digest } });
  });
});
