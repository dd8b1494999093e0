import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { YEAR_MS } from "../../../circuit-breaker/integers.ts";
import {
  expectedShortfall,
  realisedShortfall,
  revertedShare,
  wrongfulLiquidation,
} from "../../../simulator/backtest/pause-costs.ts";
import { createRandom, GAUSSIAN_SD } from "../../../simulator/random.ts";

describe("the expected cost of waiting", () => {
  // BREAKER.md: at most 8 bps at 1200 %, 5 min, debt at 93 % of the collateral.
  it("is what the thresholds were set by", () => {
    const cost = expectedShortfall({ volatility: 12, waitMs: 300_000, buffer: 0.07 });
    expect(cost * 10_000).toBeCloseTo(8.35, 1);
  });

  it("without a buffer is the mean maximum of a Brownian path, σ √(2t/π)", () => {
    const cost = expectedShortfall({ volatility: 0.8, waitMs: YEAR_MS / 100, buffer: 0 });
    expect(cost).toBeCloseTo(0.8 * Math.sqrt((2 * 0.01) / Math.PI), 10);
  });

  it("agrees with simulated paths", () => {
    const random = createRandom(7, "costs");
    const [paths, steps, volatility, buffer] = [4_000, 400, 12, 0.03];
    const waitMs = 600_000;
    const sd = volatility * Math.sqrt(waitMs / YEAR_MS / steps);
    let total = 0;
    for (let path = 0; path < paths; path++) {
      let [price, deepest] = [0, 0];
      for (let step = 0; step < steps; step++) {
        price += (sd * Number(random.gaussian())) / Number(GAUSSIAN_SD);
        deepest = Math.min(deepest, price);
      }
      total += Math.max(0, -deepest - buffer);
    }
    const expected = expectedShortfall({ volatility, waitMs, buffer });
    // A path looked at 400 times misses some of its depth: at most a tenth.
    expect(total / paths / expected).toBeGreaterThan(0.85);
    expect(total / paths / expected).toBeLessThan(1.05);
  });

  it("grows with the wait and σ, falls with the buffer, is nothing without a wait", () => {
    const share = fc.double({ min: 0.001, max: 5, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 86_400_000 }), share, (volatility, waitMs, buffer) => {
        const cost = expectedShortfall({ volatility, waitMs, buffer });
        expect(cost).toBeGreaterThanOrEqual(0);
        expect(expectedShortfall({ volatility, waitMs: waitMs * 2, buffer })).toBeGreaterThanOrEqual(cost);
        expect(expectedShortfall({ volatility: volatility * 2, waitMs, buffer })).toBeGreaterThanOrEqual(cost);
        expect(expectedShortfall({ volatility, waitMs, buffer: buffer * 2 })).toBeLessThanOrEqual(cost);
      }),
    );
    expect(expectedShortfall({ volatility: 12, waitMs: 0, buffer: 0 })).toBe(0);
  });
});

describe("what a pause really cost and saved", () => {
  it.each([
    ["nothing taken back", 100, 80, 80, 0],
    ["three quarters", 100, 80, 95, 0.75],
    ["all of it", 100, 80, 100, 1],
    ["more than all", 100, 80, 120, 1],
    ["a rise, half of it", 100, 120, 110, 0.5],
    ["a rise that went on", 100, 120, 130, 0],
    ["no move at all", 100, 100, 90, 0],
  ])("%s", (_, before, farthest, after, expected) => {
    expect(revertedShare({ before, farthest, after })).toBeCloseTo(expected, 12);
    const prices = { before, farthest, after, opening: farthest, adverse: 0 };
    expect(wrongfulLiquidation(prices, { bufferBps: 0, penaltyBps: 500 })).toBeCloseTo(0.05 * expected, 12);
  });

  it("costs what went beyond the buffer", () => {
    const prices = { before: 100, opening: 95, farthest: 80, after: 80, adverse: 15 / 95 };
    expect(realisedShortfall(prices, { bufferBps: 700, penaltyBps: 500 })).toBeCloseTo(15 / 95 - 0.07, 12);
    expect(realisedShortfall(prices, { bufferBps: 2_000, penaltyBps: 500 })).toBe(0);
  });
});
