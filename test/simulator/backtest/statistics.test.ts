import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testConditionalCoverage, testIndependence, testRate } from "../../../simulator/backtest/coverage-tests.ts";
import { chiSquareTail, logGamma, normalCdf, upperGamma } from "../../../simulator/backtest/gamma.ts";
import { closeTrial, countTrial, createTrials, TRIAL_MS } from "../../../simulator/backtest/trials.ts";

describe("the incomplete gamma function", () => {
  it.each([
    [1, 0],
    [5, Math.log(24)],
    [0.5, Math.log(Math.sqrt(Math.PI))],
    [10.3, 13.482036786138359],
  ])("ln Γ(%d) = %d", (a, expected) => {
    expect(logGamma(a)).toBeCloseTo(expected, 11);
  });

  // Both sides of x = a + 1: the series and the continued fraction. The last two from SciPy 1.17, gammaincc.
  it.each([
    [1, 0.3, Math.exp(-0.3)],
    [1, 2, Math.exp(-2)],
    [1, 30, Math.exp(-30)],
    [3.7, 2.2, 0.7702326912035568],
    [3.7, 9.1, 0.01410829253236587],
  ])("Q(%d, %d) = %d", (a, x, expected) => {
    expect(upperGamma(a, x) / expected).toBeCloseTo(1, 10);
  });

  // Critical values of the χ² table of NIST's e-Handbook of Statistical Methods, 1.3.6.7.4.
  it.each([
    [2.706, 1, 0.1],
    [3.841, 1, 0.05],
    [6.635, 1, 0.01],
    [10.828, 1, 0.001],
    [4.605, 2, 0.1],
    [5.991, 2, 0.05],
    [9.21, 2, 0.01],
    [13.816, 2, 0.001],
    [18.307, 10, 0.05],
  ])("P(χ² > %d) with %d degrees of freedom is %d", (value, freedom, expected) => {
    expect(chiSquareTail(value, freedom) / expected).toBeCloseTo(1, 2);
  });

  it("gives the normal distribution's quantiles, and falls from 1 to 0", () => {
    expect(normalCdf(-1.959963984540054)).toBeCloseTo(0.025, 12);
    expect(normalCdf(1.6448536269514722)).toBeCloseTo(0.95, 12);
    expect(chiSquareTail(0, 1)).toBe(1);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 200, noNaN: true }), fc.constantFrom(1, 2, 5), (x, freedom) => {
        const [here, beyond] = [chiSquareTail(x, freedom), chiSquareTail(x + 1, freedom)];
        expect(here).toBeLessThanOrEqual(1);
        expect(beyond).toBeLessThan(here);
        expect(beyond).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("Kupiec's test", () => {
  // MathWorks, Risk Management Toolbox, varbacktest.pof: 57 failures of 1043, VaR level 95 %.
  it("gives the published ratio and p-value", () => {
    const { ratio, pValue } = testRate({ events: 57, trials: 1_043, probability: 0.05 });
    expect(ratio).toBeCloseTo(0.46147, 5);
    expect(pValue).toBeCloseTo(0.49694, 5);
  });

  /**
   * Kupiec (1995) as printed by Jorion, Value at Risk, table 6-2: with these numbers of failures in 255, 510 and 1 000 days a model is
   * not rejected at 95 %. Where the table prints N < 7, the ratio of no failure at all is above the limit too.
   */
  it.each([
    [0.01, 255, 0, 7],
    [0.01, 510, 1, 11],
    [0.01, 1_000, 4, 17],
    [0.025, 255, 2, 12],
    [0.025, 510, 6, 21],
    [0.025, 1_000, 15, 36],
    [0.05, 255, 6, 21],
    [0.05, 510, 16, 36],
    [0.05, 1_000, 37, 65],
    [0.075, 255, 11, 28],
    [0.075, 510, 27, 51],
    [0.075, 1_000, 59, 92],
    [0.1, 255, 16, 36],
    [0.1, 510, 38, 65],
    [0.1, 1_000, 81, 120],
  ])("p %d in %d days: kept for %d < N < %d", (probability, trials, above, below) => {
    const kept = Array.from({ length: trials + 1 }, (_, events) => events).filter(
      (events) => testRate({ events, trials, probability }).pValue >= 0.05,
    );
    expect([kept[0], kept.at(-1)]).toEqual([above + 1, below - 1]);
    expect(kept).toHaveLength(below - above - 1);
  });

  it("knows no event and nothing but events", () => {
    expect(testRate({ events: 0, trials: 250, probability: 0.05 }).ratio).toBeCloseTo(-500 * Math.log(0.95), 10);
    expect(testRate({ events: 10, trials: 10, probability: 0.5 }).ratio).toBeCloseTo(20 * Math.log(2), 10);
    expect(testRate({ events: 0, trials: 0, probability: 0.5 })).toEqual({ ratio: 0, pValue: 1 });
  });
});

describe("Christoffersen's tests", () => {
  // MathWorks, varbacktest.cci: N00 932, N10 53, N01 53, N11 4; varbacktest.cc sums both ratios over two degrees of freedom.
  it("give the published ratio and p-value", () => {
    const independence = testIndependence({ n00: 932, n01: 53, n10: 53, n11: 4 });
    expect(independence.ratio).toBeCloseTo(0.25866, 5);
    expect(independence.pValue).toBeCloseTo(0.61104, 5);
    const both = testConditionalCoverage(testRate({ events: 57, trials: 1_043, probability: 0.05 }), independence);
    expect(both.ratio).toBeCloseTo(0.72013, 5);
    expect(both.pValue).toBeCloseTo(Math.exp(-both.ratio / 2), 12);
  });

  // Jorion, Value at Risk, chapter 6: J.P. Morgan 1998, 20 exceptions in 252 days at 95 %, 6 of them on the day after another one.
  it("see the clusters of J.P. Morgan's exceptions of 1998", () => {
    const rate = testRate({ events: 20, trials: 252, probability: 0.05 });
    const independence = testIndependence({ n00: 218, n01: 14, n10: 14, n11: 6 });
    expect(rate.ratio).toBeCloseTo(3.91, 2);
    expect(independence.ratio).toBeCloseTo(9.53, 2);
    expect(testConditionalCoverage(rate, independence).ratio).toBeCloseTo(13.44, 2);
  });

  it("find nothing where nothing can be found, and never a negative ratio", () => {
    expect(testIndependence({ n00: 9, n01: 0, n10: 0, n11: 0 })).toEqual({ ratio: 0, pValue: 1 });
    const count = fc.nat(200);
    fc.assert(
      fc.property(count, count, count, count, (n00, n01, n10, n11) => {
        const { ratio, pValue } = testIndependence({ n00, n01, n10, n11 });
        expect(ratio).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("trials", () => {
  const hour = (index: number, tripped: boolean, priced = true) => ({ at: index * TRIAL_MS + 15_000, priced, tripped });

  it("are hours with a price: one with two trips counts once, one without a price is none and breaks the chain", () => {
    const trials = createTrials();
    for (const round of [hour(0, true), hour(0, true), hour(1, true), hour(2, false), hour(3, false, false), hour(4, true)]) {
      countTrial(trials, round);
    }
    const { count, events, n00, n01, n10, n11 } = closeTrial(trials);
    expect({ count, events, n00, n01, n10, n11 }).toEqual({ count: 4, events: 3, n00: 0, n01: 0, n10: 1, n11: 1 });
  });

  it("say the same however often they are looked at", () => {
    const trials = createTrials();
    countTrial(trials, hour(0, true));
    expect(closeTrial(trials)).toEqual(closeTrial(trials));
    expect(trials.count).toBe(0);
  });
});
