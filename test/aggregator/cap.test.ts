import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { priceFeeds } from "../../aggregator/price.ts";
import { capAt, type MarketView } from "../../aggregator/source.ts";
import { YEAR_MS } from "../../circuit-breaker/integers.ts";
import { formatAmount, MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import { plainSources, testNetwork } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const AT = 1_795_300_000_000;
const YEAR_AGO = AT - YEAR_MS;
const cap = { value: "1.2", at: YEAR_AGO, growthBps: 1_000 };

describe("a cap grows by its rate from its instant on", () => {
  it.each<[name: string, at: number, text: string]>([
    ["at its instant", YEAR_AGO, "1.2"],
    ["before it", YEAR_AGO - 1, "1.2"],
    ["half a year on", YEAR_AGO + YEAR_MS / 2, "1.26"],
    ["a year on", AT, "1.32"],
    ["two years on", AT + YEAR_MS, "1.44"],
    // 1.2 · 0.1 / 31 557 600 000 of 10⁻¹⁸ units, rounded down.
    ["a millisecond on", YEAR_AGO + 1, "1.200000000003802570"],
  ])("%s", (_, at, text) => {
    expect(formatAmount(capAt(cap, at))).toBe(text.replace(/0+$/, ""));
  });

  it("never falls, and is total", () => {
    const instants = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(instants, instants, instants, fc.nat(100_000), (since, a, b, growthBps) => {
        const rule = { value: formatAmount(MAX_AMOUNT), at: since, growthBps };
        const [early, late] = a < b ? [a, b] : [b, a];
        expect(capAt(rule, early) <= capAt(rule, late)).toBe(true);
        expect(capAt(rule, early) >= MAX_AMOUNT).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

const WSTETH = feedId("WSTETH/ETH");

/** Six sources, the first of them capped at `value` now, all showing the same price. */
function priced({ quoted, value, convert = false }: { quoted: bigint; value: string; convert?: boolean }) {
  const conversion = convert ? { market: "WSTETH/USD", convert: [{ divide: "ETH/USD" }] } : {};
  const sources = plainSources("WSTETH/ETH", 6).map((source, index) => ({
    ...source,
    ...conversion,
    ...(index === 0 ? { cap: { value, at: AT, growthBps: 0 } } : {}),
  }));
  const { config } = testNetwork({
    feeds: [
      { feed: "WSTETH/ETH", preset: "staked", sources },
      { feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) },
    ],
  });
  const view = (mid: bigint): MarketView => ({ quote: { bid: mid, ask: mid, sentAt: AT - 200 } });
  const lookup = (_: string, market: string) => view(market === "ETH/USD" ? 2_000n * ONE : quoted);
  const outcome = priceFeeds(config.feeds, lookup, { at: AT, maxSkewMs: 250 }).get(WSTETH)?.sources[0];
  if (outcome === undefined) throw new Error("the feed has sources");
  return outcome;
}

describe("a capped source", () => {
  it("is lowered to its cap and says so; what the venue said stays", () => {
    const outcome = priced({ quoted: (ONE * 12n) / 10n, value: "1.199" });
    expect(outcome).toMatchObject({ capped: true, raw: (ONE * 12n) / 10n, price: (ONE * 1_199n) / 1_000n });
    expect(outcome.drop).toBeUndefined();
  });

  it.each(["1.2", "1.3"])("below or at its cap %s is as the venue said", (value) => {
    const outcome = priced({ quoted: (ONE * 12n) / 10n, value });
    expect(outcome).toMatchObject({ price: (ONE * 12n) / 10n });
    expect(outcome).not.toHaveProperty("capped");
  });

  it("is capped in terms of its market, before it is converted", () => {
    const outcome = priced({ quoted: 2_400n * ONE, value: "2399", convert: true });
    expect(outcome).toMatchObject({ capped: true, raw: 2_400n * ONE, price: (2_399n * ONE) / 2_000n });
  });

  it("too low a cap lowers one source, which the others then leave out", () => {
    // A value of an earlier time paired with a newer instant: −2.85 % (CAPO, March 2026).
    const outcome = priced({ quoted: (ONE * 12n) / 10n, value: "1.1658" });
    expect(outcome).toMatchObject({ capped: true, drop: { code: "outlier" } });
  });
});
