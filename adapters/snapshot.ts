import type { Fault, FaultCode, MarketAnswer, Quote } from "./adapter.ts";

/**
 * The newest thing one venue said about one market. Times are this node's, Unix ms.
 * With a `quote`, `sentAt` and `receivedAt` are those of the request that brought it: a book without a venue time is as old
 * as `sentAt`. Without one they are those of the request that failed. `fault` is there only while it is newer than the quote.
 */
export type MarketState = {
  readonly venue: string;
  readonly market: string;
  readonly quote?: Quote;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly fault?: Fault;
  readonly faultAt?: number;
};

/** Keyed by {@link marketKey}; a market that never had an answer is absent. */
export type VenueSnapshot = ReadonlyMap<string, MarketState>;

/** @example marketKey("kraken", "BTC/USD"); // "kraken BTC/USD" */
export function marketKey(venue: string, market: string): string {
  return `${venue} ${market}`;
}

/**
 * A `content` fault is the venue's word about the market, and takes the last quote away. An `operational` fault says only that
 * nothing was heard: the last quote stays and grows old, so one lost poll costs nothing and a lost venue ends at `quoteMs`.
 */
export const FAULT_KINDS: Readonly<Record<FaultCode, "content" | "operational">> = {
  "unknown-market": "content",
  maintenance: "content",
  crossed: "content",
  "non-positive": "content",
  "rate-limited": "operational",
  malformed: "operational",
  html: "operational",
  oversize: "operational",
  "http-status": "operational",
  timeout: "operational",
  network: "operational",
};

/** The state after an answer to a request sent at `sentAt` and received at `receivedAt`. */
export function applyAnswer(
  previous: MarketState | undefined,
  { venue, answer, sentAt, receivedAt }: { venue: string; answer: MarketAnswer; sentAt: number; receivedAt: number },
): MarketState {
  const market = answer.market;
  if (answer.answer.ok) return { venue, market, quote: answer.answer.value, sentAt, receivedAt };
  const fault = answer.answer.error;
  if (previous?.quote !== undefined && FAULT_KINDS[fault.code] === "operational")
    return { ...previous, fault, faultAt: receivedAt };
  return { venue, market, sentAt, receivedAt, fault, faultAt: receivedAt };
}
