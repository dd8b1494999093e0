import type { Adapter, FaultCode } from "./adapter.ts";
import { answerEach, at, readQuote, textOf } from "./fields.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Coinbase Exchange, `GET /products/BTC-USD/ticker`: one request a market, there is no batch with bid and ask.
 *
 * `time` is the last trade's: the endpoint is documented as "snapshot information about the last trade (tick), best bid/ask",
 * and it stands beside the trade's `trade_id` and `size`. So it is `lastAt`, and the book has no time of its own.
 */
export const coinbase: Adapter = {
  venue: "coinbase",
  baseUrl: "https://api.exchange.coinbase.com",
  docs: "https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-ticker",
  requestsPerSecond: 8,
  request: (markets) =>
    markets.map((market) => ({
      method: "GET",
      path: `/products/${encodeURIComponent(market.replace("/", "-"))}/ticker`,
      markets: [market],
    })),
  parse: (request, response) =>
    answerEach(request, readBody(response, RULES), (market, ticker) =>
      readQuote(market, {
        bid: at(ticker, "bid"),
        ask: at(ticker, "ask"),
        last: at(ticker, "price"),
        volume: at(ticker, "volume"),
        lastAt: { field: at(ticker, "time"), unit: "iso" },
      }),
    ),
};

const MESSAGES: readonly (readonly [pattern: RegExp, code: FaultCode])[] = [
  [/^not ?found$/i, "unknown-market"],
  [/delisted/i, "unknown-market"],
  [/rate limit/i, "rate-limited"],
  [/maintenance|unavailable/i, "maintenance"],
];

/** Error bodies are `{"message"}` and the status varies; a ticker has no `message`. */
const RULES: VenueRules = {
  bodyFault: (body) => {
    const message = textOf(at(body, "message"));
    if (message === undefined) return undefined;
    const [, code = "http-status"] = MESSAGES.find(([pattern]) => pattern.test(message)) ?? [];
    return { code, detail: message.slice(0, 80) };
  },
};
