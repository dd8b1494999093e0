import { ONE } from "../../protocol/amount.ts";
import type { MarketFault } from "../cluster/fault.ts";
import { createRandom } from "../random.ts";

const BPS = 10_000n;
const NANO = 1_000_000_000n;

/** A price stands still in between, so that a range over a span is exact. */
export const DEFAULT_STEP_MS = 250;

/**
 * Waves of a calm market, the shorter the smaller, in 10⁻⁹ of the price for an asset of ordinary size: together within 20 bps. Bounded
 * rather than a walk: nothing fires by chance in a healed trial, and any instant is computed without the ones before it, so that hours
 * of outage cost nothing.
 */
const WAVES = [
  { periodMs: 1_000, nano: 100_000 },
  { periodMs: 8_000, nano: 300_000 },
  { periodMs: 64_000, nano: 600_000 },
  { periodMs: 512_000, nano: 1_000_000 },
] as const;

export type Move = Extract<MarketFault, { kind: "market-jump" | "market-slide" | "market-wick" }>;
type Span = { readonly at: number; readonly until: number };
type Movement = { readonly move: Move; readonly at: number; until: number };

/** The true price of one asset in USD at any instant, 10⁻¹⁸; times Unix ms. */
export type PricePath = {
  readonly priceAt: (at: number) => bigint;
  readonly range: (from: number, to: number) => { readonly low: bigint; readonly high: bigint };
  readonly begin: (move: Move, span: Span) => void;
  /** A wick that is over earlier than planned; jumps and slides stay as they are. */
  readonly end: (move: Move, now: number) => void;
};

/** `restlessness` in percent of an ordinary asset's waves. The same seed and name give the same path, whoever looks and when. */
export function createPricePath({
  seed,
  name,
  price,
  restlessness,
  startAt,
  stepMs,
}: {
  readonly seed: number;
  readonly name: string;
  readonly price: bigint;
  readonly restlessness: number;
  readonly startAt: number;
  readonly stepMs: number;
}): PricePath {
  const salts = createSalts(seed, `path ${name}`);
  const waves = WAVES.map(({ periodMs, nano }) => ({ periodMs, amplitude: Math.trunc((nano * restlessness) / 100) }));
  const movements: Movement[] = [];
  const gridOf = (at: number): number => startAt + Math.floor((at - startAt) / stepMs) * stepMs;

  const priceAt = (at: number): bigint => {
    const grid = gridOf(at);
    let nano = 0;
    waves.forEach((shape, index) => {
      nano += wave(salts[index] ?? 0, grid - startAt, shape);
    });
    let value = (price * (NANO + BigInt(nano))) / NANO;
    for (const movement of movements) value = (value * (BPS * NANO + progress(movement, at, grid))) / (BPS * NANO);
    return value > 0n ? value : 1n;
  };

  return {
    priceAt,
    range: (from, to) => {
      const instants = [from, ...movements.flatMap(({ at, until }) => [at, until]).filter((at) => at > from && at <= to)];
      for (let at = gridOf(from) + stepMs; at <= to; at += stepMs) instants.push(at);
      let low = priceAt(from);
      let high = low;
      for (const at of instants) {
        const value = priceAt(at);
        if (value < low) low = value;
        if (value > high) high = value;
      }
      return { low, high };
    },
    begin: (move, { at, until }) => {
      movements.push({ move, at, until });
    },
    end: (move, now) => {
      const wick = movements.find((movement) => movement.move === move && movement.move.kind === "market-wick");
      if (wick !== undefined) wick.until = Math.min(wick.until, now);
    },
  };
}

/** How much of a move has happened, in 10⁻⁹ bps. A slide goes by the grid, so that prices stand still between its points. */
function progress({ move, at, until }: Movement, now: number, grid: number): bigint {
  const whole = BigInt(move.bps) * NANO;
  if (now < at || (move.kind === "market-wick" && now >= until)) return 0n;
  if (move.kind !== "market-slide" || now >= until) return whole;
  return (whole * BigInt(Math.max(0, grid - at))) / BigInt(until - at);
}

/** Starting points of independent waves: one for each of {@link WAVES}. */
export function createSalts(seed: number, label: string): readonly number[] {
  const random = createRandom(seed, label);
  return WAVES.map(() => random.u32());
}

/**
 * A wave without memory: whole random numbers within ±amplitude (at most 2²⁸), a period apart, joined by straight lines; truncated. Any
 * instant, past or future, costs two hashes.
 */
export function wave(salt: number, ms: number, { periodMs, amplitude }: { periodMs: number; amplitude: number }): number {
  const index = Math.floor(ms / periodMs);
  const into = ms - index * periodMs;
  const before = pointAt(salt, index, amplitude);
  const after = pointAt(salt, index + 1, amplitude);
  return Math.trunc((before * (periodMs - into) + after * into) / periodMs);
}

/** −amplitude … amplitude, from 24 bits of MurmurHash3's 32-bit finaliser over salt and index. */
function pointAt(salt: number, index: number, amplitude: number): number {
  let hash = salt ^ Math.imul(index, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 8;
  return Math.floor((hash * (2 * amplitude + 1)) / 2 ** 24) - amplitude;
}

/** The price of a market `BASE/QUOTE` from what its two sides are worth; truncated. */
export function crossPrice(baseUsd: bigint, quoteUsd: bigint): bigint {
  return quoteUsd === ONE ? baseUsd : (baseUsd * ONE) / quoteUsd;
}
