import { YEAR_MS } from "../../circuit-breaker/integers.ts";
import { normalCdf, normalDensity } from "./gamma.ts";

/** What a loan in dispute is assumed to be: bps of its collateral between debt and value, and what a liquidation takes from its owner. */
export type LoanTerms = { readonly bufferBps: number; readonly penaltyBps: number };

/**
 * What waiting is expected to cost the lender, as a share of the collateral of a loan that is liquidatable when the wait begins: the
 * mean of max(0, M − b), where M is the deepest fall of a driftless Brownian path of volatility σ within the wait and b the loan's
 * buffer. By the reflection principle P(M > m) = 2 P(X > m), so it is twice Bachelier's value of an option b out of the money:
 * 2 (s φ(b/s) − b Φ(−b/s)), s = σ √(wait / year). An upper bound: nobody is forced to sell at the deepest point.
 *
 * @example
 * // σ 1200 %, 5 min, a loan at 93 % of its collateral: s = 0.0370, b/s = 1.892
 * expectedShortfall({ volatility: 12, waitMs: 300_000, buffer: 0.07 }); // 0.000835: 8 bps
 */
export function expectedShortfall({
  volatility,
  waitMs,
  buffer,
}: {
  /** Annualised, 1 = 100 %. */
  readonly volatility: number;
  readonly waitMs: number;
  /** Share of the collateral. */
  readonly buffer: number;
}): number {
  const s = volatility * Math.sqrt(waitMs / YEAR_MS);
  if (s === 0) return 0;
  return Math.max(0, 2 * (s * normalDensity(buffer / s) - buffer * normalCdf(-buffer / s)));
}

/** The prices that decide what a pause cost and what it saved. */
export type PausePrices = {
  /** The last price that was certified closed. */
  readonly before: number;
  /** In the round that opened. */
  readonly opening: number;
  /** Farthest from `before` while disputed loans waited. */
  readonly farthest: number;
  /** When it closed again, or the record ended. */
  readonly after: number;
  /** How much farther than `opening` the price went in the doubted direction while open, as a share of `opening`. */
  readonly adverse: number;
};

/** What really happened: the part of the adverse move that the buffer did not take, as a share of the collateral. */
export function realisedShortfall({ adverse }: PausePrices, { bufferBps }: LoanTerms): number {
  return Math.max(0, adverse - bufferBps / 10_000);
}

/**
 * How much of the doubted move was taken back, 0 … 1: of loans spread evenly over the prices between `before` and `farthest`, the share
 * that was healthy again when the breaker closed, so that its liquidation at the doubted price would have been wrong.
 *
 * @example
 * revertedShare({ before: 100, farthest: 80, after: 95, … }); // (95 − 80) / (100 − 80) = 0.75
 */
export function revertedShare({ before, farthest, after }: Pick<PausePrices, "before" | "farthest" | "after">): number {
  return farthest === before ? 0 : Math.min(1, Math.max(0, (after - farthest) / (before - farthest)));
}

/** What liquidating at once would have cost owners of loans in dispute: the penalty, times the share that turned out healthy. */
export function wrongfulLiquidation(prices: PausePrices, { penaltyBps }: LoanTerms): number {
  return (revertedShare(prices) * penaltyBps) / 10_000;
}
