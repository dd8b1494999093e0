import type { FaultCode } from "../adapter.ts";
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
 * OKX v5, channel `tickers`: book, last and volume of an instrument whenever one of them changes, at most every 100 ms.
 *
 * Why this channel: `bbo-tbt` is every 10 ms and numbered by `seqId`, but a book alone; here `ts`, "ticker data generation time",
 * dates book and last together as it does for REST, and must not step back.
 *
 * Each argument of a subscription is answered by itself, so one unknown instrument (60018, named in the text) costs no other.
 * The server closes a connection on which it said nothing for 30 s, unless it hears `ping`, which it answers with `pong`, both bare
 * texts. 480 requests an hour; `notice` 64008 says that it closes soon, for an upgrade.
 */
export const okx: StreamAdapter = {
  venue: "okx",
  url: "wss://ws.okx.com:8443/ws/v5/public",
  docs: "https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-tickers-channel",
  symbolOf: (market) => market.replace("/", "-"),
  subscribe: (markets) => framesOf("subscribe", markets),
  unsubscribe: (markets) => framesOf("unsubscribe", markets),
  read: (frame, symbols) => (isPong(frame) ? HEARTBEAT : readJsonFrame(frame, (body) => messagesOf(body, symbols))),
  heartbeat: { ping: { frame: "ping", everyMs: 10_000 }, silenceMs: 25_000 },
  sendEveryMs: 350,
};

/** The documented bound is 64 KB of arguments; fifty are three. */
const ARGS_PER_FRAME = 50;

function framesOf(op: string, markets: readonly string[]): readonly string[] {
  return batchesOf(markets, ARGS_PER_FRAME).map((batch) =>
    JSON.stringify({ op, args: batch.map((market) => ({ channel: "tickers", instId: market.replace("/", "-") })) }),
  );
}

function isPong(frame: Uint8Array): boolean {
  return frame.length === PONG.length && PONG.every((byte, index) => frame[index] === byte);
}

const PONG: readonly number[] = [0x70, 0x6f, 0x6e, 0x67];

function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const event = textOf(at(body, "event"));
  if (event === "subscribe") return ACKNOWLEDGED;
  if (event === "error") return refusalOf(body, symbols);
  if (event === "notice") return [{ kind: "reconnect", detail: textOf(at(body, "code")) ?? "notice" }];
  if (event !== undefined || textOf(at(body, "arg", "channel")) !== "tickers") return IGNORED;
  const records = listOf(at(body, "data"));
  if (records === undefined) return faultMessage({ code: "malformed", detail: "data: expected a list" });
  return records.length === 0 ? IGNORED : records.map((record) => tickerOf(record, symbols));
}

function tickerOf(record: Json, symbols: Symbols): StreamMessage {
  const market = symbols.get(textOf(at(record, "instId")) ?? "");
  if (market === undefined) return { kind: "ignored" };
  const fields = {
    bid: at(record, "bidPx"),
    ask: at(record, "askPx"),
    last: at(record, "last"),
    volume: at(record, "vol24h"),
    bookAt: { field: at(record, "ts"), unit: "ms" as const },
  };
  return quoteMessage(market, fields, { sequence: at(record, "ts") });
}

/** https://www.okx.com/docs-v5/en/#error-code-websocket-public: 60014 is the limit of requests, 60018 the instrument. */
const CODES: ReadonlyMap<string, FaultCode> = new Map([
  ["60014", "rate-limited"],
  ["60018", "unknown-market"],
]);

function refusalOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const code = textOf(at(body, "code")) ?? "";
  const text = textOf(at(body, "msg")) ?? "";
  const named = /instId:([A-Z0-9-]{1,64})/.exec(text)?.[1] ?? "";
  return refusedMessage(symbols.get(named), { code: CODES.get(code) ?? "http-status", detail: `code ${code}: ${text}` });
}
