import type { Quote } from "./adapter.ts";
import type { MarketState } from "./snapshot.ts";

/** Two books of one market disagree when their mids are further apart than this many of the wider one's spreads … */
const SPREADS = 4n;
/** … and further than this, for books whose spread is a tick. */
const FLOOR_BPS = 20n;
const BPS = 10_000n;

/**
 * What a market's two ways say → one state: the newer of the two. A stream's quote never replaces a newer one of REST, nor the other
 * way round. A book's time is the venue's, else this node's: when the request went out, or when the push came in.
 * What the newer quote has no word of (`last`, `volume`: some channels are a book alone) is the older one's, with its own time.
 */
export function mergeStates(rest: MarketState | undefined, pushed: MarketState | undefined): MarketState | undefined {
  if (rest === undefined || pushed === undefined) return rest ?? pushed;
  const [newer, older] = saidAt(rest) > saidAt(pushed) ? [rest, pushed] : [pushed, rest];
  if (newer.quote === undefined || older.quote === undefined) return newer;
  return { ...newer, quote: { ...lastOf(older.quote), ...newer.quote } };
}

function lastOf({ last, lastAt, volume }: Quote): Partial<Quote> {
  return {
    ...(last === undefined ? {} : { last }),
    ...(lastAt === undefined ? {} : { lastAt }),
    ...(volume === undefined ? {} : { volume }),
  };
}

/** The instant a state speaks of, as a price counts its age; a venue's clock that is ahead gains nothing. Without a quote, its fault's. */
function saidAt({ quote, sentAt, receivedAt, faultAt }: MarketState): number {
  if (quote === undefined) return faultAt ?? receivedAt;
  return quote.bookAt === undefined ? sentAt : Math.min(quote.bookAt, receivedAt);
}

/**
 * Whether two books cannot both be of the market: mids further apart than a few spreads. Without both sides of both nothing is said.
 *
 * @example
 * contradicts({ market, bid: 100n, ask: 102n }, { market, bid: 120n, ask: 122n }); // true: 20 apart, 4 spreads are 8
 */
export function contradicts(one: Quote, other: Quote): boolean {
  const [a, b] = [doubledMid(one), doubledMid(other)];
  if (a === undefined || b === undefined) return false;
  const apart = a.mid > b.mid ? a.mid - b.mid : b.mid - a.mid;
  const spread = a.spread > b.spread ? a.spread : b.spread;
  // Mids are doubled, so spreads are as well.
  return apart > 2n * SPREADS * spread && apart * BPS > a.mid * FLOOR_BPS;
}

function doubledMid({ bid, ask }: Quote): { readonly mid: bigint; readonly spread: bigint } | undefined {
  return bid === undefined || ask === undefined ? undefined : { mid: bid + ask, spread: ask - bid };
}
