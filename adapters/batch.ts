import type { Result } from "../protocol/result.ts";
import type { Fault, MarketAnswer, VenueRequest } from "./adapter.ts";
import { answerEach, at, indexRecords, type QuoteFields, readQuote, recordOf } from "./fields.ts";
import type { Json } from "./json.ts";

/**
 * GET requests for a venue that answers one market or all of them and nothing between. Up to `atMost` markets are asked one
 * by one, because a list of thousands of markets for a handful costs more than it saves; beyond that one list for all.
 *
 * @example
 * eachOrAll(["BTC/USDT"], { atMost: 4, each: (market) => `/t?s=${market}`, all: "/t" }); // [{ method: "GET", path: "/t?s=BTC/USDT", … }]
 */
export function eachOrAll(
  markets: readonly string[],
  paths: { readonly atMost: number; readonly each: (market: string) => string; readonly all: string },
): readonly VenueRequest[] {
  if (markets.length > paths.atMost) return [{ method: "GET", path: paths.all, markets }];
  return markets.map((market) => ({ method: "GET", path: paths.each(market), markets: [market] }));
}

/** A venue's list of records: the name under which a record says its symbol, and how it reads. */
export type Listing = {
  readonly key: string;
  readonly symbolOf: (market: string) => string;
  readonly fieldsOf: (record: Json) => QuoteFields;
};

/**
 * One answer for each market of the request out of a list of records. `steps` lead to the list; no list there is `malformed`
 * for every market, and a list without the market is `unknown-market` for that one alone (P8).
 */
export function answerListing(
  request: VenueRequest,
  body: Result<Json, Fault>,
  listing: Listing,
  ...steps: readonly string[]
): readonly MarketAnswer[] {
  const records = body.ok ? indexRecords(at(body.value, ...steps), listing.key) : body;
  return answerEach(request, records, (market, index) => {
    const record = recordOf(index, listing.symbolOf(market));
    return record.ok ? readQuote(market, listing.fieldsOf(record.value)) : record;
  });
}
