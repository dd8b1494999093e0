import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { priceFeeds } from "../../aggregator/price.ts";
import { DROP_CODES, type DropCode, type MarketView } from "../../aggregator/source.ts";
import { ONE, parseAmount } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { plainSources, testNetwork } from "../support/network.ts";

const AT = 1_700_000_000_000;
const ETH = "ETH/USD" as FeedId;

function amount(text: string): bigint {
  const parsed = parseAmount(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** A book one bps wide around a price, asked for `ageMs` ago. */
function book(price: string | bigint, ageMs = 200): MarketView {
  const mid = typeof price === "bigint" ? price : amount(price);
  return { quote: { bid: mid - mid / 20_000n, ask: mid + mid / 20_000n, sentAt: AT - ageMs } };
}

function priceOf(views: readonly (MarketView | undefined)[], feed: Record<string, unknown> = {}) {
  const network = testNetwork({
    feeds: [{ feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", Math.max(5, views.length)), ...feed }],
  });
  const lookup = (venue: string) => views[Number(venue.slice(5))];
  const priced = priceFeeds(network.config.feeds, lookup, { at: AT, maxSkewMs: 250 }).get(ETH);
  if (priced === undefined) throw new Error("every configured feed has an outcome");
  return priced;
}

const GOOD = [book("1800"), book("1800.1"), book("1799.9"), book("1800.2")];

describe("a source is dropped with its reason", () => {
  const rows: readonly { name: string; code: DropCode; view: MarketView | undefined }[] = [
    { name: "never answered", code: "missing", view: undefined },
    { name: "a fault and no quote", code: "missing", view: { fault: { code: "maintenance", detail: "until noon" } } },
    { name: "bid above ask", code: "crossed", view: { quote: { bid: 1801n * ONE, ask: 1800n * ONE, sentAt: AT } } },
    { name: "one side only", code: "empty", view: { quote: { bid: 1800n * ONE, sentAt: AT } } },
    {
      name: "one side only, whatever was traded last",
      code: "empty",
      view: { quote: { bid: 1800n * ONE, last: 1800n * ONE, lastAt: AT, sentAt: AT } },
    },
    { name: "nothing at all", code: "empty", view: { quote: { sentAt: AT } } },
    { name: "a last trade without its time", code: "undated", view: { quote: { last: 1800n * ONE, sentAt: AT } } },
    {
      name: "a book from the future",
      code: "future",
      view: { quote: { bid: 1800n * ONE, ask: 1800n * ONE, sentAt: AT, bookAt: AT + 251 } },
    },
    { name: "a request sent too long ago", code: "stale", view: book("1800", 15_001) },
    {
      name: "an old book in a new answer",
      code: "stale",
      view: { quote: { bid: 1800n * ONE, ask: 1800n * ONE, sentAt: AT, bookAt: AT - 15_001 } },
    },
    {
      name: "an old last trade in a new answer",
      code: "stale",
      view: { quote: { last: 1800n * ONE, lastAt: AT - 15_001, sentAt: AT } },
    },
    { name: "a book wider than tolerance", code: "wide", view: { quote: { bid: 1800n * ONE, ask: 1819n * ONE, sentAt: AT } } },
    { name: "far from the others", code: "outlier", view: book("1850") },
  ];
  it.each(rows)("$name → $code", ({ code, view }) => {
    const priced = priceOf([...GOOD, view]);
    expect(priced.sources[4]?.drop?.code).toBe(code);
    expect(priced.entry?.price).toBe(amount("1800.1"));
  });

  it("has a row for every code but those of conversion, which follow", () => {
    const covered = new Set([...rows.map((row) => row.code), "leg", "range"]);
    expect(DROP_CODES.filter((code) => !covered.has(code))).toEqual([]);
  });

  it("at the limits a quote still counts", () => {
    const edge = { quote: { bid: 1800n * ONE, ask: 1818n * ONE, sentAt: AT, bookAt: AT - 15_000 } };
    expect(priceOf([...GOOD, edge]).sources[4]?.drop).toBeUndefined();
  });

  it("says what went wrong since an old quote", () => {
    const view = { ...book("1800", 20_000), fault: { code: "rate-limited", detail: "429" } };
    expect(priceOf([...GOOD, view]).sources[4]?.drop?.detail).toContain("rate-limited");
  });
});

describe("conversion", () => {
  const feeds = (legs: string) => ({
    feeds: [
      { feed: "USDT/USD", preset: "stable", sources: plainSources("USDT/USD", 5) },
      { feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) },
      {
        feed: "WSTETH/ETH",
        preset: "staked",
        sources: plainSources("WSTETH/USDT", 5).map((source) => ({
          ...source,
          convert: legs === "both" ? [{ multiply: "USDT/USD" }, { divide: "ETH/USD" }] : [],
        })),
      },
    ],
  });
  const config = testNetwork(feeds("both")).config;
  const prices = (usdt: (venue: string) => MarketView, wsteth: MarketView = book("2160")) =>
    priceFeeds(
      config.feeds,
      (venue, market) => (market === "USDT/USD" ? usdt(venue) : market === "ETH/USD" ? book("1800", 900) : wsteth),
      { at: AT, maxSkewMs: 250 },
    ).get("WSTETH/ETH" as FeedId);

  it("multiplies and divides, truncates once, and is as old as its oldest leg", () => {
    const priced = prices(() => book("0.999"));
    expect(priced?.entry?.price).toBe((2160n * ONE * amount("0.999")) / (1800n * ONE));
    expect(priced?.entry?.asOf).toBe(AT - 900);
  });

  it("drops a source whose leg has no price", () => {
    const priced = prices(() => ({ fault: { code: "timeout", detail: "3000 ms" } }));
    expect(priced?.sources.map((source) => source.drop?.code)).toEqual(["leg", "leg", "leg", "leg", "leg"]);
    expect(priced?.entry).toBeUndefined();
  });

  it("drops a source whose leg's sources disagree", () => {
    const priced = prices((venue) => book(venue < "venue2" ? "0.90" : "1.00"));
    expect(priced?.sources[0]?.drop).toMatchObject({ code: "leg" });
    expect(priced?.sources[0]?.drop?.detail).toContain("outside tolerance");
  });

  it("drops a source whose leg's sources are spread wider than the leg's own limit, though none is outside tolerance", () => {
    const spread = ["0.9970", "0.9972", "1", "1.0028", "1.0030"];
    const priced = prices((venue) => book(spread[Number(venue.slice(5))] ?? "1"));
    // Quartiles 0.9972 … 1.0028: 56 bps against 50.
    expect(priced?.sources[0]?.drop).toEqual({ code: "leg", detail: "USDT/USD: sources too far apart" });
  });

  it("drops a source whose leg is older than the feed allows, though not than the leg does", () => {
    const { feeds } = testNetwork({
      feeds: [
        { feed: "USDT/USD", preset: "stable", sources: plainSources("USDT/USD", 5) },
        {
          feed: "ETH/USD",
          preset: "major",
          sources: plainSources("ETH/USDT", 5).map((source) => ({ ...source, convert: [{ multiply: "USDT/USD" }] })),
        },
      ],
    }).config;
    const priced = (ageMs: number) =>
      priceFeeds(feeds, (_, market) => (market === "USDT/USD" ? book("1", ageMs) : book("1800")), { at: AT, maxSkewMs: 250 });
    expect(priced(15_000).get(ETH)?.entry?.asOf).toBe(AT - 15_000);
    expect(priced(15_001).get("USDT/USD" as FeedId)?.entry).toBeDefined();
    expect(priced(15_001).get(ETH)?.sources[0]?.drop?.code).toBe("stale");
  });

  it("drops what a conversion makes too small to hold", () => {
    const priced = prices(() => book("1"), { quote: { bid: 1n, ask: 1n, sentAt: AT } });
    expect(priced?.sources[0]?.drop?.code).toBe("range");
  });
});

describe("the node's price", () => {
  it("is the weighted median of the used, worked by hand", () => {
    const priced = priceOf([book("1800"), book("1801"), book("1802"), book("1803"), book("1804")], {
      sources: [5, 1, 1, 1, 1].map((weight, index) => ({ venue: `venue${index}`, market: "ETH/USD", weight })),
    });
    // Five groups, cap 3334: the first is limited to 4·3334/6666 = 2.0006 (truncated), so W = 6.0006 and 2·cum passes it at 1801.
    expect(priced.entry?.price).toBe(1801n * ONE);
    expect(priced.sources[0]?.weightBps).toBe(3333);
    expect(priced.entry).toMatchObject({ groups: 5, topBps: 3333, outsideBps: 0 });
    expect(priced.entry?.low).toBe(1800n * ONE);
    expect(priced.entry?.high).toBe(1803n * ONE);
  });

  it("weighs the larger of two groups no more than the other: half is the cap where a third is not to be had", () => {
    const sources = Array.from({ length: 8 }, (_, index) => ({
      ...{ venue: `venue${index}`, market: "ETH/USD", weight: 1 },
      group: index < 3 ? "pool" : `g${index}`,
    }));
    const priced = priceOf([book("1800"), book("1800"), book("1800"), book("1801")], { sources });
    expect(priced.entry).toMatchObject({ groups: 2, topBps: 5_000 });
  });

  it("needs minSources from minGroups", () => {
    expect(priceOf([book("1800"), book("1800")]).refusal).toContain("2 usable sources, at least 3");
    const oneGroup = Array.from({ length: 6 }, (_, index) => ({
      venue: `venue${index}`,
      market: "ETH/USD",
      weight: 1,
      group: index < 3 ? "pool" : `g${index}`,
    }));
    const shared = priceOf([book("1800"), book("1800"), book("1800")], {
      sources: [
        ...oneGroup,
        { venue: "venue6", market: "ETH/USD", weight: 1 },
        { venue: "venue7", market: "ETH/USD", weight: 1 },
      ],
    });
    expect(shared.refusal).toContain("1 provenance groups, at least 2");
  });

  it("is unmoved by one of four venues at −30 %, and names the drop", () => {
    const priced = priceOf([book("1800"), book("1800"), book("1800"), book("1260")]);
    expect(priced.entry).toMatchObject({ price: 1800n * ONE, low: 1800n * ONE, outsideBps: 2500 });
    expect(priced.sources[3]?.drop?.code).toBe("outlier");
  });

  it("shows both sides of a split market", () => {
    const priced = priceOf([book("1800"), book("1800"), book("1800"), book("1260"), book("1260")]);
    expect(priced.entry).toMatchObject({ price: 1800n * ONE, low: 1260n * ONE, high: 1800n * ONE, outsideBps: 4000 });
  });

  it("stays within the used quotes, does not depend on their order, and keeps low ≤ price ≤ high", () => {
    const view = fc.record({
      price: fc.bigInt({ min: ONE / 1000n, max: 10n ** 30n }),
      ageMs: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(view, { minLength: 3, maxLength: 12 }), fc.infiniteStream(fc.nat()), (quotes, order) => {
        const views = quotes.map(({ price, ageMs }) => book(price, ageMs));
        const priced = priceOf(views);
        const keyed = views.map((item) => [order.next().value ?? 0, item] as const).sort(([a], [b]) => a - b);
        expect(priceOf(keyed.map(([, item]) => item)).entry).toEqual(priced.entry);
        if (priced.entry === undefined) return;
        const used = priced.sources.flatMap((source) =>
          source.drop === undefined && source.price !== undefined ? [source.price] : [],
        );
        expect(used.some((price) => price === priced.entry?.price)).toBe(true);
        expect(priced.entry.low <= priced.entry.price && priced.entry.price <= priced.entry.high).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
