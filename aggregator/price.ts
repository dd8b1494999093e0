import { moveBps } from "../circuit-breaker/integers.ts";
import { assert } from "../protocol/assert.ts";
import { compareBigint } from "../protocol/bytes.ts";
import type { FeedConfig, SourceConfig } from "../protocol/config.ts";
import { conversionOrder } from "../protocol/conversion.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { FeedEntry } from "../protocol/observation.ts";
import { type Drop, type Legs, type MarketView, priceSource } from "./source.ts";
import { capGroups, groupWeights, shareBps, totalWeight, WEIGHT_SCALE, weightedMedian, weightedQuartiles } from "./weights.ts";

/** One source's part in a price: used, or dropped with its reason. Weights in bps of the present weight after the group cap. */
export type SourceOutcome = {
  readonly source: SourceConfig;
  readonly drop?: Drop;
  /** As the venue quotes it. */
  readonly raw?: bigint;
  /** In terms of the feed. */
  readonly price?: bigint;
  readonly asOf?: number;
  /** The quote was above what its source's cap allows, and was lowered to it. */
  readonly capped?: true;
  readonly weightBps?: number;
};

/** A node's price of one feed and how it came about; without `entry` the node has no price, and `refusal` says why. */
export type NodePrice = {
  readonly feed: FeedId;
  readonly entry?: FeedEntry;
  readonly refusal?: string;
  readonly sources: readonly SourceOutcome[];
};

type Present = {
  readonly index: number;
  readonly source: SourceConfig;
  readonly group: string;
  readonly weight: bigint;
  readonly raw: bigint;
  readonly price: bigint;
  readonly asOf: number;
};

/**
 * All feeds of one tick at the instant `at` (Unix ms), each feed after the legs that its conversions read. `lookup` gives the newest
 * answer of a venue for a market.
 */
export function priceFeeds(
  feeds: readonly FeedConfig[],
  lookup: (venue: string, market: string) => MarketView | undefined,
  { at, maxSkewMs }: { readonly at: number; readonly maxSkewMs: number },
): ReadonlyMap<FeedId, NodePrice> {
  const prices = new Map<FeedId, NodePrice>();
  const legs = new Map<FeedId, { readonly config: FeedConfig; readonly price: FeedEntry | undefined }>();
  for (const feed of conversionOrder(feeds)) {
    const priced = priceFeed(feed, lookup, { legs, at, maxSkewMs });
    prices.set(feed.feed, priced);
    legs.set(feed.feed, { config: feed, price: priced.entry });
  }
  return prices;
}

/** DESIGN section 4, in its order: age and book of every source, conversion, group cap, outliers, enough sources and groups. */
function priceFeed(
  feed: FeedConfig,
  lookup: (venue: string, market: string) => MarketView | undefined,
  context: { readonly legs: Legs; readonly at: number; readonly maxSkewMs: number },
): NodePrice {
  const outcomes: SourceOutcome[] = [];
  const fresh: Present[] = [];
  feed.sources.forEach((source, index) => {
    const priced = priceSource(source, lookup(source.venue, source.market), { feed, ...context });
    outcomes.push(priced.ok ? { source, ...priced.value } : { source, drop: priced.error });
    if (priced.ok)
      fresh.push({ index, source, group: source.group, weight: BigInt(source.weight) * WEIGHT_SCALE, ...priced.value });
  });
  const present = capGroups(fresh, feed.thresholds.maxGroupBps);
  const total = totalWeight(present);
  const outliers = findOutliers(present, feed);
  for (const { index, weight } of present) {
    const outcome = outcomes[index];
    assert(outcome !== undefined, "every present source has an outcome");
    const drop = outliers.get(index);
    outcomes[index] = { ...outcome, weightBps: shareBps(weight, total), ...(drop === undefined ? {} : { drop }) };
  }
  const used = present.filter(({ index }) => !outliers.has(index));
  const refusal = tooFew(used, feed);
  return refusal === undefined
    ? { feed: feed.feed, entry: summarize(feed, used, present), sources: outcomes }
    : { feed: feed.feed, refusal, sources: outcomes };
}

/** Beyond max(4 × MAD, floorBps) of the weighted median; the MAD is unweighted, over the present quotes. */
function findOutliers(present: readonly Present[], { thresholds }: FeedConfig): ReadonlyMap<number, Drop> {
  const median = weightedMedian(present);
  if (median === undefined) return new Map();
  const deviations = present.map(({ price }) => distance(price, median));
  const mad = [...deviations].sort(compareBigint)[deviations.length >> 1] ?? 0n;
  const floor = median * BigInt(thresholds.floorBps);
  const limit = 40_000n * mad > floor ? 40_000n * mad : floor;
  const outliers = new Map<number, Drop>();
  for (const { index, price } of present) {
    if (distance(price, median) * 10_000n <= limit) continue;
    outliers.set(index, {
      code: "outlier",
      detail: `${moveBps(price, median)} bps from the weighted median, at most ${limit / median} counts`,
    });
  }
  return outliers;
}

function tooFew(used: readonly Present[], { thresholds }: FeedConfig): string | undefined {
  const groups = groupWeights(used).size;
  if (used.length < thresholds.minSources) return `${used.length} usable sources, at least ${thresholds.minSources} are needed`;
  if (groups < thresholds.minGroups) return `${groups} provenance groups, at least ${thresholds.minGroups} are needed`;
  return totalWeight(used) === 0n ? "the usable sources carry no weight" : undefined;
}

function summarize({ feed, thresholds }: FeedConfig, used: readonly Present[], present: readonly Present[]): FeedEntry {
  const price = weightedMedian(used);
  const quartiles = weightedQuartiles(used);
  assert(price !== undefined && quartiles !== undefined, "used sources carry weight");
  const dissenting = present.filter((source) => moveBps(source.price, price) > thresholds.tolBps);
  const outsideBps = shareBps(totalWeight(dissenting), totalWeight(present));
  const split = outsideBps > thresholds.divergenceBps;
  const below = split ? weightedMedian(dissenting.filter((source) => source.price < price)) : undefined;
  const above = split ? weightedMedian(dissenting.filter((source) => source.price > price)) : undefined;
  const ages = used.map((source) => source.asOf).sort((a, b) => a - b);
  const heaviest = [...groupWeights(used).values()].reduce((top, weight) => (weight > top ? weight : top), 0n);
  return {
    feed,
    price,
    low: least(price, quartiles.low, below),
    high: greatest(price, quartiles.high, above),
    asOf: ages[ages.length >> 1] ?? 0,
    groups: groupWeights(used).size,
    topBps: shareBps(heaviest, totalWeight(used)),
    outsideBps,
  };
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

function least(first: bigint, ...rest: readonly (bigint | undefined)[]): bigint {
  return rest.reduce<bigint>((least, value) => (value !== undefined && value < least ? value : least), first);
}

function greatest(first: bigint, ...rest: readonly (bigint | undefined)[]): bigint {
  return rest.reduce<bigint>((greatest, value) => (value !== undefined && value > greatest ? value : greatest), first);
}
