import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at, splitMarket, textOf } from "./fields.ts";
import { readBody, type VenueRules } from "./response.ts";
import { timeOf } from "./times.ts";

/**
 * Gate spot, `GET /api/v4/spot/tickers[?currency_pair=…]`.
 *
 * One pair a request or the whole list of some 2 500 pairs (0.7 MB); there is nothing between. Up to ten markets go one by
 * one, half of the documented 200 requests per 10 s, address and endpoint; more take the list.
 *
 * An unknown pair is refused alone with `INVALID_CURRENCY_PAIR`, or missing from the list. No times: the ticker has none.
 */
export const gate: Adapter = {
  venue: "gate",
  baseUrl: "https://api.gateio.ws",
  docs: "https://www.gate.com/docs/developers/apiv4/en/#get-currency-pair-ticker-information",
  requestsPerSecond: 15,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `${PATH}?currency_pair=${encodeURIComponent(symbolOf(market))}`,
      all: PATH,
    }),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING),
};

const PATH = "/api/v4/spot/tickers";
const SINGLES_AT_MOST = 10;

/** @example symbolOf("BTC/USDT"); // "BTC_USDT" */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  return `${base}_${quote}`;
}

const LISTING: Listing = {
  key: "currency_pair",
  symbolOf,
  fieldsOf: (record) => ({
    bid: at(record, "highest_bid"),
    ask: at(record, "lowest_ask"),
    last: at(record, "last"),
    volume: at(record, "base_volume"),
  }),
};

/** Documented labels: https://www.gate.com/docs/developers/apiv4/en/#label-list */
const LABELS: ReadonlyMap<string, FaultCode> = new Map([
  ["INVALID_CURRENCY", "unknown-market"],
  ["INVALID_CURRENCY_PAIR", "unknown-market"],
  ["TOO_FAST", "rate-limited"],
  ["TOO_MANY_REQUESTS", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    const label = textOf(at(body, "label"));
    return label === undefined ? undefined : { code: LABELS.get(label) ?? "http-status", detail: `label ${label}` };
  },
  // Documented: "the timestamp indicating when your request limit resets", Unix seconds.
  retryAt: ({ headers }) => timeOf(headers["x-gate-ratelimit-reset-timestamp"] ?? "", "s"),
};
