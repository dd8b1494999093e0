import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf } from "../venues/wire.ts";
import { frameOf, SILENCE, type SimulatedStream, spelled, textsOf } from "./stream.ts";

/** Coinbase Exchange: a ticker a match, heartbeats that name the last match, one bad product fails its request. */
export const coinbase: SimulatedStream = {
  venue: "coinbase",
  hear: (text, markets) => {
    const frame = frameOf(text);
    const { type, product_ids: asked, channels } = frame ?? {};
    if (type !== "subscribe" && type !== "unsubscribe") return SILENCE;
    const products = spelled(markets, (base, quote) => `${base}-${quote}`);
    const named: string[] = [];
    for (const product of textsOf(asked)) {
      const market = products.get(product);
      if (market === undefined) {
        const reason = `${product} is not a valid product`;
        return { replies: [JSON.stringify({ type: "error", message: "Failed to subscribe", reason })] };
      }
      named.push(market);
    }
    const list = textsOf(channels).map((name) => ({ name, product_ids: type === "subscribe" ? asked : [] }));
    const replies = [JSON.stringify({ type: "subscriptions", channels: list })];
    return type === "subscribe" ? { replies, subscribe: named } : { replies, unsubscribe: named };
  },
  push: ({ market, ticker, number }) =>
    jsonOf({
      type: "ticker",
      sequence: number,
      product_id: market.replace("/", "-"),
      price: formatAmount(ticker.last),
      open_24h: formatAmount(ticker.last),
      volume_24h: formatAmount(ticker.volume),
      low_24h: formatAmount(ticker.last),
      high_24h: formatAmount(ticker.last),
      volume_30d: formatAmount(ticker.volume),
      best_bid: formatAmount(ticker.bid),
      best_bid_size: "0.46688654",
      best_ask: formatAmount(ticker.ask),
      best_ask_size: "1.56637040",
      side: "buy",
      time: new Date(ticker.at).toISOString().replace("Z", "061Z"),
      trade_id: number,
      last_size: "0.00730812",
    }),
  heartbeat: (subscribed) =>
    subscribed.map(({ market, ticker, number }) =>
      JSON.stringify({
        type: "heartbeat",
        sequence: number,
        last_trade_id: number,
        product_id: market.replace("/", "-"),
        time: new Date(ticker.at).toISOString(),
      }),
    ),
};
