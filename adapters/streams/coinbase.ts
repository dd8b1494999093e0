import type { FaultCode } from "../adapter.ts";
import { at, textOf } from "../fields.ts";
import type { Json } from "../json.ts";
import {
  ACKNOWLEDGED,
  countOf,
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
 * Coinbase Exchange, channels `ticker` and `heartbeat`: last, best bid and ask at every match, and once a second a sign of life.
 *
 * Why this channel: `level2` is the whole book and its differences for one price. `time` is the match's, and the book beside it is
 * that of the same moment, so it dates both; in a market without matches the quote grows old and REST takes over.
 *
 * `sequence` counts a product's messages over all channels, so that the ticker's skips and must not step back. What a loss shows by
 * is the heartbeat: its `last_trade_id` is documented as the way "to verify that no messages were missed" (it is 0 where the venue
 * does not fill it in, and then says nothing).
 *
 * One frame a product, because one that is not valid fails its whole request; the refusal's text names it.
 */
export const coinbase: StreamAdapter = {
  venue: "coinbase",
  url: "wss://ws-feed.exchange.coinbase.com",
  docs: "https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#ticker-channel",
  symbolOf: (market) => market.replace("/", "-"),
  subscribe: (markets) => markets.map((market) => frameOf("subscribe", market)),
  unsubscribe: (markets) => markets.map((market) => frameOf("unsubscribe", market)),
  read: (frame, symbols) => readJsonFrame(frame, (body) => messagesOf(body, symbols)),
  heartbeat: { silenceMs: 10_000 },
  sendEveryMs: 50,
};

function frameOf(type: string, market: string): string {
  return JSON.stringify({ type, product_ids: [market.replace("/", "-")], channels: ["ticker", "heartbeat"] });
}

function messagesOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const type = textOf(at(body, "type"));
  if (type === "subscriptions") return ACKNOWLEDGED;
  if (type === "error") return refusalOf(body, symbols);
  const market = symbols.get(textOf(at(body, "product_id")) ?? "");
  if (type === "heartbeat") return progressOf(body, market);
  return type === "ticker" && market !== undefined ? [tickerOf(body, market)] : IGNORED;
}

function progressOf(body: Json, market: string | undefined): readonly StreamMessage[] {
  const mark = countOf(at(body, "last_trade_id"));
  return market === undefined || mark === undefined || mark === 0n ? HEARTBEAT : [{ kind: "progress", market, mark }];
}

function tickerOf(body: Json, market: string): StreamMessage {
  const time = { field: at(body, "time"), unit: "iso" as const };
  const fields = {
    bid: at(body, "best_bid"),
    ask: at(body, "best_ask"),
    last: at(body, "price"),
    volume: at(body, "volume_24h"),
    bookAt: time,
    lastAt: time,
  };
  return quoteMessage(market, fields, { sequence: at(body, "sequence"), mark: at(body, "trade_id") });
}

const REASONS: readonly (readonly [pattern: RegExp, code: FaultCode])[] = [
  [/is not a valid product|is delisted/i, "unknown-market"],
  [/rate limit/i, "rate-limited"],
];

/** `{"type":"error","message":"Failed to subscribe","reason":"FOO-USD is not a valid product"}` */
function refusalOf(body: Json, symbols: Symbols): readonly StreamMessage[] {
  const reason = textOf(at(body, "reason")) ?? textOf(at(body, "message")) ?? "";
  const [, code = "http-status"] = REASONS.find(([pattern]) => pattern.test(reason)) ?? [];
  return refusedMessage(symbols.get(reason.split(" ", 1)[0] ?? ""), { code, detail: reason });
}
