import { at, joinedSymbol, textOf } from "../fields.ts";
import type { Json } from "../json.ts";
import {
  ACKNOWLEDGED,
  HEARTBEAT,
  IGNORED,
  quoteMessage,
  readJsonFrame,
  refusedMessage,
  type StreamAdapter,
  type StreamMessage,
  type Symbols,
} from "../stream.ts";

/**
 * Bybit v5 spot, topic `orderbook.1.BTCUSDT`: best bid and ask, the whole of both at every change, and again after three seconds
 * without one: a market that says nothing for longer is not quiet but gone.
 *
 * Why this channel: spot `tickers` have last and volume but neither bid nor ask. `ts` is when this book was generated; `cts`, the
 * matching engine's time of its last change, would make a quiet book look old. `u` is its number, the same when it is repeated; 1 is
 * a restart of the service and begins a new numbering. Level 1 is documented to come as snapshots: a `delta` is no base for a quote.
 *
 * One frame a market, with the symbol as `req_id`: the answer names what it refuses, and a refused request costs one market alone.
 * The server wants `{"op":"ping"}` every 20 s.
 */
export const bybit: StreamAdapter = {
  venue: "bybit",
  url: "wss://stream.bybit.com/v5/public/spot",
  docs: "https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook",
  symbolOf: joinedSymbol,
  subscribe: (markets) => markets.map((market) => frameOf("subscribe", market)),
  unsubscribe: (markets) => markets.map((market) => frameOf("unsubscribe", market)),
  read: (frame, symbols) => readJsonFrame(frame, (body) => messagesOf(body, symbols)),
  heartbeat: { ping: { frame: '{"op":"ping"}', everyMs: 18_000 }, silenceMs: 30_000 },
  sendEveryMs: 50,
};

const TOPIC = "orderbook.1.";

function frameOf(op: string, market: string): string {
  const symbol = joinedSymbol(market);
  return JSON.stringify({ req_id: symbol, op, args: [`${TOPIC}${symbol}`] });
}

function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const topic = textOf(at(body, "topic"));
  if (topic === undefined) return answerOf(body, symbols);
  const market = topic.startsWith(TOPIC) ? symbols.get(topic.slice(TOPIC.length)) : undefined;
  if (market === undefined) return IGNORED;
  const type = textOf(at(body, "type"));
  if (type !== "snapshot") return [{ kind: "gap", market, detail: `a ${type ?? "frame without a type"} instead of a snapshot` }];
  const fields = {
    bid: at(body, "data", "b", 0, 0),
    ask: at(body, "data", "a", 0, 0),
    bookAt: { field: at(body, "ts"), unit: "ms" as const },
  };
  const sequence = at(body, "data", "u");
  return [quoteMessage(market, fields, textOf(sequence) === "1" ? {} : { sequence })];
}

/** `{"success", "ret_msg", "req_id", "op"}`; the answer to a ping has `ret_msg` or `op` "pong". */
function answerOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const op = textOf(at(body, "op"));
  const text = textOf(at(body, "ret_msg")) ?? "";
  if (op === "ping" || op === "pong") return HEARTBEAT;
  const { value: success } = at(body, "success");
  if (op !== "subscribe" || typeof success !== "boolean") return IGNORED;
  if (success || /already subscribed/i.test(text)) return ACKNOWLEDGED;
  const code = /handler not found|invalid symbol/i.test(text) ? "unknown-market" : "http-status";
  return refusedMessage(symbols.get(textOf(at(body, "req_id")) ?? ""), { code, detail: text });
}
