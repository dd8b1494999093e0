import { marketKey, type VenueSnapshot } from "../adapters/snapshot.ts";
import { type NodePrice, priceFeeds } from "../aggregator/price.ts";
import type { MarketView } from "../aggregator/source.ts";
import type { NetworkConfig } from "../protocol/config.ts";
import { compareText, type FeedId } from "../protocol/feed.ts";
import { type FeedEntry, type GaugeEntry, MAX_GAUGES } from "../protocol/observation.ts";

/** What this node can say of the market at one instant: its entries by ascending feed, and how each came about. */
export type Sample = {
  readonly at: number;
  readonly entries: readonly FeedEntry[];
  readonly prices: ReadonlyMap<FeedId, NodePrice>;
};

/**
 * The newest answers of venues and references → one sample. A feed without a price is left out of the entries, never invented.
 *
 * @param snapshot of the venues, with {@link mergeReferences} of what stands on chains
 */
export function sampleMarkets(config: NetworkConfig, snapshot: VenueSnapshot, at: number): Sample {
  const prices = priceFeeds(config.feeds, (venue, market) => viewMarket(snapshot, venue, market), {
    at,
    maxSkewMs: config.maxSkewMs,
  });
  const entries = config.feeds.flatMap(({ feed }) => prices.get(feed)?.entry ?? []);
  return { at, entries, prices };
}

function viewMarket(snapshot: VenueSnapshot, venue: string, market: string): MarketView | undefined {
  const state = snapshot.get(marketKey(venue, market));
  if (state === undefined) return undefined;
  const { quote, fault, sentAt } = state;
  return { ...(quote === undefined ? {} : { quote: { ...quote, sentAt } }), ...(fault === undefined ? {} : { fault }) };
}

/** One snapshot of both: to a feed a reference is a venue of its name, and no exchange of that name is ever asked. */
export function mergeReferences(venues: VenueSnapshot, references: VenueSnapshot): VenueSnapshot {
  return references.size === 0 ? venues : new Map([...venues, ...references]);
}

/** Every gauge this node has, by ascending name and each once, the first list's before the later ones'; as many as a message holds. */
export function mergeGauges(...lists: readonly (readonly GaugeEntry[])[]): readonly GaugeEntry[] {
  const byName = new Map<string, GaugeEntry>();
  for (const entry of lists.flat()) if (!byName.has(entry.gauge)) byName.set(entry.gauge, entry);
  return [...byName.values()].slice(0, MAX_GAUGES).sort((a, b) => compareText(a.gauge, b.gauge));
}

/** The markets that a config asks of each exchange, each once; references are read from their chains. */
export function marketsByVenue(config: NetworkConfig): ReadonlyMap<string, readonly string[]> {
  const references = new Set(config.references.map(({ name }) => name));
  const venues = new Map<string, Set<string>>();
  for (const { venue, market } of config.feeds.flatMap((feed) => feed.sources)) {
    if (references.has(venue)) continue;
    const markets = venues.get(venue) ?? new Set<string>();
    venues.set(venue, markets.add(market));
  }
  return new Map([...venues].map(([venue, markets]) => [venue, [...markets]]));
}
