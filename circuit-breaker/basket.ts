import { assert } from "../protocol/assert.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { Facts } from "./facts.ts";
import { moveBps } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";

/** τ of the basket's slow averages; fixed, because B must mean the same in every config. */
export const BASKET_TAU_MS = 300_000;

const MIN_PRESENT = 3;

/** The market as one feed may hold it against itself: B in signed bps, and σ of the basket (annualised, 10⁻¹⁸). */
export type Market = { readonly systemicBps: number; readonly volatility: bigint };

const NO_MARKET: Market = { systemicBps: 0, volatility: 0n };

/** A basket feed in one round; `moveBps` is signed, and undefined when the feed cannot be counted. */
export type BasketItem = {
  readonly feed: FeedId;
  readonly weight: number;
  readonly moveBps: number | undefined;
  readonly volatility: bigint;
};

/**
 * The signed move of a basket feed from the parent's sysEma, by the end of its raw interval nearest to it, 0 when the interval
 * contains it; undefined when the feed is not priced, thin, in a gap, or has no average yet.
 */
export function basketMove({ sysEma }: FeedMemory, { priced, thin, gap, rawLow, rawHigh }: Facts): number | undefined {
  if (!priced || thin || gap.gapAt !== 0 || sysEma === 0n) return undefined;
  if (rawLow > sysEma) return moveBps(rawLow, sysEma);
  if (rawHigh < sysEma) return -moveBps(rawHigh, sysEma);
  return 0;
}

/**
 * The market of each feed: weighted medians over the basket without that feed. Nothing moved when fewer than three of the others count
 * or they hold less than 60 % of the others' weight.
 */
export function createMarket(items: readonly BasketItem[]): (feed: FeedId) => Market {
  const members = new Map(items.map(({ feed }) => [feed, weigh(items.filter((item) => item.feed !== feed))]));
  const whole = weigh(items);
  return (feed) => members.get(feed) ?? whole;
}

function weigh(others: readonly BasketItem[]): Market {
  const present = others.flatMap(({ weight, moveBps, volatility }) =>
    moveBps === undefined ? [] : [{ weight, moveBps, volatility }],
  );
  if (present.length < MIN_PRESENT || totalWeight(present) * 5 < totalWeight(others) * 3) return NO_MARKET;
  return {
    systemicBps: weightedMedian(present.map(({ weight, moveBps }) => ({ weight, value: moveBps }))),
    volatility: weightedMedian(present.map(({ weight, volatility }) => ({ weight, value: volatility }))),
  };
}

function totalWeight(items: readonly { readonly weight: number }[]): number {
  return items.reduce((sum, { weight }) => sum + weight, 0);
}

/** The smallest value with more than half of the weight at or below it. `items` is not empty. */
function weightedMedian<T extends number | bigint>(items: readonly { readonly weight: number; readonly value: T }[]): T {
  const sorted = [...items].sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  const total = totalWeight(items);
  let cumulated = 0;
  const middle = sorted.find(({ weight }) => {
    cumulated += weight;
    return 2 * cumulated > total;
  });
  assert(middle !== undefined, "a weighted median has an item");
  return middle.value;
}
