import { at, batchesOf, joinedSymbol, textOf } from "../fields.ts";
import type { Json } from "../json.ts";
import {
  ACKNOWLEDGED,
  IGNORED,
  quoteMessage,
  readJsonFrame,
  refusedMessage,
  type StreamAdapter,
  type StreamMessage,
  type Symbols,
} from "../stream.ts";

/**
 * Binance spot, `<symbol>@ticker`: the whole 24 h ticker, once a second.
 *
 * Why this channel: `@bookTicker` is quicker (every change of the book) and numbered by `u`, but it has no time at all, and a quote
 * that sat in a queue for a minute would look like one of now. The ticker has book, last, volume and `E`, the event's time, which
 * must not step back. A round is a second long; what `@bookTicker` gains within it is not worth an undated price.
 *
 * An unknown symbol is acknowledged like any other and never heard of again: it stays with REST.
 * The server pings every 20 s and wants a pong within a minute; a connection lives for 24 h; five frames a second are taken from a
 * client, its pongs among them, and 1024 streams a connection.
 */
export const binance: StreamAdapter = {
  venue: "binance",
  url: "wss://stream.binance.com/ws",
  docs: "https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#individual-symbol-ticker-streams",
  symbolOf: joinedSymbol,
  subscribe: (markets) => framesOf("SUBSCRIBE", markets),
  unsubscribe: (markets) => framesOf("UNSUBSCRIBE", markets),
  read: (frame, symbols) => readJsonFrame(frame, (body) => messagesOf(body, symbols)),
  heartbeat: { silenceMs: 45_000 },
  sendEveryMs: 300,
  maxConnectionMs: 24 * 3_600_000,
};

const STREAMS_PER_FRAME = 100;

function framesOf(method: string, markets: readonly string[]): readonly string[] {
  return batchesOf(markets, STREAMS_PER_FRAME).map((batch, index) =>
    JSON.stringify({ method, params: batch.map((market) => `${joinedSymbol(market).toLowerCase()}@ticker`), id: index + 1 }),
  );
}

/** A raw event, a combined stream's `{stream, data}`, the answer `{result, id}` to a request, or `{code, msg}`. */
function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const event = at(body, "data").value ?? body;
  const name = textOf(at(event, "e"));
  if (name === "24hrTicker") return tickerOf(event, symbols);
  if (name === "serverShutdown") return [{ kind: "reconnect", detail: "serverShutdown" }];
  if (name !== undefined) return IGNORED;
  const error = at(body, "error").value ?? body;
  const code = textOf(at(error, "code"));
  if (code !== undefined) {
    return refusedMessage(undefined, { code: "http-status", detail: `code ${code}: ${textOf(at(error, "msg")) ?? ""}` });
  }
  return at(body, "id").value !== undefined && at(body, "result").value === null ? ACKNOWLEDGED : IGNORED;
}

function tickerOf(event: Json, symbols: Symbols): readonly StreamMessage[] {
  const market = symbols.get(textOf(at(event, "s")) ?? "");
  if (market === undefined) return IGNORED;
  const fields = {
    bid: at(event, "b"),
    ask: at(event, "a"),
    last: at(event, "c"),
    volume: at(event, "v"),
    bookAt: { field: at(event, "E"), unit: "ms" as const },
  };
  return [quoteMessage(market, fields, { sequence: at(event, "E") })];
}
