import { describe, expect, test } from "vitest";
import { marketKey, type VenueSnapshot } from "../../../adapters/snapshot.ts";
import { moveBps } from "../../../circuit-breaker/integers.ts";
import { sampleMarkets } from "../../../node/sampler.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { MarketFault } from "../../../simulator/cluster/fault.ts";
import type { Prices } from "../../../simulator/cluster/market.ts";
import { createMarket, MAX_QUOTE_AGE_MS, MAX_STRAY_BPS } from "../../../simulator/trial/market.ts";
import { createSettings } from "../../../simulator/trial/settings.ts";
import { testKeys } from "../../support/network.ts";

const START = 1_800_000_000_000;
const HOUR = 3_600_000;
const ETH = "ETH/USD" as FeedId;
const USDT = "USDT/USD" as FeedId;
const settings = createSettings(testKeys(4));
const { config } = settings.network("second", 4);

const open = (seed = 1): Prices => createMarket({ seed, config, startAt: START });
const look = (market: Prices, at: number, node = 0): VenueSnapshot => market.snapshot(node, { now: at, clock: at });
const mid = (seen: VenueSnapshot, venue: number, name = "ETH/USD"): bigint => {
  const quote = seen.get(marketKey(`venue${venue}`, name))?.quote;
  return ((quote?.bid ?? 0n) + (quote?.ask ?? 0n)) / 2n;
};
const begin = (market: Prices, fault: MarketFault, at: number, until = at + HOUR): (() => void) => {
  market.begin(fault, { at, until });
  return () => market.end(fault, until);
};
const drop = (market: Prices, venue: number, at: number, feed: FeedId = ETH): string | undefined =>
  sampleMarkets(config, look(market, at), at)
    .prices.get(feed)
    ?.sources.find(({ source }) => source.venue === `venue${venue}`)?.drop?.code;
/** Venues whose times are of some kind, found by looking: a frozen book's date tells. */
const venuesDated = (kind: "none" | "book" | "answer"): { readonly seed: number; readonly venue: number } => {
  for (let seed = 1; seed < 50; seed++) {
    for (const venue of [0, 1, 2, 3, 4]) {
      const market = open(seed);
      begin(market, { kind: "venue-freeze", venue }, START);
      const [first, second] = [2_000, 4_000].map((ms) => look(market, START + ms).get(`venue${venue} ETH/USD`)?.quote?.bookAt);
      const found = first === undefined ? "none" : first === second ? "book" : "answer";
      if (found === kind) return { seed, venue };
    }
  }
  throw new Error(`no venue is dated by ${kind}`);
};

describe("the truth", () => {
  test("a seed is a path, whoever looks and how often", () => {
    const [watched, blind] = [open(), open()];
    for (let at = START; at < START + 60_000; at += 777) look(watched, at, at % 3);
    for (const at of [START, START + 12_345, START + 3 * HOUR]) expect(watched.truth(ETH, at)).toBe(blind.truth(ETH, at));
    expect(look(watched, START + 61_000)).toEqual(look(blind, START + 61_000));
    expect(open(2).truth(ETH, START + 5_000)).not.toBe(blind.truth(ETH, START + 5_000));
  });

  test("it moves, and calmly: nothing fires by itself over hours", () => {
    const market = open();
    const prices = Array.from({ length: 2_000 }, (_, index) => market.truth(ETH, START + index * 9_000));
    expect(new Set(prices).size).toBeGreaterThan(1_900);
    for (const price of prices) expect(moveBps(price, 1_800n * 10n ** 18n)).toBeLessThan(30);
  });

  test("a jump stays, a wick goes back at its end, a slide runs on a straight line", () => {
    const calm = open();
    const market = open();
    begin(market, { kind: "market-jump", feed: ETH, bps: -1_000 }, START + 10_000, START + 11_000)();
    begin(market, { kind: "market-wick", feed: ETH, bps: 5_000 }, START + 20_000, START + 25_000);
    begin(market, { kind: "market-slide", feed: ETH, bps: -4_000 }, START + 30_000, START + 50_000)();
    const shareBps = (ms: number): number => {
      const at = START + ms;
      return Number((market.truth(ETH, at) * 100_000n) / calm.truth(ETH, at)) / 10;
    };
    expect([9_999, 10_000, 19_999, 20_000, 24_999, 25_000].map(shareBps).map(Math.round)).toEqual([
      10_000, 9_000, 9_000, 13_500, 13_500, 9_000,
    ]);
    expect([30_000, 35_000, 40_000, 50_000, 999_999].map(shareBps).map(Math.round)).toEqual([9_000, 8_100, 7_200, 5_400, 5_400]);
  });

  test("a wick that ends early is over", () => {
    const market = open();
    const fault = { kind: "market-wick", feed: ETH, bps: 5_000 } as const;
    market.begin(fault, { at: START, until: START + 9_000 });
    market.end(fault, START + 3_000);
    expect(market.truth(ETH, START + 3_000)).toBe(open().truth(ETH, START + 3_000));
  });

  test("the range of a span is exact: every price within it, both ends reached", () => {
    const market = open();
    begin(market, { kind: "market-wick", feed: ETH, bps: -2_000 }, START + 5_010, START + 5_020);
    const { low, high } = market.truthRange(ETH, START + 1_000, START + 9_000);
    const all = Array.from({ length: 8_001 }, (_, ms) => market.truth(ETH, START + 1_000 + ms));
    expect(all.reduce((a, b) => (a < b ? a : b))).toBe(low);
    expect(all.reduce((a, b) => (a > b ? a : b))).toBe(high);
  });
});

describe("what a node sees", () => {
  test("every market of the config, and a price of every feed near the truth of the last seconds", () => {
    const market = open();
    for (const at of [START, START + 30_000]) {
      const { entries } = sampleMarkets(config, look(market, at), at);
      expect(entries.map(({ feed }) => feed)).toEqual(config.feeds.map(({ feed }) => feed));
      for (const { feed, price, outsideBps } of entries) {
        const { low, high } = market.truthRange(feed, at - MAX_QUOTE_AGE_MS, at);
        expect(outsideBps).toBe(0);
        expect(price * 10_000n).toBeGreaterThanOrEqual(low * BigInt(10_000 - MAX_STRAY_BPS - 1));
        expect(price * 10_000n).toBeLessThanOrEqual(high * BigInt(10_000 + MAX_STRAY_BPS + 1));
      }
    }
  });

  test("a tether market is the dollar market over the tether: a depeg does not move the ether", () => {
    const market = open();
    begin(market, { kind: "market-jump", feed: USDT, bps: -2_000 }, START);
    const at = START + 10_000;
    expect(moveBps(mid(look(market, at), 5, "ETH/USDT"), (market.truth(ETH, at) * 10_000n) / 8_000n)).toBeLessThan(50);
    const { entries } = sampleMarkets(config, look(market, at), at);
    expect(moveBps(entries.find(({ feed }) => feed === ETH)?.price ?? 1n, market.truth(ETH, at))).toBeLessThan(10);
  });

  test("each node polls at its own moments, at most a second and a round trip ago, by its own clock", () => {
    const market = open();
    const now = START + 50_000;
    const sent = [0, 1].map((node) => [...look(market, now, node).values()].map(({ sentAt }) => sentAt));
    expect(sent[0]).not.toEqual(sent[1]);
    for (const sentAt of sent.flat()) expect(now - sentAt).toBeLessThan(1_121);
    const ahead = market.snapshot(0, { now, clock: now + 333 });
    expect([...ahead.values()].map(({ sentAt }) => sentAt - 333)).toEqual(sent[0]);
    expect(mid(ahead, 0)).toBe(mid(look(market, now), 0));
  });

  test("a node just started has heard nothing, one that was paused knows what it knew", () => {
    const market = open();
    const until = START + 60_000;
    expect(market.snapshot(0, { now: until + 5, clock: until + 5, asleep: { until } }).size).toBe(0);
    const paused = market.snapshot(0, { now: until + 5, clock: until + 5, asleep: { from: START + 40_000, until } });
    expect(Math.max(...[...paused.values()].map(({ receivedAt }) => receivedAt))).toBeLessThanOrEqual(START + 40_000);
    const later = until + 1_200;
    expect(market.snapshot(0, { now: later, clock: later, asleep: { until } })).toEqual(look(market, later));
  });
});

describe("faults of venues", () => {
  const at = START + 30_000;

  test("an offset moves one venue until it ends, a shared pool all of its venues alike", () => {
    const market = open();
    const before = look(market, at);
    const end = begin(market, { kind: "venue-offset", venue: 2, bps: -3_000 }, START, START + 40_000);
    begin(market, { kind: "shared-pool", venues: [0, 1], bps: 18_990_000 }, START);
    const seen = look(market, at);
    expect(mid(seen, 2)).toBe((mid(before, 2) * 7_000n) / 10_000n);
    for (const venue of [0, 1]) expect(mid(seen, venue) / mid(before, venue)).toBeGreaterThanOrEqual(1_899n);
    expect(mid(seen, 3)).toBe(mid(before, 3));
    end();
    expect(mid(look(market, START + 42_000), 2)).toBe(mid(look(open(), START + 42_000), 2));
  });

  test("a frozen venue that dates its books goes stale; without a date of the book it only looks calm", () => {
    const codes = (["book", "answer", "none"] as const).map((kind) => {
      const { seed, venue } = venuesDated(kind);
      const market = open(seed);
      begin(market, { kind: "venue-freeze", venue }, START);
      expect(mid(look(market, at), venue)).toBe(mid(look(market, START + 2_000), venue));
      return drop(market, venue, at);
    });
    expect(codes).toEqual(["stale", undefined, undefined]);
  });

  test("a lagging venue shows the market as it was", () => {
    const { seed, venue } = venuesDated("none");
    const market = open(seed);
    begin(market, { kind: "venue-lag", venue, ms: 20_000 }, START);
    begin(market, { kind: "market-jump", feed: ETH, bps: 1_000 }, START + 20_000);
    expect(moveBps(mid(look(market, at), venue), market.truth(ETH, at))).toBeGreaterThan(900);
    expect(moveBps(mid(look(market, at + 15_000), venue), market.truth(ETH, at))).toBeLessThan(50);
  });

  test("a silent venue's last quote stays and grows old; a crossed one's is taken away; a wide one's is dropped", () => {
    const market = open();
    const end = begin(market, { kind: "venue-outage", venue: 1 }, START + 28_500, START + 60_000);
    begin(market, { kind: "venue-crossed", venue: 2 }, START);
    begin(market, { kind: "venue-wide", venue: 3 }, START);
    const silent = look(market, at).get("venue1 ETH/USD");
    expect(silent).toMatchObject({ fault: { code: "timeout" } });
    expect(silent?.sentAt).toBeLessThan(START + 28_500);
    expect([1, 2, 3].map((venue) => drop(market, venue, at))).toEqual([undefined, "missing", "wide"]);
    expect(drop(market, 1, START + 40_000)).toBe("stale");
    end();
    expect(drop(market, 1, START + 61_200)).toBeUndefined();
  });

  test("the share of faulty venues by weight, until their quotes are too old to be used", () => {
    const market = open();
    const end = begin(market, { kind: "venue-offset", venue: 0, bps: 50 }, START + 10_000, START + 20_000);
    expect(market.faultyShareBps(ETH, START + 9_999)).toBe(0);
    expect(market.faultyShareBps(ETH, START + 10_000)).toBe(2_500);
    end();
    expect(market.faultyShareBps(ETH, START + 24_000)).toBe(2_500);
    expect(market.faultyShareBps(ETH, START + 26_000)).toBe(0);
    expect(market.faultyShareBps("SOL/USD" as FeedId, START + 15_000)).toBe(0);
  });
});
