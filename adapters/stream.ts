import type { Result } from "../protocol/result.ts";
import type { Fault, Quote } from "./adapter.ts";
import { type Field, malformed, type QuoteFields, readQuote, textOf } from "./fields.ts";
import { type Json, parseJson } from "./json.ts";

/** The longest frame of the six venues, a hundred levels of both sides of Bitstamp's book, is below 10 kB. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** A venue's words go into a log line. */
const MAX_DETAIL = 200;

/** What one frame of a venue says; a frame may say several things. */
export type StreamMessage =
  /**
   * The whole of one market, never a difference. `sequence` may repeat itself, and may never step back; without one the venue's
   * numbering starts anew. `mark` is what the venue's `progress` counts.
   */
  | {
      readonly kind: "quote";
      readonly market: string;
      readonly answer: Result<Quote, Fault>;
      readonly sequence?: bigint;
      readonly mark?: bigint;
    }
  /** How far the venue is with a market: beyond the newest quote's mark, a quote was lost on the way. */
  | { readonly kind: "progress"; readonly market: string; readonly mark: bigint }
  /** What came is no base for a quote: the market must be subscribed to anew. */
  | { readonly kind: "gap"; readonly market: string; readonly detail: string }
  | { readonly kind: "acknowledged" }
  /** A subscription that the venue does not take; without `market` it did not say which. */
  | { readonly kind: "refused"; readonly market?: string; readonly fault: Fault }
  /** The venue lives. */
  | { readonly kind: "heartbeat" }
  /** The venue is about to close this connection and asks to open another. */
  | { readonly kind: "reconnect"; readonly detail: string }
  /** Nothing this adapter asked for; venues add kinds of frames without notice. */
  | { readonly kind: "ignored" }
  | { readonly kind: "fault"; readonly fault: Fault };

export type QuoteMessage = Extract<StreamMessage, { readonly kind: "quote" }>;

export type Heartbeat = {
  /** What is sent, and how often, where the venue wants to hear from its clients or answers nothing unasked. */
  readonly ping?: { readonly frame: string; readonly everyMs: number };
  /** After so long without a frame, a ping or a pong the connection is dead, whatever TCP thinks of it. */
  readonly silenceMs: number;
};

/** Markets by the names that the venue's frames have for them. */
export type Symbols = ReadonlyMap<string, string>;

/** A venue's pushed quotes: a translator like {@link Adapter}, it knows frames, and no socket, clock or logger. */
export type StreamAdapter = {
  readonly venue: string;
  /** Default URL, overridable by node.yaml's `venues.<venue>.stream`. */
  readonly url: string;
  /** The documentation page of the channel. */
  readonly docs: string;
  /** A market's name in the venue's frames. */
  readonly symbolOf: (market: string) => string;
  /** Frames within the venue's batch limits; no market's refusal may cost another its subscription (P8). */
  readonly subscribe: (markets: readonly string[]) => readonly string[];
  readonly unsubscribe: (markets: readonly string[]) => readonly string[];
  /** Total: any bytes give messages, at least one, and nothing throws. */
  readonly read: (frame: Uint8Array, symbols: Symbols) => readonly StreamMessage[];
  readonly heartbeat: Heartbeat;
  /** Least time between two frames that this side sends, a margin below the documented limit. */
  readonly sendEveryMs: number;
  /** The venue cuts every connection that is older. */
  readonly maxConnectionMs?: number;
};

/** @example symbolsOf(binance, ["BTC/USDT"]); // Map { "BTCUSDT" → "BTC/USDT" } */
export function symbolsOf(adapter: Pick<StreamAdapter, "symbolOf">, markets: readonly string[]): Symbols {
  return new Map(markets.map((market) => [adapter.symbolOf(market), market]));
}

/** A frame's JSON → what it says; a frame that is no JSON is one fault. */
export function readJsonFrame(frame: Uint8Array, messagesOf: (body: Json) => readonly StreamMessage[]): readonly StreamMessage[] {
  if (frame.length > MAX_FRAME_BYTES) return faultMessage({ code: "oversize", detail: `frame of ${frame.length} bytes` });
  const body = parseJson(frame);
  return body.ok ? messagesOf(body.value) : faultMessage(body.error);
}

/**
 * A record of one market → its quote, read as the REST adapters read theirs ({@link readQuote}); `malformed` as well when a number
 * of its sequence is none.
 */
export function quoteMessage(
  market: string,
  fields: QuoteFields,
  numbers: { readonly sequence?: Field; readonly mark?: Field } = {},
): QuoteMessage {
  const sequence = numbers.sequence === undefined ? undefined : countOf(numbers.sequence);
  const mark = numbers.mark === undefined ? undefined : countOf(numbers.mark);
  if (numbers.sequence !== undefined && sequence === undefined) {
    return { kind: "quote", market, answer: malformed(`${numbers.sequence.path}: expected a number`) };
  }
  return {
    kind: "quote",
    market,
    answer: readQuote(market, fields),
    ...(sequence === undefined ? {} : { sequence }),
    ...(mark === undefined ? {} : { mark }),
  };
}

/** A venue's count, text or number. @example countOf({ path: "u", value: "18521288" }); // 18521288n */
export function countOf(field: Field): bigint | undefined {
  const text = textOf(field);
  return text !== undefined && /^\d{1,30}$/.test(text) ? BigInt(text) : undefined;
}

export function faultMessage({ code, detail }: Fault): readonly [StreamMessage] {
  return [{ kind: "fault", fault: { code, detail: detail.slice(0, MAX_DETAIL) } }];
}

export function refusedMessage(market: string | undefined, { code, detail }: Fault): readonly [StreamMessage] {
  const fault = { code, detail: detail.slice(0, MAX_DETAIL) };
  return [{ kind: "refused", fault, ...(market === undefined ? {} : { market }) }];
}

export const HEARTBEAT: readonly [StreamMessage] = [{ kind: "heartbeat" }];
export const ACKNOWLEDGED: readonly [StreamMessage] = [{ kind: "acknowledged" }];
export const IGNORED: readonly [StreamMessage] = [{ kind: "ignored" }];
