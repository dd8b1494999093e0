import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at } from "./fields.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * OKX spot, `GET /api/v5/market/ticker?instId=BTC-USDT`, beyond four markets `GET /api/v5/market/tickers?instType=SPOT`.
 *
 * Why four: the limit is ten requests a second per address for each of the two, so a dozen markets asked one by one would
 * spend it; the list is about 250 kB, which four small answers do not outweigh.
 *
 * `ts` is documented as "Ticker data generation time": the time of this book and this last price together, hence `bookAt`.
 * It is not the trade's time, so there is no `lastAt`.
 */
export const okx: Adapter = {
  venue: "okx",
  baseUrl: "https://www.okx.com",
  docs: "https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-tickers",
  requestsPerSecond: 8,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: 4,
      each: (market) => `/api/v5/market/ticker?instId=${encodeURIComponent(symbolOf(market))}`,
      all: "/api/v5/market/tickers?instType=SPOT",
    }),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING, "data"),
};

/** @example symbolOf("BTC/USDT"); // "BTC-USDT" */
function symbolOf(market: string): string {
  return market.replace("/", "-");
}

const LISTING: Listing = {
  key: "instId",
  symbolOf,
  fieldsOf: (record) => ({
    bid: at(record, "bidPx"),
    ask: at(record, "askPx"),
    last: at(record, "last"),
    volume: at(record, "vol24h"),
    bookAt: { field: at(record, "ts"), unit: "ms" },
  }),
};

/** https://www.okx.com/docs-v5/en/#error-code: 51000 and 51001 refuse the instrument, 50001 and 50013 the moment. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["51000", "unknown-market"],
  ["51001", "unknown-market"],
  ["50011", "rate-limited"],
  ["50040", "rate-limited"],
  ["50001", "maintenance"],
  ["50013", "maintenance"],
]);

/** Every body has a `code`, `"0"` for success, whatever the status. */
const RULES: VenueRules = {
  bodyFault: faultByCode(CODES, { field: "code", success: "0" }),
};
