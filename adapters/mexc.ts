import { ok } from "../protocol/result.ts";
import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at, joinedSymbol, textOf } from "./fields.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * MEXC spot, `GET /api/v3/ticker/24hr[?symbol=…]`.
 *
 * One symbol (an object) or the whole list of some 2 500 (1 MB); `ticker/bookTicker` is lighter but has neither last nor
 * volume. Up to twenty markets go one by one, well under the documented 500 weight per 10 s, address and endpoint; more
 * take the list, of weight 40.
 *
 * An unknown symbol is refused alone with -1121, or missing from the list.
 *
 * No times: `closeTime` is the end of the statistics window. On record it differs from `openTime` by 19 s, so it is not even that.
 */
export const mexc: Adapter = {
  venue: "mexc",
  baseUrl: "https://api.mexc.com",
  docs: "https://www.mexc.com/api-docs/spot-v3/market-data-endpoints#24hr-ticker-price-change-statistics",
  requestsPerSecond: 20,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `${PATH}?symbol=${encodeURIComponent(joinedSymbol(market))}`,
      all: PATH,
    }),
  parse: (request, response) => {
    const body = readBody(response, RULES);
    const single = body.ok && textOf(at(body.value, "symbol")) !== undefined;
    return answerListing(request, single ? ok([body.value]) : body, LISTING);
  },
};

const PATH = "/api/v3/ticker/24hr";
const SINGLES_AT_MOST = 20;

const LISTING: Listing = {
  key: "symbol",
  symbolOf: joinedSymbol,
  fieldsOf: (record) => ({
    bid: at(record, "bidPrice"),
    ask: at(record, "askPrice"),
    last: at(record, "lastPrice"),
    volume: at(record, "volume"),
  }),
};

/** Documented error codes: https://www.mexc.com/api-docs/spot-v3/general-info#error-code; 500 comes with "Under maintenance". */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["-1121", "unknown-market"],
  ["10007", "unknown-market"],
  ["429", "rate-limited"],
  ["500", "maintenance"],
  ["510", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: faultByCode(CODES, { field: "code" }),
};
