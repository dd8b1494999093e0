import { describe, expect, it } from "vitest";
import { ONE } from "../../../protocol/amount.ts";
import { createQuotes } from "../../../simulator/backtest/quotes.ts";
import { buildRecord } from "../../../simulator/backtest/record.ts";
import { summarize } from "../../../simulator/backtest/result.ts";
import { createRun, resumeRun } from "../../../simulator/backtest/run.ts";
import { feedId } from "../../support/rounds.ts";
import { calm, historyFile, JUDGEMENT, MINUTE, minuteBars, planOf, recordOf, runToEnd, START } from "./recordings.ts";

const BTC = feedId("BTC/USD");

function resultOf(plan: ReturnType<typeof planOf>, feed = BTC, judgement = JUDGEMENT) {
  const run = runToEnd(plan);
  const result = summarize("test", run.tallies(), { ...plan, judgement }).feeds.find((item) => item.feed === feed);
  if (result === undefined) throw new Error(`no result of ${feed}`);
  return result;
}

describe("a record", () => {
  it("joins files of one venue in time, and says which of two comes in the way", () => {
    const first = historyFile("kraken", "BTC/USD", minuteBars(calm(10)));
    const second = historyFile("kraken", "BTC/USD", minuteBars(calm(10), { from: START + 10 * MINUTE }));
    const joined = recordOf([second, first]);
    expect(joined.feeds.map(({ feed, sources }) => [feed, sources.length])).toEqual([["BTC/USD", 1]]);
    expect((joined.to - joined.from) / MINUTE).toBe(20);
    const overlapping = buildRecord([first, { ...first, name: "again.csv" }]);
    expect(overlapping).toEqual({
      ok: false,
      error: expect.stringContaining("again.csv: expected to follow kraken-BTCUSD-1m.csv"),
    });
  });

  it("converts what it can into dollars and leaves the rest a feed of its own", () => {
    const bars = minuteBars(calm(3));
    const markets = ["BTC/USD", "BTC/USDT", "BTC/USDC", "USDT/USD", "LUNA/EUR"];
    const { feeds } = recordOf(markets.map((market) => historyFile("kraken", market, bars)));
    expect(feeds.map(({ feed, sources }) => [feed, sources.map(({ series, leg }) => `${series.market} × ${leg ?? 1}`)])).toEqual([
      ["BTC/USD", ["BTC/USD × 1", "BTC/USDT × USDT/USD"]],
      ["BTC/USDC", ["BTC/USDC × 1"]],
      ["LUNA/EUR", ["LUNA/EUR × 1"]],
      ["USDT/USD", ["USDT/USD × 1"]],
    ]);
  });

  it.each([
    ["minutes", MINUTE, 15_000, 0],
    ["half minutes", 30_000, 7_500, 0],
    ["seconds", 1_000, 1_000, 0],
    ["ten minutes, with a warning", 600_000, 15_000, 1],
  ])("of %s", (_, barMs, stepMs, warnings) => {
    const record = recordOf([historyFile("kraken", "BTC/USD", minuteBars(calm(40), { barMs }), barMs)]);
    expect(record.stepMs).toBe(stepMs);
    expect(record.warnings).toHaveLength(warnings);
    expect(runToEnd(planOf(record)).rounds()).toBe((40 * barMs) / stepMs);
  });

  it("keeps to a window, and refuses one that holds nothing or a grid it has not", () => {
    const file = historyFile("kraken", "BTC/USD", minuteBars(calm(10)));
    const window = { from: START + 90_000, to: START + 5 * MINUTE };
    expect(recordOf([file], window)).toMatchObject(window);
    expect(buildRecord([file], { from: START + 11 * MINUTE }).ok).toBe(false);
    expect(buildRecord([]).ok).toBe(false);
    const odd = historyFile("kraken", "BTC/USD", minuteBars(calm(3), { from: START + 1 }));
    expect(buildRecord([odd])).toEqual({ ok: false, error: expect.stringContaining("grid") });
  });
});

describe("quotes", () => {
  const bars = minuteBars([100, 100, 100]).concat(minuteBars([200, 200], { from: START + 63 * MINUTE }));
  const record = recordOf([historyFile("kraken", "BTC/USD", bars)]);
  const plan = planOf(record);
  const lastAt = (at: number) => createQuotes(record, plan.network, plan)(at)("kraken.1", "BTC/USD")?.quote?.lastAt;

  it("hold the last close as fresh through missing bars, and let it grow old after that", () => {
    expect(lastAt(START + 3 * MINUTE + 15_000)).toBe(START + 3 * MINUTE + 15_000);
    expect(lastAt(START + 33 * MINUTE)).toBe(START + 33 * MINUTE);
    expect(lastAt(START + 40 * MINUTE)).toBe(START + 33 * MINUTE);
    expect(lastAt(START + 63 * MINUTE)).toBe(START + 63 * MINUTE);
  });

  it("say nothing before the first bar, and the same in any order of asking", () => {
    const quotesAt = createQuotes(record, plan.network, plan);
    const ask = (minute: number) => quotesAt(START + minute * MINUTE)("kraken.4", "BTC/USD")?.quote;
    const late = ask(64);
    expect(ask(1)?.last).toBe(100n * ONE);
    expect(ask(-1)).toBeUndefined();
    expect(ask(64)).toEqual(late);
    expect(quotesAt(START)("not-recorded", "BTC/USD")).toBeUndefined();
  });

  it("take one way through a bar for all venues of a feed", () => {
    // One venue fell, the other rose a little less: alone it would have gone high first.
    const falls = minuteBars([100, 96]).map((bar) => ({ ...bar, high: 101n * ONE }));
    const rises = minuteBars([100, 101]).map((bar) => ({ ...bar, low: 96n * ONE }));
    const both = recordOf([historyFile("a", "BTC/USD", falls), historyFile("b", "BTC/USD", rises)]);
    const quotesAt = createQuotes(both, planOf(both).network, plan);
    const lookup = quotesAt(START + MINUTE + 15_000);
    expect(["a.1", "b.1"].map((venue) => lookup(venue, "BTC/USD")?.quote?.last)).toEqual([96n * ONE, 96n * ONE]);
  });
});

describe("a run", () => {
  it("of calm hours has no pause, and its start is none", () => {
    const result = resultOf(planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars(calm(240)))])));
    expect(result).toMatchObject({ trips: 0, pauses: [], disputedClosed: 0, startMinutes: 5.75, preset: "major" });
    expect(result.minutes).toMatchObject({ open: 0, halfOpen: 0, none: 0, unpriced: 0 });
    expect(result.minutes.closed).toBeCloseTo(240 - 5.75, 6);
    expect(result.coverage.trials).toBe(4);
  });

  it("of a crash opens for jump in the round of the crash and closes again", () => {
    const crash = [...calm(60), ...calm(60, 17_600)];
    const label = { from: START + 60 * MINUTE, to: START + 70 * MINUTE, kind: "false", name: "a true crash" } as const;
    const result = resultOf(planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars(crash))])), BTC, {
      ...JUDGEMENT,
      labels: [label, { ...label, kind: "true", from: START, to: START + 30 * MINUTE, name: "ETH/USD: another feed's" }],
    });
    expect(result.trips).toBe(1);
    expect(result.opensByRule.jump).toBeGreaterThan(0);
    expect(result.disputedClosed).toBe(0);
    const [pause] = result.pauses;
    // The bar at minute 60 opens at the old price: its second step is the low.
    expect(pause?.from).toBe(START + 60 * MINUTE + 15_000);
    expect(pause?.to).toBeGreaterThan(START + 60 * MINUTE);
    expect(pause?.before).toBeCloseTo(20_000, -1);
    expect(pause?.after).toBeCloseTo(17_600, -1);
    expect(result.labels).toEqual([{ name: "a true crash", kind: "false", pauses: 1, latencyMs: 15_000 }]);
    expect([result.truePauses, result.falsePauses]).toEqual([0, 1]);
    expect(result.costs).toMatchObject({ pauses: 1, revertedShare: 0, wrongfulBps: 0 });
  });

  it("of a price that was wrong for a minute counts the pause as right and the move as taken back", () => {
    const wrong = [...calm(60), 17_600, ...calm(60)];
    const label = { from: START + 60 * MINUTE, to: START + 62 * MINUTE, kind: "true", name: "a wrong price" } as const;
    const plan = planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars(wrong))]));
    const result = resultOf(plan, BTC, { ...JUDGEMENT, labels: [label] });
    expect([result.truePauses, result.falsePauses]).toEqual([1, 0]);
    expect(result.costs.revertedShare).toBeCloseTo(1, 2);
    expect(result.costs.wrongfulBps).toBeCloseTo(500, -1);
  });

  it("shuts out everything while a venue is silent, and counts no pause's cost for it", () => {
    const bars = minuteBars(calm(60)).concat(minuteBars(calm(60), { from: START + 180 * MINUTE }));
    const result = resultOf(planOf(recordOf([historyFile("kraken", "BTC/USD", bars)])));
    expect(result.trips).toBe(1);
    expect(result.minutes.unpriced).toBeGreaterThan(85);
    expect(result.minutes.none).toBeGreaterThan(85);
    expect(result.opensByRule).toMatchObject({ thin: 1 });
    expect(result.costs.pauses).toBe(0);
    expect(result.longestAutomaticMinutes).toBeLessThan(2);
    expect(result.longestOpenMinutes).toBeGreaterThan(85);
  });

  it("of a gap waits for governors: no cost of the breaker's own", () => {
    const result = resultOf(planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars([...calm(60), ...calm(60, 10)]))])));
    expect(result.pauses[0]?.rules).toContain("gap");
    expect(result.pauses[0]?.to).toBeNull();
    expect(result.costs).toMatchObject({ pauses: 0, waitExpectedBps: null });
    // The bar comes back to its high for a step before its close: then jump alone is in its quiet time.
    expect(result.longestAutomaticMinutes).toBe(0.25);
    expect(result.closedShare).toBeLessThan(0.5);
  });

  it("of venues that disagree opens for dispersion or divergence, and checks the price against the others", () => {
    const usual = minuteBars(calm(90));
    const off = minuteBars([...calm(60), ...calm(30, 21_000)]);
    const venues = ["a", "b", "c", "d"].map((venue, index) => historyFile(venue, "BTC/USD", index < 2 ? usual : off));
    const result = resultOf(planOf(recordOf(venues)));
    expect(result.comparedRounds).toBe(result.rounds);
    expect(Object.keys(result.opensByRule)).toEqual(expect.arrayContaining(["divergence"]));
    expect([result.disputedClosed, result.offOthers]).toEqual([0, 0]);
  });

  it("lets the market explain a move when three of the basket are there", () => {
    const fall = [
      ...calm(60),
      ...Array.from({ length: 10 }, (_, index) => 20_000 * (1 - 0.006 * (index + 1))),
      ...calm(30, 18_800),
    ];
    const files = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"].map((feed) => historyFile("kraken", feed, minuteBars(fall)));
    const basket = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"].map((feed) => ({ feed, weight: 25 }));
    const record = recordOf(files);
    expect(planOf(record, { basket }).network.config.basket).toHaveLength(4);
    expect(resultOf(planOf(record)).trips).toBeGreaterThan(0);
    expect(resultOf(planOf(record, { basket })).trips).toBe(0);
  });

  it("with gas has a chain's leaf: a fee twenty times as high is one point and no congestion, and a file that ends is none either", () => {
    const fees = [30, 30, 600].map((gwei, index) => ({ at: START + index * 60 * MINUTE, fee: BigInt(gwei) * ONE }));
    const record = recordOf([historyFile("kraken", "BTC/USD", minuteBars(calm(300)))]);
    const plan = planOf(record, { gas: { column: "base_fee_gwei", points: fees }, chain: "ETHEREUM" });
    const leaf = resultOf(plan, feedId("CHAIN/ETHEREUM"));
    expect(leaf).toMatchObject({ preset: null, trips: 0, opensByRule: {} });
    // From the third hour on; what was last known stands when the file ends after it.
    expect(leaf.feeHighMinutes).toBe(180);
    expect(leaf.minutes.unpriced).toBe(120);
    expect(resultOf(plan).feeHighMinutes).toBeNull();
  });

  it("stopped after any round and taken up again ends in the same result", () => {
    const crash = [...calm(15), ...calm(10, 15_000)];
    const gas = { column: "base_fee_gwei", points: [{ at: START, fee: 30n * ONE }] };
    const plan = planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars(crash))]), { gas, chain: "ETHEREUM" });
    const whole = JSON.stringify(runToEnd(plan).snapshot());
    for (let rounds = 0; rounds <= 100; rounds += 7) {
      const first = createRun(plan);
      expect(first.advance(rounds)).toBe(rounds);
      const resumed = resumeRun(plan, JSON.parse(JSON.stringify(first.snapshot())));
      if (!resumed.ok) throw new Error(resumed.error);
      resumed.value.advance(1_000);
      expect(JSON.stringify(resumed.value.snapshot()), `stopped after ${rounds}`).toBe(whole);
    }
  });

  it("refuses a memory that is none", () => {
    const plan = planOf(recordOf([historyFile("kraken", "BTC/USD", minuteBars(calm(3)))]));
    expect(resumeRun(plan, { at: START, memory: "0x1234", tallies: {} }).ok).toBe(false);
  });
});
