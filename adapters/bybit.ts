import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at, joinedSymbol } from "./fields.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * Bybit spot, `GET /v5/market/tickers?category=spot&symbol=BTCUSDT`, beyond six markets without `symbol`: the whole list.
 *
 * Why six: 600 requests in 5 s per address are plenty, but the list is about 200 kB and a market alone 0.5 kB; six
 * round trips a second is where one list is the kinder question.
 *
 * No times: the record has none, and the envelope's `time` is the server's clock when it answered, not the book's.
 */
export const bybit: Adapter = {
  venue: "bybit",
  baseUrl: "https://api.bybit.com",
  docs: "https://bybit-exchange.github.io/docs/v5/market/tickers",
  requestsPerSecond: 50,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: 6,
      each: (market) => `/v5/market/tickers?category=spot&symbol=${encodeURIComponent(joinedSymbol(market))}`,
      all: "/v5/market/tickers?category=spot",
    }),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING, "result", "list"),
};

const LISTING: Listing = {
  key: "symbol",
  symbolOf: joinedSymbol,
  fieldsOf: (record) => ({
    bid: at(record, "bid1Price"),
    ask: at(record, "ask1Price"),
    last: at(record, "lastPrice"),
    volume: at(record, "volume24h"),
  }),
};

/** https://bybit-exchange.github.io/docs/v5/error: 10001 is a parameter error, and the symbol is the only parameter that varies. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["10001", "unknown-market"],
  ["10006", "rate-limited"],
  ["10018", "rate-limited"],
  ["10019", "maintenance"],
]);

/** "Terminate all HTTP sessions and wait for at least 10 minutes", says the documentation of a 403. */
const BAN_MS = 10 * 60_000;

/** Every body has a `retCode`, 0 for success. A 403 is a ban of the address; the header is the end of an endpoint's window. */
const RULES: VenueRules = {
  statusFaults: { 403: "rate-limited" },
  bodyFault: faultByCode(CODES, { field: "retCode", success: "0" }),
  retryAt: (response) => {
    if (response.status === 403) return response.receivedAt + BAN_MS;
    const reset = /^\d{13}$/.exec(response.headers["x-bapi-limit-reset-timestamp"] ?? "")?.[0];
    return reset === undefined ? undefined : Number(reset);
  },
};
