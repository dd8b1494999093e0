/**
 * The integers of BREAKER.md's preamble, written down a second time and from the text alone. Everything is a bigint; `/` truncates.
 */

export const WHOLE = 10n ** 18n;
export const YEAR = 31_557_600_000n;
export const DAY = 86_400_000n;
/** One basis point of a number with 18 decimals. */
export const POINT = WHOLE / 10_000n;
export const LARGEST_AMOUNT = 2n ** 191n - 1n;
export const LARGEST_COUNT = 2n ** 32n - 1n;
export const LARGEST_VOLATILITY = 2n ** 64n - 1n;

export function least(first: bigint, ...others: readonly bigint[]): bigint {
  return others.reduce((a, b) => (b < a ? b : a), first);
}

export function greatest(first: bigint, ...others: readonly bigint[]): bigint {
  return others.reduce((a, b) => (b > a ? b : a), first);
}

export function within(value: bigint, low: bigint, high: bigint): bigint {
  return least(greatest(value, low), high);
}

export function sign(value: bigint): bigint {
  return value > 0n ? 1n : value < 0n ? -1n : 0n;
}

export function total(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => a + b, 0n);
}

/** `moveBps(a,b) = min(2³²−1, (max−min)·10000/min)`. */
export function distance(a: bigint, b: bigint): bigint {
  return least(LARGEST_COUNT, ((greatest(a, b) - least(a, b)) * 10_000n) / least(a, b));
}

/** `ema(x,p,dt,τ) = x + (p−x)·dt/(τ+dt)`. */
export function average(x: bigint, p: bigint, dt: bigint, tau: bigint): bigint {
  return x + ((p - x) * dt) / (tau + dt);
}

/** The floor of the root: Heron's steps down from above it. */
export function root(n: bigint): bigint {
  if (n < 2n) return n;
  let guess = 1n << BigInt((n.toString(16).length + 1) * 2);
  for (let next = (guess + n / guess) / 2n; next < guess; next = (guess + n / guess) / 2n) guess = next;
  return guess;
}

/** `sd(σ,ms) = σ·isqrt(ms·10³⁶/YEAR_MS)/10¹⁸`. */
export function deviation(sigma: bigint, ms: bigint): bigint {
  return (sigma * root((ms * WHOLE * WHOLE) / YEAR)) / WHOLE;
}

/** The smallest value with `2·cum > W`, by ascending value. */
export function weightedMedian(items: readonly { readonly value: bigint; readonly weight: bigint }[]): bigint {
  const all = total(items.map(({ weight }) => weight));
  const sorted = [...items].sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  let sum = 0n;
  for (const { value, weight } of sorted) {
    sum += weight;
    if (2n * sum > all) return value;
  }
  throw new Error("the weighted median of nothing");
}
