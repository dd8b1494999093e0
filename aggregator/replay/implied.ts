import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import type { NetworkConfig, SourceConfig } from "../../protocol/config.ts";
import { legOf } from "../../protocol/conversion.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { MarketView } from "../source.ts";

/** What each market must have quoted for the certified prices to be what they are. */
export type ImpliedMarkets = (venue: string, market: string) => MarketView | undefined;

/**
 * Certified prices turned back through the conversion paths of the config that they were made under: the quotes of which every source
 * would have given exactly its feed's price. A contract is known by its reference's name, whatever a new config calls what it says: that is
 * how a ratio that is now read as a dollar price shows itself. A market that no source of the old config reads is unknown.
 *
 * @example
 * // CBETH/USD certified at 2090 through CBETH/ETH × ETH/USD, ETH/USD at 1900: the market CBETH/ETH must have said 1.1
 */
export function implyMarkets(config: NetworkConfig, prices: ReadonlyMap<FeedId, bigint>, at: number): ImpliedMarkets {
  const references = new Set(config.references.map(({ name }) => name));
  const placeOf = (venue: string, market: string): string => (references.has(venue) ? venue : `${venue} ${market}`);
  const quotes = new Map<string, bigint>();
  for (const { feed, sources } of config.feeds) {
    const price = prices.get(feed);
    if (price === undefined) continue;
    for (const source of sources) {
      const quote = unconvert(price, source, prices);
      if (quote !== undefined) quotes.set(placeOf(source.venue, source.market), quote);
    }
  }
  return (venue, market) => {
    const quote = quotes.get(placeOf(venue, market));
    return quote === undefined ? undefined : { quote: { bid: quote, ask: quote, bookAt: at, sentAt: at } };
  };
}

/** The inverse of a source's path, rounded to the nearest unit; undefined where a leg has no price. */
function unconvert(price: bigint, { convert }: SourceConfig, prices: ReadonlyMap<FeedId, bigint>): bigint | undefined {
  let numerator = price;
  let denominator = 1n;
  for (const step of convert) {
    const leg = prices.get(legOf(step));
    if (leg === undefined) return undefined;
    numerator *= "multiply" in step ? ONE : leg;
    denominator *= "multiply" in step ? leg : ONE;
  }
  const quote = (2n * numerator + denominator) / (2n * denominator);
  return quote > 0n && quote <= MAX_AMOUNT ? quote : undefined;
}
