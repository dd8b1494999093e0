import { formatAmount } from "../../protocol/amount.ts";
import { jsonOf } from "../venues/wire.ts";
import { frameOf, type SimulatedStream, spelled } from "./stream.ts";

const CONNECTION = "a4d3ae55";

/** OKX v5: everything a string, each argument answered by itself, `ping` and `pong` bare texts. */
export const okx: SimulatedStream = {
  venue: "okx",
  hear: (text, markets) => {
    if (text === "ping") return { replies: ["pong"] };
    const frame = frameOf(text);
    const { op, args } = frame ?? {};
    if (op !== "subscribe" && op !== "unsubscribe") {
      const msg = `Invalid request: ${text.slice(0, 80)}`;
      return { replies: [JSON.stringify({ event: "error", code: "60012", msg, connId: CONNECTION })] };
    }
    const instruments = spelled(markets, (base, quote) => `${base}-${quote}`);
    const replies: string[] = [];
    const named: string[] = [];
    for (const arg of Array.isArray(args) ? args : []) {
      const { channel, instId } = { ...arg };
      const market = channel === "tickers" ? instruments.get(String(instId)) : undefined;
      replies.push(JSON.stringify(market === undefined ? refusal(channel, instId) : { event: op, arg, connId: CONNECTION }));
      if (market !== undefined) named.push(market);
    }
    return op === "subscribe" ? { replies, subscribe: named } : { replies, unsubscribe: named };
  },
  push: ({ market, ticker }) => {
    const instId = market.replace("/", "-");
    return jsonOf({
      arg: { channel: "tickers", instId },
      data: [
        {
          instType: "SPOT",
          instId,
          last: formatAmount(ticker.last),
          lastSz: "0.1",
          askPx: formatAmount(ticker.ask),
          askSz: "11",
          bidPx: formatAmount(ticker.bid),
          bidSz: "5",
          vol24h: formatAmount(ticker.volume),
          ts: String(ticker.at),
        },
      ],
    });
  },
};

function refusal(channel: unknown, instId: unknown): object {
  const rest = "doesn't exist. Please use the correct URL, channel and parameters referring to API document.";
  return { event: "error", code: "60018", msg: `Wrong URL or channel:${channel},instId:${instId} ${rest}`, connId: CONNECTION };
}
