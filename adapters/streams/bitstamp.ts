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
 * Bitstamp, `order_book_btcusd`: the best hundred levels of both sides, whole, whenever one changes.
 *
 * Why this channel: there is none for the ticker or for the best bid and ask alone, and `diff_order_book` is differences that need a
 * book to be kept. `microtimestamp` dates the book and must not step back. Last and volume come with REST.
 *
 * One frame a channel is all that the protocol knows, so a refusal is one market's. `bts:request_reconnect` is sent before a server
 * goes away and wants another connection at once; a connection lives for 90 days. The server is asked for its heartbeat.
 */
export const bitstamp: StreamAdapter = {
  venue: "bitstamp",
  url: "wss://ws.bitstamp.net",
  docs: "https://www.bitstamp.net/websocket/v2/",
  symbolOf: (market) => joinedSymbol(market).toLowerCase(),
  subscribe: (markets) => markets.map((market) => frameOf("bts:subscribe", market)),
  unsubscribe: (markets) => markets.map((market) => frameOf("bts:unsubscribe", market)),
  read: (frame, symbols) => readJsonFrame(frame, (body) => messagesOf(body, symbols)),
  heartbeat: { ping: { frame: '{"event":"bts:heartbeat"}', everyMs: 10_000 }, silenceMs: 25_000 },
  sendEveryMs: 50,
  maxConnectionMs: 90 * 24 * 3_600_000,
};

const CHANNEL = "order_book_";

function frameOf(event: string, market: string): string {
  return JSON.stringify({ event, data: { channel: `${CHANNEL}${joinedSymbol(market).toLowerCase()}` } });
}

function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const channel = textOf(at(body, "channel")) ?? "";
  const market = channel.startsWith(CHANNEL) ? symbols.get(channel.slice(CHANNEL.length)) : undefined;
  switch (textOf(at(body, "event"))) {
    case "data":
      return market === undefined ? IGNORED : [bookOf(body, market)];
    case "bts:subscription_succeeded":
      return ACKNOWLEDGED;
    case "bts:heartbeat":
      return HEARTBEAT;
    case "bts:request_reconnect":
      return [{ kind: "reconnect", detail: "bts:request_reconnect" }];
    case "bts:error":
      return refusalOf(body, market);
    default:
      return IGNORED;
  }
}

function bookOf(body: Json, market: string): StreamMessage {
  const stamp = at(body, "data", "microtimestamp");
  const fields = {
    bid: at(body, "data", "bids", 0, 0),
    ask: at(body, "data", "asks", 0, 0),
    bookAt: { field: stamp, unit: "us" as const },
  };
  return quoteMessage(market, fields, { sequence: stamp });
}

function refusalOf(body: Json, market: string | undefined): readonly StreamMessage[] {
  const text = textOf(at(body, "data", "message")) ?? "";
  return refusedMessage(market, { code: /subscription string/i.test(text) ? "unknown-market" : "http-status", detail: text });
}
