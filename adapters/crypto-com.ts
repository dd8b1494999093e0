import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { at, splitMarket, textOf } from "./fields.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Crypto.com Exchange, `GET /exchange/v1/public/get-tickers[?instrument_name=…]`.
 *
 * One instrument or the whole list, derivatives included (some 1 000 instruments, 0.26 MB); there is nothing between. Up to
 * twenty markets go one by one, a fifth of the documented 100 requests a second, method and address; more take the list.
 *
 * An unknown instrument is refused alone with 40004 `Invalid instrument_name`, or missing from the list.
 *
 * `t` is documented as the "timestamp of the data" (the socket's twin of this record calls it "update time"), so it dates bid
 * and ask; the last trade has no time. A frozen ticker ages by it. Should a quiet market age by it too, it drops out: the error
 * on the safe side.
 */
export const cryptoCom: Adapter = {
  venue: "crypto.com",
  baseUrl: "https://api.crypto.com",
  docs: "https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html#public-get-tickers",
  requestsPerSecond: 40,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `${PATH}?instrument_name=${encodeURIComponent(symbolOf(market))}`,
      all: PATH,
    }),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING, "result", "data"),
};

const PATH = "/exchange/v1/public/get-tickers";
const SINGLES_AT_MOST = 20;

/** @example symbolOf("BTC/USDT"); // "BTC_USDT" */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  return `${base}_${quote}`;
}

/** `b`, `k`, `a` are documented as null where there is no bid, no ask, no trade. */
const LISTING: Listing = {
  key: "i",
  symbolOf,
  fieldsOf: (record) => ({
    bid: at(record, "b"),
    ask: at(record, "k"),
    last: at(record, "a"),
    volume: at(record, "v"),
    bookAt: { field: at(record, "t"), unit: "ms" },
  }),
};

/** Documented reason codes; 40004 is any bad argument, and only its message says which. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["30003", "unknown-market"],
  ["Invalid instrument_name", "unknown-market"],
  ["10006", "rate-limited"],
  ["42901", "rate-limited"],
  ["9010001", "maintenance"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    const code = textOf(at(body, "code"));
    if (code === undefined || code === "0") return undefined;
    const message = textOf(at(body, "message")) ?? "";
    return { code: CODES.get(code) ?? CODES.get(message) ?? "http-status", detail: `code ${code}: ${message}` };
  },
};
