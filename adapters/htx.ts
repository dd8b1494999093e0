import type { Adapter, FaultCode, MarketAnswer, VenueRequest } from "./adapter.ts";
import { answerListing, eachOrAll, type Listing } from "./batch.ts";
import { answerEach, at, malformed, type QuoteFields, readQuote, splitMarket, textOf } from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * HTX (Huobi) spot, `GET /market/detail/merged?symbol=…` for up to four markets, `GET /market/tickers` for more.
 *
 * The list holds every symbol (some 700, 0.13 MB). Endpoints without a key allow ten requests a second and address, so
 * asking more than four one by one would leave no margin at a poll a second.
 *
 * An unknown symbol is refused alone with `invalid-parameter` and the words `invalid symbol`, or missing from the list.
 *
 * No times: `ts` is documented as the time the response was generated. It is fresh however old the book is.
 */
export const htx: Adapter = {
  venue: "htx",
  baseUrl: "https://api.huobi.pro",
  docs: "https://www.htx.com/en-us/opend/newApiPages/?id=7ec4a4da-7773-11ed-9966-0242ac110003",
  requestsPerSecond: 8,
  request: (markets) =>
    eachOrAll(markets, {
      atMost: SINGLES_AT_MOST,
      each: (market) => `/market/detail/merged?symbol=${encodeURIComponent(symbolOf(market))}`,
      all: "/market/tickers",
    }),
  parse: (request, response) => {
    const body = readBody(response, RULES);
    return body.ok && isMerged(body.value) ? answerMerged(request, body.value) : answerListing(request, body, LISTING, "data");
  },
};

const SINGLES_AT_MOST = 4;

/** @example symbolOf("BTC/USDT"); // "btcusdt" */
function symbolOf(market: string): string {
  const { base, quote } = splitMarket(market);
  return `${base}${quote}`.toLowerCase();
}

function isMerged(body: Json): boolean {
  return at(body, "tick").value !== undefined;
}

/** `ch` names the symbol: an answer about another one is not this market's. */
function answerMerged(request: VenueRequest, body: Json): readonly MarketAnswer[] {
  return answerEach(request, { ok: true, value: body }, (market) => {
    const channel = `market.${symbolOf(market)}.detail.merged`;
    return textOf(at(body, "ch")) === channel ? readQuote(market, mergedFields(body)) : malformed(`ch: expected ${channel}`);
  });
}

/** In the merged ticker a side is `[price, size]`; `amount` is the 24 h volume in base, `vol` in quote. */
function mergedFields(body: Json): QuoteFields {
  return {
    bid: at(body, "tick", "bid", 0),
    ask: at(body, "tick", "ask", 0),
    last: at(body, "tick", "close"),
    volume: at(body, "tick", "amount"),
  };
}

const LISTING: Listing = {
  key: "symbol",
  symbolOf,
  fieldsOf: (record) => ({
    bid: at(record, "bid"),
    ask: at(record, "ask"),
    last: at(record, "close"),
    volume: at(record, "amount"),
  }),
};

/** Documented error codes, and the messages that alone tell the kinds of `invalid-parameter` apart. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["invalid symbol", "unknown-market"],
  ["base-symbol-error", "unknown-market"],
  ["base-symbol-trade-disabled", "maintenance"],
  ["symbol trade not open now", "maintenance"],
  ["system-maintenance", "maintenance"],
  ["base-request-exceed-frequency-limit", "rate-limited"],
  ["rate-too-many-requests", "rate-limited"],
  ["request limit", "rate-limited"],
]);

const RULES: VenueRules = {
  bodyFault: (body) => {
    if (textOf(at(body, "status")) !== "error") return undefined;
    const code = textOf(at(body, "err-code")) ?? "";
    const message = textOf(at(body, "err-msg")) ?? "";
    return { code: CODES.get(code) ?? CODES.get(message) ?? "http-status", detail: `err-code ${code}: ${message}` };
  },
};
