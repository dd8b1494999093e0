import { at, batchesOf, listOf, textOf } from "../fields.ts";
import type { Json } from "../json.ts";
import {
  ACKNOWLEDGED,
  faultMessage,
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
 * Kraken WebSocket v2, channel `ticker` with `event_trigger` `bbo`: book, last and volume at every change of the best bid or ask,
 * with a snapshot first. v2 calls Bitcoin BTC where REST and v1 say XBT.
 *
 * Why this channel: it is one frame with everything, and the only one that pushes without a book to keep. There is no sequence
 * number; records carry a `timestamp` (optional: it came after the channel), which dates the book and must not step back.
 *
 * Each symbol is acknowledged or refused by itself. While there is nothing to say on a subscription a `heartbeat` comes about once a
 * second; `ping` asks for a sign where there is none, and keeps a connection from being cut for this side's silence, a minute.
 */
export const kraken: StreamAdapter = {
  venue: "kraken",
  url: "wss://ws.kraken.com/v2",
  docs: "https://docs.kraken.com/api/docs/websocket-v2/ticker",
  symbolOf: (market) => market,
  subscribe: (markets) => framesOf("subscribe", markets),
  unsubscribe: (markets) => framesOf("unsubscribe", markets),
  read: (frame, symbols) => readJsonFrame(frame, (body) => messagesOf(body, symbols)),
  heartbeat: { ping: { frame: '{"method":"ping"}', everyMs: 5_000 }, silenceMs: 12_000 },
  sendEveryMs: 100,
};

const SYMBOLS_PER_FRAME = 100;

function framesOf(method: string, markets: readonly string[]): readonly string[] {
  return batchesOf(markets, SYMBOLS_PER_FRAME).map((symbol) =>
    JSON.stringify({
      method,
      params: { channel: "ticker", symbol, event_trigger: "bbo", ...(method === "subscribe" ? { snapshot: true } : {}) },
    }),
  );
}

function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const channel = textOf(at(body, "channel"));
  if (channel === "heartbeat") return HEARTBEAT;
  if (channel === undefined) return answerOf(body, symbols);
  if (channel !== "ticker") return IGNORED;
  const records = listOf(at(body, "data"));
  if (records === undefined) return faultMessage({ code: "malformed", detail: "data: expected a list" });
  return records.length === 0 ? IGNORED : records.map((record) => tickerOf(record, symbols));
}

function tickerOf(record: Json, symbols: Symbols): StreamMessage {
  const market = symbols.get(textOf(at(record, "symbol")) ?? "");
  if (market === undefined) return { kind: "ignored" };
  const message = quoteMessage(market, {
    bid: at(record, "bid"),
    ask: at(record, "ask"),
    last: at(record, "last"),
    volume: at(record, "volume"),
    bookAt: { field: at(record, "timestamp"), unit: "iso" },
  });
  const time = message.answer.ok ? message.answer.value.bookAt : undefined;
  return time === undefined ? message : { ...message, sequence: BigInt(time) };
}

/** `{"method", "success", "error"?, "symbol"?}` */
function answerOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const method = textOf(at(body, "method"));
  if (method === "pong") return HEARTBEAT;
  const { value: success } = at(body, "success");
  if (method !== "subscribe" || typeof success !== "boolean") return IGNORED;
  if (success) return ACKNOWLEDGED;
  const text = textOf(at(body, "error")) ?? "";
  if (/already subscribed/i.test(text)) return ACKNOWLEDGED;
  const code = /not supported/i.test(text) ? "unknown-market" : /rate/i.test(text) ? "rate-limited" : "http-status";
  return refusedMessage(symbols.get(textOf(at(body, "symbol")) ?? ""), { code, detail: text });
}
