import type { Adapter, FaultCode } from "./adapter.ts";
import { answerListing, eachOrAll } from "./batch.ts";
import { answerEach, at, type Field, malformed, type QuoteFields, readQuote, textOf, unknownMarket } from "./fields.ts";
import type { Json } from "./json.ts";
import { faultByCode, readBody, type VenueRules } from "./response.ts";

/**
 * KuCoin spot, `GET /api/v1/market/stats?symbol=BTC-USDT` for one market, `GET /api/v1/market/allTickers` for more.
 *
 * Why so few: both cost weight 15 of 2 000 in 30 s per address, so four requests a second is all there is, and two markets
 * asked apart every second would already be half of it. The list of some 1 000 markets is about 400 kB and is renewed every
 * two seconds.
 *
 * `time` is the snapshot's: `allTickers` is documented as a snapshot taken every two seconds, with one `time` for all of it,
 * and `stats` stamps its one record alike. Hence `bookAt`; no trade time is given.
 *
 * `buy` is the bid and `sell` the ask, by the numbers of every record seen; older documentation labels them the other way round.
 */
export const kucoin: Adapter = {
  venue: "kucoin",
  baseUrl: "https://api.kucoin.com",
  docs: "https://www.kucoin.com/docs-new/rest/spot-trading/market-data/get-all-tickers",
  requestsPerSecond: 4,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: 1,
      each: (market) => `/api/v1/market/stats?symbol=${encodeURIComponent(symbolOf(market))}`,
      all: LIST_PATH,
    }),
  parse: (request, response) => {
    const body = readBody(response, RULES);
    if (request.path === LIST_PATH) {
      const time = at(body.ok ? body.value : null, "data", "time");
      return answerListing(
        request,
        body,
        { key: "symbol", symbolOf, fieldsOf: (record) => fieldsOf(record, time) },
        "data",
        "ticker",
      );
    }
    return answerEach(request, body, statsOf);
  },
};

const LIST_PATH = "/api/v1/market/allTickers";

/** @example symbolOf("BTC/USDT"); // "BTC-USDT" */
function symbolOf(market: string): string {
  return market.replace("/", "-");
}

/** An unknown symbol is answered with success: `data` null, or its own name over nothing but nulls. */
function statsOf(market: string, body: Json): ReturnType<typeof readQuote> {
  const symbol = symbolOf(market);
  const data = at(body, "data");
  if (data.value === null) return unknownMarket(symbol);
  if (data.value === undefined) return malformed("data: expected an object");
  if (textOf(at(data.value, "symbol")) !== symbol) return malformed(`data.symbol: expected ${symbol}`);
  const fields = fieldsOf(data.value, at(data.value, "time"));
  const empty = [fields.bid, fields.ask, fields.last].every((field) => field?.value === null);
  return empty ? unknownMarket(symbol) : readQuote(market, fields);
}

function fieldsOf(record: Json, time: Field): QuoteFields {
  return {
    bid: at(record, "buy"),
    ask: at(record, "sell"),
    last: at(record, "last"),
    volume: at(record, "vol"),
    bookAt: { field: time, unit: "ms" },
  };
}

const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["400100", "unknown-market"],
  ["400600", "unknown-market"],
  ["900001", "unknown-market"],
  ["429000", "rate-limited"],
  ["200002", "rate-limited"],
  ["1015", "rate-limited"],
]);

/** Every body has a `code`, `"200000"` for success. The gateway's header counts the ms until the window begins anew. */
const RULES: VenueRules = {
  bodyFault: faultByCode(CODES, { field: "code", success: "200000" }),
  retryAt: (response) => {
    const waitMs = /^\d{1,9}$/.exec(response.headers["gw-ratelimit-reset"] ?? "")?.[0];
    return waitMs === undefined ? undefined : response.receivedAt + Number(waitMs);
  },
};
