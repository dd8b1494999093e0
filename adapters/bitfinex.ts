import { ok, type Result } from "../protocol/result.ts";
import type { Adapter, Fault, FaultCode, VenueRequest } from "./adapter.ts";
import {
  answerEach,
  at,
  batchesOf,
  listOf,
  malformed,
  type QuoteFields,
  readQuote,
  recordOf,
  splitMarket,
  textOf,
} from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Bitfinex, `GET /v2/tickers?symbols=…,…`, and `GET /v2/ticker/…` for a single market: bare arrays of numbers.
 *
 * A batch is any number of symbols and costs one of thirty requests a minute, so a batch it is, every two and a half seconds.
 *
 * The batch leaves unknown symbols out; the single one is refused with `["error",10020,"symbol: invalid"]` and status 500.
 *
 * No times: the arrays have none. The venue's front cache may hold an answer for about five seconds, which shows nowhere.
 */
export const bitfinex: Adapter = {
  venue: "bitfinex",
  baseUrl: "https://api-pub.bitfinex.com",
  docs: "https://docs.bitfinex.com/reference/rest-public-tickers",
  requestsPerSecond: 0.4,
  request: (markets) => batchesOf(markets, SYMBOLS_A_REQUEST).map(requestOf),
  parse: (request, response) => {
    const rows = rowsOf(request, readBody(response, RULES));
    const index = Map.groupBy(rows.ok ? rows.value : [], (row) => textOf(at(row, SYMBOL)));
    return answerEach(request, rows, (market) => {
      const row = recordOf(index, symbolOf(market));
      return row.ok ? readQuote(market, fieldsOf(row.value)) : row;
    });
  },
};

/** Keeps the URL under two kilobytes, which every proxy passes. */
const SYMBOLS_A_REQUEST = 100;

function requestOf(markets: readonly string[]): VenueRequest {
  const [first, second] = markets.map(symbolOf);
  if (first !== undefined && second === undefined)
    return { method: "GET", path: `/v2/ticker/${encodeURIComponent(first)}`, markets };
  return { method: "GET", path: `/v2/tickers?symbols=${encodeURIComponent(markets.map(symbolOf).join(","))}`, markets };
}

/** The venue's own three letters where they are not the usual name. */
const CODES_OF: ReadonlyMap<string, string> = new Map([
  ["ALGO", "ALG"],
  ["ATOM", "ATO"],
  ["DASH", "DSH"],
  ["IOTA", "IOT"],
  ["TUSD", "TSD"],
  ["USDC", "UDC"],
  ["USDT", "UST"],
  ["WBTC", "WBT"],
]);

/**
 * `t`, then base and quote: together when each has three letters, else with a colon between.
 *
 * @example
 * symbolOf("BTC/USDT"); // "tBTCUST"
 * symbolOf("LINK/USD"); // "tLINK:USD"
 */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  const [b, q] = [CODES_OF.get(base) ?? base, CODES_OF.get(quote) ?? quote];
  return b.length === 3 && q.length === 3 ? `t${b}${q}` : `t${b}:${q}`;
}

/** Positions of a trading row. A funding row (`f…`) has others, but no market's symbol leads to one. */
const SYMBOL = 0;
const BID = 1;
const ASK = 3;
const LAST_PRICE = 7;
const VOLUME = 8;

/** High and low follow; the single ticker lacks the symbol in front. */
const SINGLE_LENGTH = 10;

function fieldsOf(row: Json): QuoteFields {
  return { bid: at(row, BID), ask: at(row, ASK), last: at(row, LAST_PRICE), volume: at(row, VOLUME) };
}

/** The single ticker is the row without its symbol, so it is given the one that was asked for. */
function rowsOf(request: VenueRequest, body: Result<Json, Fault>): Result<readonly Json[], Fault> {
  if (!body.ok) return body;
  const list = listOf(at(body.value));
  if (list === undefined) return malformed("body: expected a list");
  if (list.every(Array.isArray)) return ok(list);
  const [market, second] = request.markets;
  if (market === undefined || second !== undefined) return malformed("body: expected a list of lists");
  return list.length < SINGLE_LENGTH ? malformed(`body: expected ${SINGLE_LENGTH} numbers`) : ok([[symbolOf(market), ...list]]);
}

/** `["error", code, message]`; 10020 is any bad parameter, and only its message says which. */
const ERROR_CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["symbol: invalid", "unknown-market"],
  ["11010", "rate-limited"],
  ["ERR_RATE_LIMIT", "rate-limited"],
  ["20060", "maintenance"],
]);

/** Documented: on a breach "the IP is blocked for 60 seconds". */
const BLOCK_MS = 60_000;

const RULES: VenueRules = {
  bodyFault: (body) => {
    const word = textOf(at(body, "error"));
    if (word !== undefined) return { code: ERROR_CODES.get(word) ?? "http-status", detail: `error ${word}` };
    if (textOf(at(body, 0)) !== "error") return undefined;
    const code = textOf(at(body, 1)) ?? "";
    const message = textOf(at(body, 2)) ?? "";
    return { code: ERROR_CODES.get(code) ?? ERROR_CODES.get(message) ?? "http-status", detail: `error ${code}: ${message}` };
  },
  retryAt: (response, body) => (isBlock(response.status, body) ? response.receivedAt + BLOCK_MS : undefined),
};

function isBlock(status: number, body: Json | undefined): boolean {
  return status === 429 || textOf(at(body ?? null, "error")) === "ERR_RATE_LIMIT" || textOf(at(body ?? null, 1)) === "11010";
}
