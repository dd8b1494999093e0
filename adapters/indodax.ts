import type { Result } from "../protocol/result.ts";
import type { Adapter, Fault, FaultCode, Quote } from "./adapter.ts";
import { eachOrAll } from "./batch.ts";
import { answerEach, at, malformed, readQuote, splitMarket, textOf, unknownMarket } from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Indodax, `GET /api/ticker/btcusdt` for up to two markets, `GET /api/ticker_all` for more.
 *
 * The list holds some 480 pairs (76 kB, and a second to make); 180 requests a minute leave no room for three single requests
 * at a poll a second.
 *
 * An unknown pair is `{"error":"invalid_pair"}` with status 200, or missing from the list.
 *
 * No times: `server_time` is the server's clock at the response, in whole seconds. A thin venue, wide on most days: it is here
 * so that what a node does with one is seen.
 */
export const indodax: Adapter = {
  venue: "indodax",
  baseUrl: "https://indodax.com",
  docs: "https://github.com/btcid/indodax-official-api-docs/blob/master/Public-RestAPI.md#ticker",
  requestsPerSecond: 2,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `/api/ticker/${encodeURIComponent(symbolOf(market, ""))}`,
      all: LIST_PATH,
    }),
  parse: (request, response) =>
    answerEach(request, readBody(response, RULES), request.path === LIST_PATH ? quoteInList : quoteOfSingle),
};

const LIST_PATH = "/api/ticker_all";
const SINGLES_AT_MOST = 2;

/** @example symbolOf("BTC/USDT", "_"); // "btc_usdt" */
function symbolOf(market: string, between: "" | "_"): string {
  const { base, quote } = splitMarket(market);
  return `${base}${between}${quote}`.toLowerCase();
}

/** The single ticker does not say whose it is; the request is all that does. */
function quoteOfSingle(market: string, body: Json): Result<Quote, Fault> {
  const ticker = at(body, "ticker").value;
  return ticker instanceof Map ? quoteOfTicker(market, ticker) : malformed("ticker: expected an object");
}

function quoteInList(market: string, body: Json): Result<Quote, Fault> {
  if (!(at(body, "tickers").value instanceof Map)) return malformed("tickers: expected an object");
  const symbol = symbolOf(market, "_");
  const ticker = at(body, "tickers", symbol).value;
  if (ticker === undefined) return unknownMarket(symbol);
  return ticker instanceof Map ? quoteOfTicker(market, ticker) : malformed(`tickers.${symbol}: expected an object`);
}

/** `buy` and `sell` are the best bid and ask; the volume's key ends in the base's name. */
function quoteOfTicker(market: string, ticker: Json): Result<Quote, Fault> {
  return readQuote(market, {
    bid: at(ticker, "buy"),
    ask: at(ticker, "sell"),
    last: at(ticker, "last"),
    volume: at(ticker, `vol_${splitMarket(market).base.toLowerCase()}`),
  });
}

const ERRORS: ReadonlyMap<string, FaultCode> = new Map([
  ["invalid_pair", "unknown-market"],
  ["too_many_requests", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    const error = textOf(at(body, "error"));
    return error === undefined ? undefined : { code: ERRORS.get(error) ?? "http-status", detail: `error ${error}` };
  },
};
