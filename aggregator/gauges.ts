import type { GaugeView } from "../circuit-breaker/quorum-view.ts";
import { assert } from "../protocol/assert.ts";
import { compareBigint } from "../protocol/bytes.ts";
import type { NetworkConfig } from "../protocol/config.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { GaugeEntry, Observation } from "../protocol/observation.ts";

/** A gauge older than this counts as unseen: a node that lost its RPCs must not speak of the past. */
const MAX_GAUGE_AGE_MS = 60_000;

type View = { readonly config: NetworkConfig; readonly f: number; readonly timestamp: number };

/**
 * What the quorum measured: of each gauge with at least 2f+1 counted entries the value of rank m >> 1, so that it lies between honest
 * values while at most f lie; and the age of rank m >> 1. Whoever has no RPC leaves a gauge out.
 */
export function viewGauges(
  observations: readonly Observation[],
  { config: { roundMs, maxSkewMs }, f, timestamp }: View,
): ReadonlyMap<string, GaugeView> {
  const entries = new Map<string, GaugeEntry[]>();
  for (const { gauges } of observations) {
    for (const entry of gauges) {
      if (entry.asOf > timestamp + roundMs + maxSkewMs || timestamp - entry.asOf > MAX_GAUGE_AGE_MS + roundMs) continue;
      entries.set(entry.gauge, [...(entries.get(entry.gauge) ?? []), entry]);
    }
  }
  const views = new Map<string, GaugeView>();
  for (const [gauge, counted] of entries) {
    if (counted.length < 2 * f + 1) continue;
    const value = middle(counted.map((entry) => entry.value).sort(compareBigint));
    const asOf = middle(counted.map((entry) => entry.asOf).sort((a, b) => a - b));
    views.set(gauge, { value, asOf: Math.min(asOf, timestamp) });
  }
  return views;
}

/** The median of each feed's price under the pending config, where at least 2f+1 observations give one. */
export function viewShadows(observations: readonly Observation[], { f }: View): ReadonlyMap<FeedId, bigint> {
  const prices = new Map<FeedId, bigint[]>();
  for (const { shadows } of observations) {
    for (const { feed, price } of shadows) if (price > 0n) prices.set(feed, [...(prices.get(feed) ?? []), price]);
  }
  const views = new Map<FeedId, bigint>();
  for (const [feed, given] of prices) if (given.length >= 2 * f + 1) views.set(feed, middle(given.sort(compareBigint)));
  return views;
}

function middle<T>(sorted: readonly T[]): T {
  const value = sorted[sorted.length >> 1];
  assert(value !== undefined, "a list of at least 2f+1 has a middle");
  return value;
}
