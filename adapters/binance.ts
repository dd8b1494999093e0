import type { Adapter, FaultCode, VenueRequest } from "./adapter.ts";
import { answerListing, type Listing } from "./batch.ts";
import { at, batchesOf, joinedSymbol, textOf } from "./fields.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * Binance spot, `GET /api/v3/ticker/24hr?symbols=[…]`.
 *
 * Why this endpoint: `ticker/bookTicker` is lighter but has neither last nor volume. Up to twenty symbols cost weight 2
 * (21–100 cost 40), so a batch is twenty; the limit is 6 000 weight a minute, fifty such requests a second.
 *
 * One unknown symbol fails the whole batch with `{"code":-1121,"msg":"Invalid symbol."}` and is not named: every market of
 * that request answers `unknown-market`, and asking each alone finds the bad one (P8).
 *
 * No times: `closeTime` is the end of the 24 h statistics window (`openTime` + 24 h), documented neither as the book's time
 * nor as the trade's.
 */
export const binance: Adapter = {
  venue: "binance",
  baseUrl: "https://api.binance.com",
  docs: "https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints#24hr-ticker-price-change-statistics",
  requestsPerSecond: 25,
  request: (markets) => batchesOf(markets, SYMBOLS_PER_REQUEST).map(requestOf),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING),
};

const SYMBOLS_PER_REQUEST = 20;

function requestOf(markets: readonly string[]): VenueRequest {
  const symbols = JSON.stringify(markets.map(joinedSymbol));
  return { method: "GET", path: `/api/v3/ticker/24hr?symbols=${encodeURIComponent(symbols)}`, markets };
}

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

/** Illegal characters (-1100) is what a symbol with a strange letter gets before -1121 is considered. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["-1121", "unknown-market"],
  ["-1100", "unknown-market"],
  ["-1003", "rate-limited"],
  ["-1034", "rate-limited"],
  ["-1001", "maintenance"],
  ["-1008", "maintenance"],
  ["-1016", "maintenance"],
  ["1", "maintenance"],
]);

/** Error bodies are `{"code", "msg"}`; a ban names its end in the text: `IP banned until 1659761931230`. */
const RULES: VenueRules = {
  bodyFault: faultByCode(CODES, { field: "code" }),
  retryAt: (_response, body) => {
    const until = /banned until (\d{13})\b/.exec(textOf(at(body ?? null, "msg")) ?? "")?.[1];
    return until === undefined ? undefined : Number(until);
  },
};
