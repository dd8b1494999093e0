import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { viewQuorum } from "../../aggregator/quorum.ts";
import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { FeedEntry, Observation } from "../../protocol/observation.ts";
import { digestOf, testKey, testNetwork } from "../support/network.ts";

const ETH = "ETH/USD" as FeedId;
const TS = 1_700_000_000_000;
const { config } = testNetwork();

function entry(price: bigint, overrides: Partial<FeedEntry> = {}): FeedEntry {
  return { feed: ETH, price, low: price, high: price, asOf: TS, groups: 4, topBps: 2500, outsideBps: 0, ...overrides };
}

function observe(...entries: readonly FeedEntry[]): Observation {
  return {
    round: 1,
    configDigest: digestOf(1),
    observer: testKey(0).address,
    head: { round: 0, digest: digestOf(0) },
    entries,
    gauges: [],
    shadows: [],
    documents: [],
  };
}

function view(entries: readonly FeedEntry[], f = 1) {
  return viewQuorum(
    entries.map((item) => observe(item)),
    { config, f, timestamp: TS },
  ).get(ETH);
}

describe("ranks, zero-based, of m entries", () => {
  it("worked by hand for m = 4, f = 1", () => {
    const seen = view([
      entry(100n, { low: 90n, high: 110n, asOf: TS - 400, groups: 3, topBps: 4000, outsideBps: 10 }),
      entry(101n, { low: 95n, high: 120n, asOf: TS - 300, groups: 4, topBps: 3000, outsideBps: 20 }),
      entry(102n, { low: 80n, high: 130n, asOf: TS - 200, groups: 5, topBps: 2000, outsideBps: 30 }),
      entry(103n, { low: 99n, high: 105n, asOf: TS - 100, groups: 6, topBps: 1000, outsideBps: 40 }),
    ]);
    // m>>1 = 2: price 102, its asOf TS−200 = the median asOf; lows 80 90 95 99 → rank 1 = 90; highs 130 120 … → rank 1 = 120.
    expect(seen).toEqual({
      feed: ETH,
      price: 102n,
      rawLow: 90n,
      rawHigh: 120n,
      observedAt: TS - 200,
      groups: 5,
      topBps: 3000,
      outsideBps: 30,
    });
  });

  it("observedAt is the chosen entry's when that is older, the oldest among equal prices", () => {
    const seen = view([entry(100n, { asOf: TS - 900 }), entry(100n, { asOf: TS - 50 }), entry(100n), entry(99n)]);
    expect(seen?.observedAt).toBe(TS - 900);
  });

  it("observedAt is never in the future of the round", () => {
    expect(view([1, 2, 3, 4].map(() => entry(100n, { asOf: TS + 500 })))?.observedAt).toBe(TS);
  });
});

describe("a bad entry voids itself", () => {
  const rows: readonly [string, Partial<FeedEntry>][] = [
    ["low of zero", { low: 0n }],
    ["low above price", { low: 101n }],
    ["high below price", { high: 99n }],
    ["beyond int192", { high: MAX_AMOUNT + 1n }],
    ["too far ahead", { asOf: TS + 1_251 }],
    ["older than quoteMs and a round", { asOf: TS - 16_001 }],
    ["of a feed that the network does not have", { feed: "XYZ/USD" as FeedId }],
  ];
  it.each(rows)("%s", (_, overrides) => {
    const good = [entry(100n), entry(100n), entry(100n)];
    expect(view([...good, entry(100n, overrides)])).toEqual(view(good));
    expect(view([...good.slice(1), entry(100n, overrides)])).toBeUndefined();
  });

  it("at the limits an entry counts", () => {
    expect(view([entry(100n, { asOf: TS + 1_250 }), entry(100n, { asOf: TS - 16_000 }), entry(100n)])).toBeDefined();
  });
});

const price = fc.bigInt({ min: ONE, max: 10n ** 24n });
const honest = fc.tuple(price, fc.bigInt({ min: 0n, max: ONE / 2n }), fc.integer({ min: 0, max: 15_000 }));
const liar = fc.tuple(
  fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
  fc.bigInt({ min: 0n, max: MAX_AMOUNT }),
  fc.integer({ min: -1_200, max: 15_000 }),
);

function entryOf([value, spread, age]: readonly [bigint, bigint, number]): FeedEntry {
  const low = value > spread ? value - spread : 1n;
  const high = value + spread > MAX_AMOUNT ? MAX_AMOUNT : value + spread;
  return entry(value, { low, high, asOf: TS - age });
}

describe("P1 honest range", () => {
  it("with at most f liars among m ≥ 2f+1, price and both ends lie within the honest nodes' values", () => {
    const cases = fc
      .integer({ min: 1, max: 4 })
      .chain((f) =>
        fc.tuple(
          fc.constant(f),
          fc.array(honest, { minLength: f + 1, maxLength: 2 * f + 3 }),
          fc.array(liar, { minLength: f, maxLength: f }),
        ),
      );
    fc.assert(
      fc.property(cases, ([f, good, bad]) => {
        const values = good.map(entryOf);
        const seen = view([...values, ...bad.map(entryOf)], f);
        if (seen === undefined) throw new Error("2f+1 counted entries are a quorum view");
        expect(values.some((item) => item.price <= seen.price) && values.some((item) => item.price >= seen.price)).toBe(true);
        expect(values.some((item) => item.low <= seen.rawLow) && values.some((item) => item.high >= seen.rawHigh)).toBe(true);
        expect(values.some((item) => item.low >= seen.rawLow) && values.some((item) => item.high <= seen.rawHigh)).toBe(true);
        expect(values.some((item) => item.asOf >= seen.observedAt)).toBe(true);
        expect(seen.rawLow <= seen.price && seen.price <= seen.rawHigh).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("does not depend on the order of observations", () => {
    fc.assert(
      fc.property(fc.array(honest, { minLength: 3, maxLength: 9 }), (values) => {
        const entries = values.map(entryOf);
        expect(view([...entries].reverse())).toEqual(view(entries));
      }),
    );
  });
});
