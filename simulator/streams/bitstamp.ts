import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf, partsOf } from "../venues/wire.ts";
import { frameOf, SILENCE, type SimulatedStream, spelled } from "./stream.ts";

const CHANNEL = "order_book_";

/** Bitstamp: whole books, times in microseconds as text, a channel a frame, a heartbeat when asked. */
export const bitstamp: SimulatedStream = {
  venue: "bitstamp",
  hear: (text, markets) => {
    const frame = frameOf(text);
    const { event, data } = frame ?? {};
    if (event === "bts:heartbeat") {
      return { replies: [JSON.stringify({ event, channel: "", data: { status: "success" } })] };
    }
    const channel = typeof data === "object" && data !== null && "channel" in data ? String(data.channel) : "";
    const market = spelled(markets, (base, quote) => `${CHANNEL}${base}${quote}`.toLowerCase()).get(channel);
    if (event === "bts:unsubscribe") {
      const replies = [JSON.stringify({ event: "bts:unsubscription_succeeded", channel, data: {} })];
      return { replies, unsubscribe: market === undefined ? [] : [market] };
    }
    if (event !== "bts:subscribe") return SILENCE;
    if (market === undefined) {
      const message = "Bad subscription string.";
      return { replies: [JSON.stringify({ event: "bts:error", channel, data: { code: null, message } })] };
    }
    return {
      replies: [JSON.stringify({ event: "bts:subscription_succeeded", channel, data: {} })],
      subscribe: [market],
    };
  },
  push: ({ market, ticker }) =>
    jsonOf({
      data: {
        timestamp: String(Math.floor(ticker.at / 1_000)),
        microtimestamp: `${ticker.at}000`,
        bids: [[formatAmount(ticker.bid), "0.75000000"]],
        asks: [[formatAmount(ticker.ask), "0.47520104"]],
      },
      channel: `${CHANNEL}${partsOf(market).join("").toLowerCase()}`,
      event: "data",
    }),
};
