import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ONE } from "../../protocol/amount.ts";
import { ASSETS } from "../../simulator/assets.ts";
import { MAX_FAULTS, type VenueFault } from "../../simulator/faults.ts";
import { createMarket, type SimulatedMarket } from "../../simulator/market.ts";

const START = 1_800_000_000_000;
const MARKETS = ["BTC/USDT", "ETH/USDT", "ETH/USD", "WSTETH/USDT", "USDT/USD", "CRV/USDT"];
const VENUES = ["binance", "kraken", "okx", "gate", "bybit"];

function open(seed = 1, markets: readonly string[] = MARKETS): SimulatedMarket {
  return createMarket({ seed, listings: new Map(VENUES.map((venue) => [venue, markets])), startAt: START });
}

function trace(market: SimulatedMarket): string {
  return VENUES.flatMap((venue) =>
    [...market.tickers(venue)].map(([name, t]) => [venue, name, t.bid, t.ask, t.last, t.volume, t.at].join()),
  ).join(";");
}

function midOf(market: SimulatedMarket, venue: string, name: string): bigint {
  const ticker = market.ticker(venue, name);
  if (ticker === undefined) throw new Error(`${venue} does not list ${name}`);
  return (ticker.bid + ticker.ask) / 2n;
}

function bpsBetween(a: bigint, b: bigint): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return Number(((high - low) * 1_000_000n) / low) / 100;
}

function must(done: ReturnType<SimulatedMarket["move"]>): void {
  if (!done.ok) throw new Error(`${done.error.field}: ${done.error.problem}`);
}

describe("the path", () => {
  test("is the same for the same seed and commands, however often one looks", () => {
    const often = open();
    const seldom = open();
    for (let now = START; now <= START + 30_000; now += 70) often.advance(now);
    often.advance(START + 30_000);
    seldom.advance(START + 30_000);
    expect(trace(often)).toBe(trace(seldom));
    for (const market of [often, seldom]) {
      must(market.move({ feed: "ETH/USD", moveBps: -500, overMs: 2_000 }, START + 30_100));
      market.advance(START + 40_000);
    }
    expect(trace(often)).toBe(trace(seldom));
    const other = open(2);
    other.advance(START + 30_000);
    expect(trace(other)).not.toBe(trace(seldom));
  });

  test("of an asset does not depend on which others are listed", () => {
    const alone = open(1, ["ETH/USD"]);
    const among = open(1);
    for (const market of [alone, among]) market.advance(START + 60_000);
    expect(alone.ticker("okx", "ETH/USD")).toEqual(among.ticker("okx", "ETH/USD"));
  });

  test("moves every feed, and in ten minutes no further than a quiet day would", () => {
    const market = open();
    const before = market.feeds();
    market.advance(START + 600_000);
    for (const [feed, value] of market.feeds()) {
      expect(value).not.toBe(before.get(feed));
      expect(bpsBetween(value, before.get(feed) ?? 1n)).toBeLessThan(300);
    }
    expect(bpsBetween(market.feeds().get("USDT/USD") ?? 0n, ONE)).toBeLessThan(10);
  });

  test("does not go back with the clock", () => {
    const market = open();
    market.advance(START + 5_000);
    const before = trace(market);
    market.advance(START - 60_000);
    expect(trace(market)).toBe(before);
  });

  test("takes up again after a sleep of years without living through it", () => {
    const market = open();
    const years = 10 * 365 * 86_400_000;
    market.advance(START + years);
    expect(START + years - market.at()).toBeLessThan(250);
  });
});

describe("a venue's view", () => {
  test("is a sane book close to the truth, on the venue's grid, at most a second old", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 120_000 }), (seed, laterMs) => {
        const market = open(seed);
        market.advance(START + laterMs);
        for (const venue of VENUES) {
          for (const [name, { bid, ask, last, volume, at }] of market.tickers(venue)) {
            expect(bid > 0n && bid < ask && volume > 0n && (last === bid || last === ask)).toBe(true);
            expect(START + laterMs - at).toBeLessThanOrEqual(1_000);
            expect(bid.toString().replace(/0+$/, "").length).toBeLessThanOrEqual(8);
            expect(bpsBetween(bid, ask)).toBeLessThan(name === "CRV/USDT" ? 20 : 6);
          }
        }
        expect(bpsBetween(midOf(market, "okx", "ETH/USD"), market.feeds().get("ETH/USD") ?? 0n)).toBeLessThan(15);
      }),
      { numRuns: 30 },
    );
  });

  test("crosses base and quote: a market in USDT is the USD value over USDT's, a ratio follows its base", () => {
    const market = open();
    must(market.setPrice({ feed: "USDT/USD", price: ONE / 2n, overMs: 0 }, START));
    must(market.setPrice({ feed: "ETH/USD", price: 2_000n * ONE, overMs: 0 }, START));
    must(market.setPrice({ feed: "WSTETH/ETH", price: (13n * ONE) / 10n, overMs: 0 }, START));
    for (const venue of VENUES) {
      expect(bpsBetween(midOf(market, venue, "ETH/USDT"), 4_000n * ONE)).toBeLessThan(5);
      expect(bpsBetween(midOf(market, venue, "WSTETH/USDT"), 5_200n * ONE)).toBeLessThan(10);
      expect(bpsBetween(midOf(market, venue, "USDT/USD"), ONE / 2n)).toBeLessThan(2);
    }
  });

  test("venues lag and stray differently", () => {
    const market = open();
    market.advance(START + 60_000);
    expect(new Set(VENUES.map((venue) => midOf(market, venue, "ETH/USD"))).size).toBeGreaterThan(2);
    expect(new Set(VENUES.map((venue) => market.ticker(venue, "ETH/USD")?.at)).size).toBeGreaterThan(1);
  });

  test("an unlisted market is undefined, an unknown asset is refused by name", () => {
    expect(open().ticker("binance", "SOL/USD")).toBeUndefined();
    expect(() => open(1, ["FOO/USD"])).toThrow(/FOO\/USD.*BTC/);
    expect(() => open(1, ["ETH/EUR"])).toThrow(/ETH\/EUR/);
  });
});

describe("control", () => {
  test("a step shows at every venue at once; nothing else moves", () => {
    const market = open();
    market.advance(START + 10_000);
    const before = new Map(VENUES.map((venue) => [venue, market.tickers(venue)]));
    must(market.move({ feed: "ETH/USD", moveBps: -4_000, overMs: 0 }, START + 10_000));
    for (const venue of VENUES) {
      for (const name of ["ETH/USD", "ETH/USDT", "WSTETH/USDT"]) {
        const was = before.get(venue)?.get(name)?.bid ?? 0n;
        expect(bpsBetween(((market.ticker(venue, name)?.bid ?? 0n) * 10n) / 6n, was)).toBeLessThan(15);
      }
      for (const name of ["BTC/USDT", "USDT/USD", "CRV/USDT"]) {
        expect(market.ticker(venue, name)).toEqual(before.get(venue)?.get(name));
      }
    }
  });

  test("a slide is a straight line that every venue has followed a second after its end, and the walk goes on from there", () => {
    const market = open();
    must(market.setPrice({ feed: "BTC/USD", price: 60_000n * ONE, overMs: 0 }, START));
    must(market.move({ feed: "BTC/USD", moveBps: -5_000, overMs: 10_000 }, START));
    market.advance(START + 5_000);
    expect(market.feeds().get("BTC/USD")).toBe(45_000n * ONE);
    market.advance(START + 10_000);
    expect(market.feeds().get("BTC/USD")).toBe(30_000n * ONE);
    market.advance(START + 11_000);
    for (const venue of VENUES) expect(bpsBetween(midOf(market, venue, "BTC/USDT"), 30_000n * ONE)).toBeLessThan(15);
    market.advance(START + 20_000);
    expect(market.feeds().get("BTC/USD")).not.toBe(30_000n * ONE);
  });

  test("a pegged price stays where it was set, instead of running home", () => {
    const market = open();
    must(market.setPrice({ feed: "USDC/USD", price: (88n * ONE) / 100n, overMs: 1_000 }, START));
    market.advance(START + 600_000);
    expect(bpsBetween(market.feeds().get("USDC/USD") ?? 0n, (88n * ONE) / 100n)).toBeLessThan(10);
  });

  test("an unknown feed is refused, naming those there are", () => {
    const market = open();
    for (const done of [
      market.move({ feed: "ETH/USDT", moveBps: 1, overMs: 0 }, START),
      market.setPrice({ feed: "ETH/USDT", price: ONE, overMs: 0 }, START),
    ]) {
      expect(done).toMatchObject({ ok: false, error: { field: "feed", problem: expect.stringContaining("ETH/USD, ") } });
    }
  });

  test("no move, however wild, leaves the range of prices", () => {
    const market = open();
    for (const feed of ASSETS.map((asset) => asset.feed)) {
      for (let i = 0; i < 5; i++) must(market.move({ feed, moveBps: 100_000_000, overMs: 0 }, START));
    }
    market.advance(START + 5_000);
    for (const feed of ASSETS.map((asset) => asset.feed)) {
      for (let i = 0; i < 20; i++) must(market.move({ feed, moveBps: -9_999, overMs: 0 }, START + 5_000));
    }
    market.advance(START + 10_000);
    for (const venue of VENUES)
      for (const { bid, ask } of market.tickers(venue).values()) expect(bid > 0n && bid < ask).toBe(true);
  });
});

describe("faults of the tickers", () => {
  test("offset moves one market of one venue by its bps, and not its time", () => {
    const market = open();
    market.advance(START + 5_000);
    const before = trace(market).split(";");
    const was = market.ticker("okx", "ETH/USDT");
    must(market.addFault({ venue: "okx", market: "ETH/USDT", fault: "offset", bps: -3_000 }, START + 5_000));
    const changed = trace(market)
      .split(";")
      .filter((line, i) => line !== before[i]);
    expect(changed.length).toBe(1);
    expect(changed[0]).toMatch(/^okx,ETH\/USDT,/);
    expect(market.ticker("okx", "ETH/USDT")).toEqual({
      ...was,
      bid: ((was?.bid ?? 0n) * 7n) / 10n,
      ask: ((was?.ask ?? 0n) * 7n) / 10n,
      last: ((was?.last ?? 0n) * 7n) / 10n,
    });
    market.clearFaults();
    expect(trace(market).split(";")).toEqual(before);
  });

  test("offset without a market moves all of the venue", () => {
    const market = open();
    const before = trace(market).split(";");
    must(market.addFault({ venue: "okx", fault: "offset", bps: 100 }, START));
    const changed = trace(market)
      .split(";")
      .filter((line, i) => line !== before[i]);
    expect(changed.map((line) => line.split(",")[0])).toEqual(MARKETS.map(() => "okx"));
  });

  test("freeze stops price and time at that moment, for its market only; clearing lets both go on", () => {
    const market = open();
    market.advance(START + 5_000);
    must(market.addFault({ venue: "gate", market: "BTC/USDT", fault: "freeze" }, START + 5_000));
    const frozen = market.ticker("gate", "BTC/USDT");
    must(market.move({ feed: "BTC/USD", moveBps: 1_000, overMs: 0 }, START + 20_000));
    expect(market.ticker("gate", "BTC/USDT")).toEqual(frozen);
    expect((market.ticker("gate", "ETH/USDT")?.at ?? 0) - (frozen?.at ?? 0)).toBe(15_000);
    must(market.addFault({ venue: "gate", fault: "freeze" }, START + 20_000));
    market.advance(START + 30_000);
    expect(market.ticker("gate", "BTC/USDT")).toEqual(frozen);
    expect((market.ticker("gate", "ETH/USDT")?.at ?? 0) - (frozen?.at ?? 0)).toBe(15_000);
    market.clearFaults();
    expect((market.ticker("gate", "BTC/USDT")?.at ?? 0) - (frozen?.at ?? 0)).toBe(25_000);
  });

  test("an unknown venue or market is refused, naming the field", () => {
    const market = open();
    expect(market.addFault({ venue: "mtgox", fault: "down" }, START)).toMatchObject({ ok: false, error: { field: "venue" } });
    expect(market.addFault({ venue: "okx", market: "SOL/USD", fault: "down" }, START)).toMatchObject({
      ok: false,
      error: { field: "market" },
    });
    expect(market.faults()).toEqual([]);
  });

  test("a repeat replaces, and the list is bounded", () => {
    const many = Array.from({ length: MAX_FAULTS + 1 }, (_, i) => `v${i}`);
    const market = createMarket({ seed: 1, listings: new Map(many.map((venue) => [venue, ["ETH/USD"]])), startAt: START });
    const faultAt = (venue: string): VenueFault => ({ venue, fault: "latency", ms: 5 });
    for (const venue of many.slice(0, MAX_FAULTS)) must(market.addFault(faultAt(venue), START));
    must(market.addFault({ venue: "v0", fault: "latency", ms: 9 }, START));
    expect(market.faults().length).toBe(MAX_FAULTS);
    expect(market.faultsOf("v0")).toEqual([{ venue: "v0", fault: "latency", ms: 9 }]);
    expect(market.addFault(faultAt(`v${MAX_FAULTS}`), START)).toMatchObject({ ok: false, error: { field: "fault" } });
  });
});
