import { describe, expect, it } from "vitest";
import {
  AS_EXPECTED,
  createReplay,
  type ReplayedRound,
  type ReplayReport,
  replayDigest,
} from "../../aggregator/replay/report.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import { ONE } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { SignedObservation } from "../../protocol/observation.ts";
import { plainSources, testKeys, testNetwork } from "../support/network.ts";

const FIRST = 1_700_000_000;
const ETH_USD = 1_900n * ONE;
const CBETH_ETH = 1_100_000_000_000_000_000n;
const WSTETH_ETH = 1_200_000_000_000_000_000n;
const POOL = { base: "token0", baseDecimals: 18, quoteDecimals: 18, windowMs: 1_800_000 } as const;

function pools(market: string) {
  return [1, 2, 3, 4].map((digit) => ({
    name: `cbeth-${digit}`,
    chain: "ETHEREUM",
    market,
    read: { kind: "uniswap-v3-twap", pool: `0x${String(digit).repeat(40)}`, ...POOL },
  }));
}

function cbeth(market: string, convert: readonly object[]) {
  return {
    feed: "CBETH/USD",
    preset: "longtail",
    sources: [1, 2, 3, 4].map((digit) => ({ venue: `cbeth-${digit}`, market, weight: 1, convert })),
  };
}

const eth = { feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) };
const wsteth = { feed: "WSTETH/ETH", preset: "staked", sources: plainSources("WSTETH/ETH", 4) };
const genesis = {
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  references: pools("CBETH/ETH"),
  feeds: [eth, wsteth, cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }])],
};
const network = testNetwork(genesis);

function proposed(changes: Record<string, unknown>): NetworkConfig {
  const committee = network.config.committee.map((member) => ({ ...member }));
  const parsed = parseNetworkConfig({ network: "test", rules: 1, version: 2, committee, ...genesis, ...changes });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const PRICES: readonly (readonly [string, bigint])[] = [
  ["CBETH/USD", (CBETH_ETH * ETH_USD) / ONE],
  ["ETH/USD", ETH_USD],
  ["WSTETH/ETH", WSTETH_ETH],
];

/** Rounds as a network certified them: three members, every price as above, ETH moved by so many bps from the tenth round on. */
function history(rounds: number, moveBps = 0n): readonly ReplayedRound[] {
  let parent: FoldParent | undefined;
  return Array.from({ length: rounds }, (_, index) => {
    const round = FIRST + index;
    const at = round * 1_000;
    const entries = PRICES.map(([feed, price]) => {
      const moved = feed === "ETH/USD" && index >= 10 ? price + (price * moveBps) / 10_000n : price;
      return { feed: feed as FeedId, price: moved, low: moved, high: moved, asOf: at, groups: 6, topBps: 2_500, outsideBps: 0 };
    });
    const observations = testKeys(4).map(({ address }): SignedObservation => {
      const head = { round: 0, digest: ZERO_DIGEST };
      const seen = { entries, gauges: [], shadows: [], documents: [] };
      const observation = { round, configDigest: network.configDigest, observer: address, head, ...seen };
      return { observation, digest: ZERO_DIGEST, signer: address, signature: "0x" };
    });
    const folded = foldRound({ network, parent, round, observations, documents: [] });
    const taken = { parent, round, timestamp: at, observations, documents: [], feeds: folded.feeds };
    parent = { header: { round, timestamp: at, configDigest: network.configDigest }, memory: folded.memory };
    return taken;
  });
}

function replay(
  next: NetworkConfig,
  rounds: readonly ReplayedRound[],
  incidents = [] as ReplayReport["incidents"],
): ReplayReport {
  const run = createReplay(network, next);
  rounds.forEach(run.take);
  return run.finish(incidents);
}

function feedOf({ feeds }: ReplayReport, feed: string) {
  return feeds.find((item) => item.feed === feed);
}

describe("the replay of a proposed config", () => {
  const calm = history(600);

  it("of the same config finds what was certified, and nothing to refuse", () => {
    const report = replay(proposed({}), calm);
    expect(report).toMatchObject({ from: FIRST, to: FIRST + 599, rounds: 600, refusals: [] });
    for (const { change, shadow, before, after } of report.feeds) {
      expect([change, shadow]).toEqual(["none", null]);
      expect(after).toEqual(before);
      expect(before).toMatchObject({ rounds: 600 });
    }
  });

  it("is the same at every node, and another one for another config", () => {
    const one = replayDigest(replay(proposed({}), calm));
    expect(replayDigest(replay(proposed({}), history(600)))).toBe(one);
    expect(replayDigest(replay(proposed({ version: 3 }), calm))).not.toBe(one);
    expect(replayDigest(replay(proposed({}), calm.slice(1)))).not.toBe(one);
  });

  it("begins from a parent's memory where the chain is older than it", () => {
    const report = replay(proposed({}), calm.slice(300));
    expect(report).toMatchObject({ from: FIRST + 300, rounds: 300, refusals: [] });
    for (const { before, after } of report.feeds) expect(after).toEqual(before);
  });

  it("refuses a dropped conversion leg: a ratio read as a dollar price, by its contract and not by its label", () => {
    const next = proposed({ references: pools("CBETH/USD"), feeds: [eth, wsteth, cbeth("CBETH/USD", [])] });
    const report = replay(next, calm);
    expect(feedOf(report, "CBETH/USD")?.shadow).toMatchObject({ rounds: 600, unpriced: 0, beyond: 600, lastMoveBps: 18_990_000 });
    expect(report.refusals).toEqual([
      "CBETH/USD: its price differs by more than 100 bps in 600 of 600 rounds, by up to 18990000 bps",
    ]);
    expect(feedOf(report, "ETH/USD")).toMatchObject({ change: "none", shadow: null });
  });

  it("refuses a cap on a ratio that pairs an old value with a newer time: 2.85 % below the market", () => {
    const cap = { value: "1.1658", at: FIRST * 1_000, growthBps: 300 };
    const capped = { ...wsteth, sources: wsteth.sources.map((source) => ({ ...source, cap })) };
    const report = replay(proposed({ feeds: [eth, capped, cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }])] }), calm);
    expect(feedOf(report, "WSTETH/ETH")?.shadow).toMatchObject({ beyond: 600, maxMoveBps: 293 });
    expect(report.refusals).toHaveLength(1);
    const loose = { ...cap, value: "1.25" };
    const fine = { ...wsteth, sources: wsteth.sources.map((source) => ({ ...source, cap: loose })) };
    const passed = replay(proposed({ feeds: [eth, fine, cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }])] }), calm);
    expect(feedOf(passed, "WSTETH/ETH")).toMatchObject({ change: "price", shadow: { beyond: 0, maxMoveBps: 0 } });
    expect(passed.refusals).toEqual([]);
  });

  it("says of a market that nobody read before that it cannot be replayed: its shadows decide", () => {
    const elsewhere = { ...wsteth, sources: wsteth.sources.map((source, index) => ({ ...source, venue: `other${index}` })) };
    const report = replay(proposed({ feeds: [eth, elsewhere, cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }])] }), calm);
    expect(feedOf(report, "WSTETH/ETH")?.shadow).toMatchObject({ rounds: 600, unpriced: 600, beyond: 0 });
    expect(report.refusals).toEqual([]);
  });

  it("shows what other thresholds would have done", () => {
    const moved = history(700, 200n);
    const tight = { ...eth, thresholds: { jumpBps: 150 } };
    const feeds = [tight, wsteth, cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }])];
    const replayed = feedOf(replay(proposed({ feeds }), moved), "ETH/USD");
    expect(replayed?.change).toBe("thresholds");
    expect(replayed?.before?.openMs).toBeLessThan(replayed?.after?.openMs ?? 0);
  });

  it("names feeds that come and go, and refuses what no longer says the right thing in an incident", () => {
    const uni = { feed: "UNI/USD", preset: "large", sources: plainSources("UNI/USD", 6) };
    const report = replay(proposed({ feeds: [eth, wsteth, uni] }), calm, [
      { name: "usde-2025", before: AS_EXPECTED, after: "missed" },
      { name: "mngo-2022", before: "missed", after: "missed" },
    ]);
    expect(feedOf(report, "UNI/USD")).toMatchObject({ change: "new", before: null, after: { rounds: 0 } });
    expect(feedOf(report, "CBETH/USD")).toMatchObject({ change: "gone", after: null });
    expect(report.refusals).toEqual(["incident usde-2025: missed"]);
  });
});
