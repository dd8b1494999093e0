import { MAX_AMOUNT, ONE } from "../protocol/amount.ts";

/** One whole in basis points. */
export const BPS = 10_000;
/** 365.25 days. */
export const YEAR_MS = 31_557_600_000;
export const DAY_MS = 86_400_000;
/** Where moves and counters saturate: uint32. */
export const MAX_UINT32 = 2 ** 32 - 1;
/** Where the leaf's volatility saturates: 1 844 %. */
export const MAX_UINT64 = 2n ** 64n - 1n;
/** Far above what any timer, counted in ms · 100 or ms · DAY_MS, can reach. */
export const MAX_TIMER = 2n ** 127n - 1n;

const YEAR = BigInt(YEAR_MS);
const ONE_SQUARED = ONE * ONE;

/**
 * How far two prices lie apart, in basis points of the smaller one, rounded down and saturated at 2³²−1; a price of zero is
 * infinitely far from any other.
 *
 * @example
 * moveBps(80n, 100n); // 2500
 */
export function moveBps(a: bigint, b: bigint): number {
  if (a === b) return 0;
  const min = a < b ? a : b;
  if (min <= 0n) return MAX_UINT32;
  const bps = ((a < b ? b - a : a - b) * 10_000n) / min;
  return bps < 4_294_967_295n ? Number(bps) : MAX_UINT32;
}

/**
 * A time-weighted mean after `dtMs` at `sample`: `x + (sample − x) · dt / (tau + dt)`, truncated towards x.
 *
 * @example
 * ema(100n, 200n, { dtMs: 1_000, tauMs: 3_000 }); // 125n
 */
export function ema(mean: bigint, sample: bigint, { dtMs, tauMs }: { readonly dtMs: number; readonly tauMs: number }): bigint {
  if (mean === sample || dtMs === 0) return mean;
  return mean + ((sample - mean) * BigInt(dtMs)) / BigInt(tauMs + dtMs);
}

/**
 * The largest integer whose square is at most n; 0 below 1. n < 2¹⁰²⁴. Newton's method: from any start the first step lands at or
 * above the root and the steps then fall, so the float only saves steps and never decides.
 *
 * @example
 * isqrt(99n); // 9n
 */
export function isqrt(n: bigint): bigint {
  if (n <= 0n) return 0n;
  const start = BigInt(Math.floor(Math.sqrt(Number(n))));
  let root = (start + n / start) >> 1n;
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/**
 * One standard deviation over `ms` of a volatility σ (annualised, 10⁻¹⁸), as a share of the price in 10⁻¹⁸; both divisions round down.
 *
 * @example
 * sd(800000000000000000n, 60_000); // 1103096809921373n: 11 bps in a minute at 80 %
 */
export function sd(volatility: bigint, ms: number): bigint {
  return (volatility * isqrt((BigInt(ms) * ONE_SQUARED) / YEAR)) / ONE;
}

export function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}

/** Basis points as a share of 10⁻¹⁸. @example fractionOf(8_000); // 800000000000000000n */
export function fractionOf(bps: number): bigint {
  return BigInt(bps) * 100_000_000_000_000n;
}

/** A variance of 10⁻¹⁸ from a volatility of 10⁻¹⁸, rounded down. */
export function varianceOf(volatility: bigint): bigint {
  return (volatility * volatility) / ONE;
}

export function saturateAmount(amount: bigint): bigint {
  return amount > MAX_AMOUNT ? MAX_AMOUNT : amount;
}

export function saturateCount(count: number): number {
  return Math.min(count, MAX_UINT32);
}

export function saturateTimer(timer: bigint): bigint {
  return timer > MAX_TIMER ? MAX_TIMER : timer;
}

export function countBits(bits: bigint): number {
  let count = 0;
  for (let rest = bits; rest > 0n; rest >>= 1n) count += Number(rest & 1n);
  return count;
}

/** Times and durations in memory end where integers are still exact. */
export function saturateMs(ms: number): number {
  return Math.min(ms, Number.MAX_SAFE_INTEGER);
}
