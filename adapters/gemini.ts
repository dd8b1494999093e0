import type { Adapter, FaultCode } from "./adapter.ts";
import { answerEach, at, readQuote, splitMarket, textOf } from "./fields.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Gemini spot, `GET /v1/pubticker/btcusd`: one request a market. The only batch, `v1/pricefeed`, has no book, and `v2/ticker`
 * no volume. Public calls are limited to 120 a minute, so eleven markets take turns of about six seconds.
 *
 * No times: `volume.timestamp` is the end of the 24 h over which the volume was measured. A recorded ticker of a quiet market
 * carries a last price 41 minutes old under a fresh one, so as `lastAt` it would hide a freeze.
 */
export const gemini: Adapter = {
  venue: "gemini",
  baseUrl: "https://api.gemini.com",
  docs: "https://docs.gemini.com/rest/market-data#get-ticker",
  requestsPerSecond: 1.8,
  request: (markets) =>
    markets.map((market) => ({
      method: "GET",
      path: `/v1/pubticker/${encodeURIComponent(symbolOf(market))}`,
      markets: [market],
    })),
  parse: (request, response) =>
    answerEach(request, readBody(response, RULES), (market, ticker) =>
      readQuote(market, {
        bid: at(ticker, "bid"),
        ask: at(ticker, "ask"),
        last: at(ticker, "last"),
        volume: at(ticker, "volume", splitMarket(market).base),
      }),
    ),
};

/** @example symbolOf("BTC/USD"); // "btcusd" */
function symbolOf(market: string): string {
  return market.replace("/", "").toLowerCase();
}

/** https://docs.gemini.com/error-codes */
const REASONS: ReadonlyMap<string, FaultCode> = new Map([
  ["InvalidSymbol", "unknown-market"],
  ["RateLimit", "rate-limited"],
  ["RateLimited", "rate-limited"],
  ["Maintenance", "maintenance"],
  ["MarketNotOpen", "maintenance"],
]);

/** Error bodies are `{"result":"error","reason","message"}`. */
const RULES: VenueRules = {
  bodyFault: (body) => {
    if (textOf(at(body, "result")) !== "error") return undefined;
    const reason = textOf(at(body, "reason")) ?? "";
    return { code: REASONS.get(reason) ?? "http-status", detail: `reason ${reason.slice(0, 40)}` };
  },
};
