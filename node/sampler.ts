import { marketKey, type VenueSnapshot } from "../adapters/snapshot.ts";
import { type NodePrice, priceFeeds } from "../aggregator/price.ts";
import type { MarketView } from "../aggregator/source.ts";
import type { NetworkConfig } from "../protocol/config.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { FeedEntry } from "../protocol/observation.ts";

/** What this node can say of the market at one instant: its entries by ascending feed, and how each came about. */
export type Sample = {
  readonly at: number;
  readonly entries: readonly FeedEntry[];
  readonly prices: ReadonlyMap<FeedId, NodePrice>;
};

/** The venues' newest answers → one sample. A feed without a price is left out of the entries, never invented. */
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

/** The markets that a config asks of each venue, each once. */
export function marketsByVenue(config: NetworkConfig): ReadonlyMap<string, readonly string[]> {
  const venues = new Map<string, Set<string>>();
  for (const { venue, market } of config.feeds.flatMap((feed) => feed.sources)) {
    const markets = venues.get(venue) ?? new Set<string>();
    venues.set(venue, markets.add(market));
  }
  return new Map([...venues].map(([venue, markets]) => [venue, [...markets]]));
}
