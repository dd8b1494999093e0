import { fail, type Result } from "../protocol/result.ts";
import type { Adapter, Fault, FaultCode, Quote, VenueRequest } from "./adapter.ts";
import { answerEach, at, batchesOf, type Field, indexRecords, readQuote, recordOf, splitMarket, textOf } from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Luno, `GET /api/1/tickers?pair=…&pair=…`, and `GET /api/1/ticker?pair=…` for a single market.
 *
 * 300 requests a minute and address; the batch answers just the pairs asked for.
 *
 * The batch leaves unknown pairs out; the single one is refused with 400 `ErrMarketUnavailable`.
 *
 * `timestamp` is documented as the time of the tick: on the wire it is when the book last changed, at any depth. So it dates
 * bid and ask, and a book that nobody has touched for longer than a quote may be old drops out, as a thin venue's should.
 */
export const luno: Adapter = {
  venue: "luno",
  baseUrl: "https://api.luno.com",
  docs: "https://www.luno.com/en/developers/api#tag/Market/operation/GetTickers",
  requestsPerSecond: 4,
  request: (markets) => batchesOf(markets, PAIRS_A_REQUEST).map(requestOf),
  parse: (request, response) => {
    const body = readBody(response, RULES);
    const tickers = body.ok ? indexRecords(tickersIn(body.value), "pair") : body;
    return answerEach(request, tickers, (market, index) => {
      const ticker = recordOf(index, symbolOf(market));
      return ticker.ok ? quoteOf(market, ticker.value) : ticker;
    });
  },
};

/** Keeps the URL under two kilobytes, which every proxy passes. */
const PAIRS_A_REQUEST = 100;

function requestOf(markets: readonly string[]): VenueRequest {
  const query = markets.map((market) => `pair=${encodeURIComponent(symbolOf(market))}`).join("&");
  return { method: "GET", path: `/api/1/${markets.length === 1 ? "ticker" : "tickers"}?${query}`, markets };
}

/** Bitcoin is XBT here. @example symbolOf("BTC/USDT"); // "XBTUSDT" */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  return [base, quote].map((asset) => (asset === "BTC" ? "XBT" : asset)).join("");
}

/** The single ticker stands bare. */
function tickersIn(body: Json): Field {
  return textOf(at(body, "pair")) === undefined ? at(body, "tickers") : at([body]);
}

/** Documented: ACTIVE, POSTONLY, DISABLED, UNKNOWN. Only an active market's book is one that anybody can trade on. */
function quoteOf(market: string, ticker: Json): Result<Quote, Fault> {
  const status = textOf(at(ticker, "status"));
  if (status !== "ACTIVE") return fail({ code: "maintenance", detail: `market status ${status?.slice(0, 40) ?? "missing"}` });
  return readQuote(market, {
    bid: side(at(ticker, "bid")),
    ask: side(at(ticker, "ask")),
    last: at(ticker, "last_trade"),
    volume: at(ticker, "rolling_24_hour_volume"),
    bookAt: { field: at(ticker, "timestamp"), unit: "ms" },
  });
}

/** An empty side is written as zero (`"0.00"`). */
function side(field: Field): Field {
  return /^0(\.0+)?$/.test(textOf(field) ?? "") ? { path: field.path, value: undefined } : field;
}

const ERROR_CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["ErrMarketUnavailable", "unknown-market"],
  ["ErrTooManyRequests", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    const code = textOf(at(body, "error_code"));
    return code === undefined ? undefined : { code: ERROR_CODES.get(code) ?? "http-status", detail: `error_code ${code}` };
  },
};
