import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf } from "../venues/wire.ts";
import { frameOf, SILENCE, type SimulatedStream, textsOf } from "./stream.ts";

/** Kraken v2: prices as JSON numbers, each symbol answered by itself, a heartbeat a second. */
export const kraken: SimulatedStream = {
  venue: "kraken",
  hello: [
    JSON.stringify({
      channel: "status",
      type: "update",
      data: [{ version: "2.0.0", system: "online", api_version: "v2", connection_id: 1_239_390_610_489 }],
    }),
  ],
  hear: (text, markets) => {
    const frame = frameOf(text);
    const { method, params } = frame ?? {};
    if (method === "ping") return { replies: [JSON.stringify({ method: "pong" })] };
    if (method !== "subscribe" && method !== "unsubscribe") return SILENCE;
    const asked = typeof params === "object" && params !== null && "symbol" in params ? textsOf(params.symbol) : [];
    const replies = asked.map((symbol) =>
      markets.includes(symbol)
        ? JSON.stringify({ method, result: { channel: "ticker", symbol, event_trigger: "bbo" }, success: true })
        : JSON.stringify({ error: `Currency pair not supported ${symbol}`, method, success: false, symbol }),
    );
    const named = asked.filter((symbol) => markets.includes(symbol));
    return method === "subscribe" ? { replies, subscribe: named } : { replies, unsubscribe: named };
  },
  push: ({ market, ticker }) =>
    jsonOf({
      channel: "ticker",
      type: "update",
      data: [
        {
          symbol: market,
          bid: { raw: formatAmount(ticker.bid) },
          bid_qty: 2.5,
          ask: { raw: formatAmount(ticker.ask) },
          ask_qty: 3.2,
          last: { raw: formatAmount(ticker.last) },
          volume: { raw: formatAmount(ticker.volume) },
          vwap: { raw: formatAmount(ticker.last) },
          low: { raw: formatAmount(ticker.last) },
          high: { raw: formatAmount(ticker.last) },
          change: 250,
          change_pct: 0.24,
          timestamp: new Date(ticker.at).toISOString().replace("Z", "456Z"),
        },
      ],
    }),
  heartbeat: () => [JSON.stringify({ channel: "heartbeat" })],
};
