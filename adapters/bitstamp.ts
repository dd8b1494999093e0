import type { Adapter } from "./adapter.ts";
import { answerListing, eachOrAll } from "./batch.ts";
import { answerEach, at, type QuoteFields, readQuote, textOf } from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Bitstamp spot, `GET /api/v2/ticker/btcusd/`, beyond three markets `GET /api/v2/ticker/`: all pairs, told apart by `pair`.
 *
 * Why three: the limit of 10 000 requests in ten minutes is sixteen a second for everything, and the list of some 250 pairs
 * is only about 60 kB.
 *
 * `timestamp` is the ticker's only time, in whole seconds, and runs with the book: a recorded ticker shows a last price well
 * outside its book and a `timestamp` of the very second of the request. Hence `bookAt`, and no `lastAt`.
 */
export const bitstamp: Adapter = {
  venue: "bitstamp",
  baseUrl: "https://www.bitstamp.net",
  docs: "https://www.bitstamp.net/api/#tag/Tickers",
  requestsPerSecond: 12,
  request: (markets) => eachOrAll(markets, { atMost: 3, each: pathOf, all: LIST_PATH }),
  parse: (request, response) => {
    if (request.path === LIST_PATH) {
      const listing = { key: "pair", symbolOf: (market: string) => market, fieldsOf };
      return answerListing(request, readBody(response, RULES), listing);
    }
    const ticker = readBody(response, { ...RULES, statusFaults: { 404: "unknown-market" } });
    return answerEach(request, ticker, (market, record) => readQuote(market, fieldsOf(record)));
  },
};

const LIST_PATH = "/api/v2/ticker/";

/** @example pathOf("BTC/USD"); // "/api/v2/ticker/btcusd/" */
function pathOf(market: string): string {
  return `${LIST_PATH}${encodeURIComponent(market.replace("/", "").toLowerCase())}/`;
}

function fieldsOf(record: Json): QuoteFields {
  return {
    bid: at(record, "bid"),
    ask: at(record, "ask"),
    last: at(record, "last"),
    volume: at(record, "volume"),
    bookAt: { field: at(record, "timestamp"), unit: "s" },
  };
}

/** Errors are `{"status":"error","reason","response_code"}` or the older `{"error"}`; 400.002 is the rate limit under a plain 400. */
const RULES: VenueRules = {
  bodyFault: (body) => {
    const code = textOf(at(body, "response_code")) ?? textOf(at(body, "code"));
    if (code === "400.002") return { code: "rate-limited", detail: `response_code ${code}` };
    if (code?.startsWith("503")) return { code: "maintenance", detail: `response_code ${code}` };
    if (textOf(at(body, "status")) === "error") return { code: "http-status", detail: `error ${code ?? "without a code"}` };
    return (at(body, "error").value ?? null) === null ? undefined : { code: "http-status", detail: "error without a code" };
  },
};
