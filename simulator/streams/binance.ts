import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf, partsOf } from "../venues/wire.ts";
import { frameOf, type SimulatedStream, spelled, textsOf } from "./stream.ts";

const DAY_MS = 86_400_000;

/** Binance: a ticker a second, unknown symbols acknowledged and never heard of, pings of the protocol. */
export const binance: SimulatedStream = {
  venue: "binance",
  repeatMs: 1_000,
  pingMs: 20_000,
  hear: (text, markets) => {
    const frame = frameOf(text);
    const { method, params, id = null } = frame ?? {};
    if (method !== "SUBSCRIBE" && method !== "UNSUBSCRIBE") {
      return { replies: [JSON.stringify({ code: 2, msg: "Invalid request: unknown variant, expected one of `SUBSCRIBE`" })] };
    }
    const symbols = spelled(markets, (base, quote) => `${base}${quote}`.toLowerCase());
    const named = textsOf(params).flatMap((stream) => {
      const market = stream.endsWith("@ticker") ? symbols.get(stream.slice(0, -"@ticker".length)) : undefined;
      return market === undefined ? [] : [market];
    });
    const replies = [JSON.stringify({ result: null, id })];
    return method === "SUBSCRIBE" ? { replies, subscribe: named } : { replies, unsubscribe: named };
  },
  push: ({ market, ticker }) => {
    const last = formatAmount(ticker.last);
    return jsonOf({
      e: "24hrTicker",
      E: ticker.at,
      s: partsOf(market).join(""),
      p: "0.0015",
      P: "250.00",
      w: last,
      x: last,
      c: last,
      Q: "10",
      b: formatAmount(ticker.bid),
      B: "10",
      a: formatAmount(ticker.ask),
      A: "100",
      o: last,
      h: last,
      l: last,
      v: formatAmount(ticker.volume),
      q: "18",
      O: ticker.at - DAY_MS,
      C: ticker.at,
      F: 0,
      L: 18_150,
      n: 18_151,
    });
  },
};
