/** A price with the weight of its source. */
export type Weighted = { readonly price: bigint; readonly weight: bigint };

/** Weights are scaled by this before groups are capped, so that truncating a scaled weight loses less than a millionth of it. */
export const WEIGHT_SCALE = 1_000_000n;

/** Below this many groups a third is not to be had, so half is the cap. */
const FEW_GROUPS = 3;
const HALF_BPS = 5_000n;
const FULL_BPS = 10_000n;

export function totalWeight(items: readonly { readonly weight: bigint }[]): bigint {
  return items.reduce((sum, item) => sum + item.weight, 0n);
}

export function byPrice(a: { readonly price: bigint }, b: { readonly price: bigint }): number {
  return a.price < b.price ? -1 : a.price > b.price ? 1 : 0;
}

/**
 * Smallest price at which more than half of the weight is reached (2·cum > W). Undefined without weight.
 *
 * @example
 * weightedMedian([{ price: 1n, weight: 1n }, { price: 2n, weight: 1n }, { price: 9n, weight: 1n }]); // 2n
 */
export function weightedMedian(items: readonly Weighted[]): bigint | undefined {
  const total = totalWeight(items);
  return firstReaching([...items].sort(byPrice), (reached) => 2n * reached > total);
}

/** The smallest price with 4·cum ≥ W from below, and its mirror from above. */
export function weightedQuartiles(items: readonly Weighted[]): { readonly low: bigint; readonly high: bigint } | undefined {
  const total = totalWeight(items);
  const sorted = [...items].sort(byPrice);
  const low = firstReaching(sorted, (reached) => 4n * reached >= total);
  const high = firstReaching([...sorted].reverse(), (reached) => 4n * reached >= total);
  return low === undefined || high === undefined ? undefined : { low, high };
}

/**
 * One pass of the group cap: a group's weight w is limited to (W − w)·cap / (10000 − cap), W before scaling, which is `capBps` of what
 * the weight is then. Each source keeps its share of its group, truncated. A single group is left alone: there is nothing to cap it
 * against, and `minGroups` is the rule that judges it.
 */
export function capGroups<T extends { readonly group: string; readonly weight: bigint }>(
  sources: readonly T[],
  maxGroupBps: number,
): readonly T[] {
  const groups = groupWeights(sources);
  const cap = groups.size < FEW_GROUPS ? HALF_BPS : BigInt(maxGroupBps);
  if (groups.size < 2 || cap >= FULL_BPS) return sources;
  const total = totalWeight(sources);
  return sources.map((source) => {
    const own = groups.get(source.group) ?? 0n;
    const limit = ((total - own) * cap) / (FULL_BPS - cap);
    return own <= limit ? source : { ...source, weight: (source.weight * limit) / own };
  });
}

export function groupWeights(
  sources: readonly { readonly group: string; readonly weight: bigint }[],
): ReadonlyMap<string, bigint> {
  const groups = new Map<string, bigint>();
  for (const { group, weight } of sources) groups.set(group, (groups.get(group) ?? 0n) + weight);
  return groups;
}

/** Share in bps, truncated. */
export function shareBps(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * FULL_BPS) / whole);
}

function firstReaching(sorted: readonly Weighted[], enough: (reached: bigint) => boolean): bigint | undefined {
  let reached = 0n;
  for (const { price, weight } of sorted) {
    reached += weight;
    if (weight > 0n && enough(reached)) return price;
  }
  return undefined;
}
