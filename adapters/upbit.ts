import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, type Listing } from "./batch.ts";
import { at, batchesOf, splitMarket, textOf } from "./fields.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Upbit, `GET /v1/ticker?markets=…,…`: a last trade with its own time, and no book.
 *
 * Why not `/v1/orderbook`: its `timestamp` is documented as the time of the request, which would make any book look fresh,
 * and Upbit's dollar books (USDT-…, a few BTC a day) are quotes of a handful of makers far from where Upbit trades, against
 * the won. A trade that happened, aged by its own time, is what this venue can testify to; when it is old it drops out by itself.
 *
 * One unknown market fails the whole request with 404 `Code not found` and is not named: every market of that request
 * answers `unknown-market`, and asking each alone finds the bad one (P8). Some versions leave it out of the list instead.
 *
 * `trade_timestamp` is the last trade's time; `timestamp`, when the ticker last changed, dates nothing that is read here.
 */
export const upbit: Adapter = {
  venue: "upbit",
  baseUrl: "https://api.upbit.com",
  docs: "https://global-docs.upbit.com/reference/list-tickers",
  requestsPerSecond: 8,
  request: (markets) =>
    batchesOf(markets, MARKETS_A_REQUEST).map((batch) => ({
      method: "GET",
      path: `/v1/ticker?markets=${encodeURIComponent(batch.map(symbolOf).join(","))}`,
      markets: batch,
    })),
  parse: (request, response) => answerListing(request, readBody(response, RULES), LISTING),
};

/** Keeps the URL under two kilobytes, which every proxy passes. */
const MARKETS_A_REQUEST = 100;

/** Upbit names the quote first. @example symbolOf("BTC/USDT"); // "USDT-BTC" */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  return `${quote}-${base}`;
}

const LISTING: Listing = {
  key: "market",
  symbolOf,
  fieldsOf: (record) => ({
    last: at(record, "trade_price"),
    volume: at(record, "acc_trade_volume_24h"),
    lastAt: { field: at(record, "trade_timestamp"), unit: "ms" },
  }),
};

/** Quotation errors carry a number as their name, the others a word. */
const NAMES: ReadonlyMap<string, FaultCode> = new Map([
  ["404", "unknown-market"],
  ["429", "rate-limited"],
  ["too_many_requests", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    const name = textOf(at(body, "error", "name"));
    return name === undefined ? undefined : { code: NAMES.get(name) ?? "http-status", detail: `error ${name}` };
  },
};
