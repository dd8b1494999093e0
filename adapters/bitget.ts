import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at, joinedSymbol } from "./fields.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * Bitget spot v2, `GET /api/v2/spot/market/tickers[?symbol=…]`.
 *
 * One symbol or the whole list (some 800, 0.3 MB); there is nothing between. Up to ten markets go one by one, half of the
 * documented twenty requests a second and address; more take the list.
 *
 * An unknown symbol is refused alone (40034; 42016 on some hosts of the same API), or missing from the list.
 *
 * `ts` is documented only as "current time". On record it lies 0.5 to 1.6 s before the response's own `requestTime`: it is
 * when the ticker was made, not when it was asked for, and so it dates bid and ask.
 */
export const bitget: Adapter = {
  venue: "bitget",
  baseUrl: "https://api.bitget.com",
  docs: "https://www.bitget.com/api-doc/spot/market/Get-Tickers",
  requestsPerSecond: 15,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `${PATH}?symbol=${encodeURIComponent(joinedSymbol(market))}`,
      all: PATH,
    }),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING, "data"),
};

const PATH = "/api/v2/spot/market/tickers";
const SINGLES_AT_MOST = 10;

const LISTING: Listing = {
  key: "symbol",
  symbolOf: joinedSymbol,
  fieldsOf: (record) => ({
    bid: at(record, "bidPr"),
    ask: at(record, "askPr"),
    last: at(record, "lastPr"),
    volume: at(record, "baseVolume"),
    bookAt: { field: at(record, "ts"), unit: "ms" },
  }),
};

/** Documented error codes: https://www.bitget.com/api-doc/spot/error-code/restapi */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["25100", "unknown-market"],
  ["40034", "unknown-market"],
  ["40309", "unknown-market"],
  ["42016", "unknown-market"],
  ["429", "rate-limited"],
  ["41114", "maintenance"],
]);

const SUCCESS = "00000";

const RULES: VenueRules = {
  bodyFault: faultByCode(CODES, { field: "code", success: SUCCESS }),
};
