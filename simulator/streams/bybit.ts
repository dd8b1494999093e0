import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf, partsOf } from "../venues/wire.ts";
import { frameOf, SILENCE, type SimulatedStream, spelled, textsOf } from "./stream.ts";

const CONNECTION = "2324d924-aa4d-45b0-a858-7b8be29ab52b";
const TOPIC = "orderbook.1.";

/** Bybit v5: snapshots of level 1, repeated after three seconds; a request with an unknown topic fails whole. */
export const bybit: SimulatedStream = {
  venue: "bybit",
  repeatMs: 3_000,
  hear: (text, markets) => {
    const frame = frameOf(text);
    const { op, args, req_id = "" } = frame ?? {};
    const answer = (success: boolean, ret_msg: string) => JSON.stringify({ success, ret_msg, conn_id: CONNECTION, req_id, op });
    if (op === "ping") return { replies: [answer(true, "pong")] };
    if (op !== "subscribe" && op !== "unsubscribe") return SILENCE;
    const topics = spelled(markets, (base, quote) => `${TOPIC}${base}${quote}`);
    const named: string[] = [];
    for (const topic of textsOf(args)) {
      const market = topics.get(topic);
      if (market === undefined) return { replies: [answer(false, `error:handler not found,topic:${topic}`)] };
      named.push(market);
    }
    const replies = [answer(true, op)];
    return op === "subscribe" ? { replies, subscribe: named } : { replies, unsubscribe: named };
  },
  push: ({ market, ticker, number }) =>
    jsonOf({
      topic: `${TOPIC}${partsOf(market).join("")}`,
      ts: ticker.at,
      type: "snapshot",
      data: {
        s: partsOf(market).join(""),
        b: [[formatAmount(ticker.bid), "0.006"]],
        a: [[formatAmount(ticker.ask), "0.029"]],
        u: number,
        seq: number,
      },
      cts: ticker.at,
    }),
};
