import type { QuorumView } from "../circuit-breaker/quorum-view.ts";
import { MAX_AMOUNT } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import { compareBigint } from "../protocol/bytes.ts";
import type { FeedConfig, NetworkConfig } from "../protocol/config.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { FeedEntry, Observation } from "../protocol/observation.ts";

/**
 * What the quorum saw of every feed that at least 2f+1 counted entries price; pure and free of the observations' order (P1: every
 * rank below lies within the honest nodes' values while at most f lie).
 */
export function viewQuorum(
  observations: readonly Observation[],
  { config, f, timestamp }: { readonly config: NetworkConfig; readonly f: number; readonly timestamp: number },
): ReadonlyMap<FeedId, QuorumView> {
  const entries = new Map<FeedId, FeedEntry[]>(config.feeds.map(({ feed }) => [feed, []]));
  for (const observation of observations) {
    for (const entry of observation.entries) entries.get(entry.feed)?.push(entry);
  }
  const views = new Map<FeedId, QuorumView>();
  for (const feed of config.feeds) {
    const counted = (entries.get(feed.feed) ?? []).filter((entry) => counts(entry, feed, config, timestamp));
    if (counted.length >= 2 * f + 1) views.set(feed.feed, viewFeed(feed.feed, counted, { f, timestamp }));
  }
  return views;
}

/** A bad entry voids itself, not the message (BREAKER.md B1, observation entries). */
function counts(entry: FeedEntry, { thresholds }: FeedConfig, { roundMs, maxSkewMs }: NetworkConfig, timestamp: number): boolean {
  return (
    entry.low > 0n &&
    entry.low <= entry.price &&
    entry.price <= entry.high &&
    entry.high <= MAX_AMOUNT &&
    entry.asOf <= timestamp + roundMs + maxSkewMs &&
    timestamp - entry.asOf <= thresholds.quoteMs + roundMs
  );
}

/** Every rank is zero-based and per field: m>>1, except that rawLow has rank f from below and rawHigh rank f from above. */
function viewFeed(
  feed: FeedId,
  entries: readonly FeedEntry[],
  { f, timestamp }: { readonly f: number; readonly timestamp: number },
): QuorumView {
  const middle = entries.length >> 1;
  const price = rank(entries.map((entry) => entry.price).sort(compareBigint), middle);
  const chosenAt = Math.min(...entries.filter((entry) => entry.price === price).map((entry) => entry.asOf));
  return {
    feed,
    price,
    rawLow: rank(entries.map((entry) => entry.low).sort(compareBigint), f),
    rawHigh: rank(
      entries.map((entry) => entry.high).sort((a, b) => compareBigint(b, a)),
      f,
    ),
    observedAt: Math.min(
      rankOf(entries, (entry) => entry.asOf, middle),
      chosenAt,
      timestamp,
    ),
    groups: rankOf(entries, (entry) => entry.groups, middle),
    topBps: rankOf(entries, (entry) => entry.topBps, middle),
    outsideBps: rankOf(entries, (entry) => entry.outsideBps, middle),
  };
}

function rankOf(entries: readonly FeedEntry[], field: (entry: FeedEntry) => number, index: number): number {
  return rank(
    entries.map(field).sort((a, b) => a - b),
    index,
  );
}

function rank<T>(sorted: readonly T[], index: number): T {
  const value = sorted[index];
  assert(value !== undefined, "a rank lies within its list");
  return value;
}
