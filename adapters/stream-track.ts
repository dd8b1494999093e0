import { backoffMs } from "./backoff.ts";
import type { StreamMessage } from "./stream.ts";
import type { SessionOutput, StreamSettings } from "./stream-session.ts";

/** First wait before a market is asked for again; the second gap of a market, or its second silence, waits twice as long. */
const RETRY_BASE_MS = 5_000;
/** Heartbeats in a row that name more than was heard: one may have crossed the quote on its way. */
const BEHIND_BEFORE_GAP = 2;

export type TrackSettings = StreamSettings & { readonly maxGaps: number; readonly random: () => number };

type MarketMessage = Extract<StreamMessage, { readonly kind: "quote" | "progress" | "gap" }>;

/** One market within a session. Every market begins, and after a loss goes on, with its fallback on. */
export type MarketTrack = {
  readonly take: (message: MarketMessage, now: number) => readonly SessionOutput[];
  readonly refused: (now: number) => readonly SessionOutput[];
  readonly doubted: (now: number) => readonly SessionOutput[];
  /** The connection is gone. */
  readonly lost: () => readonly SessionOutput[];
  /** Its subscription goes out. */
  readonly asked: (now: number) => void;
  readonly tick: (now: number) => readonly SessionOutput[];
  /** It must be subscribed to anew. */
  readonly isDue: (now: number) => boolean;
  /** Too many gaps: the market alone cannot be helped. */
  readonly hopeless: () => boolean;
  readonly wakeAt: () => number;
};

/**
 * `off`: not subscribed until `retryAt`. `asked`: subscribed, nothing came yet. `live`: fresh. `quiet`: it was live, and is still
 * subscribed: the next quote makes it live.
 */
type Standing =
  | { readonly kind: "off"; readonly retryAt: number }
  | { readonly kind: "asked"; readonly at: number }
  | { readonly kind: "live"; readonly since: number }
  | { readonly kind: "quiet" };

export function createTrack(market: string, settings: TrackSettings): MarketTrack {
  let standing: Standing = { kind: "off", retryAt: Number.POSITIVE_INFINITY };
  let quoteAt = 0;
  let sequence: bigint | undefined;
  let mark: bigint | undefined;
  let bookAt: number | undefined;
  let behind = 0;
  let gaps = 0;
  let unanswered = 0;
  let fallback = true;

  const fall = (): SessionOutput[] => {
    if (fallback) return [];
    fallback = true;
    return [{ kind: "fallback", market, on: true }];
  };

  const waitFor = (failures: number): number =>
    backoffMs({ failures, baseMs: RETRY_BASE_MS, capMs: settings.retryCapMs }, settings.random());

  /** The quote that is there grows old; the next one that counts is of a new subscription. */
  const gap = (code: "gap" | "out-of-order", detail: string, now: number): SessionOutput[] => {
    if (standing.kind === "off") return [{ kind: "counted", code, market, detail }];
    gaps += 1;
    standing = { kind: "off", retryAt: gaps === 1 ? now : now + waitFor(gaps - 1) };
    return [{ kind: "counted", code, market, detail }, ...fall()];
  };

  const quote = (message: Extract<MarketMessage, { readonly kind: "quote" }>, now: number): SessionOutput[] => {
    if (standing.kind === "off") return [{ kind: "counted", code: "unsubscribed", market }];
    if (message.sequence !== undefined && sequence !== undefined && message.sequence < sequence) {
      return gap("out-of-order", `${message.sequence} after ${sequence}`, now);
    }
    const { answer } = message;
    const record: SessionOutput = { kind: "record", answers: [{ market, answer }] };
    if (!answer.ok) return [{ kind: "counted", code: answer.error.code, market, detail: answer.error.detail }, record];
    sequence = message.sequence;
    if (message.mark === undefined || mark === undefined || message.mark > mark) behind = 0;
    mark = message.mark;
    unanswered = 0;
    // The same book of the same moment is no news: a venue that repeats itself is not fresh.
    const time = answer.value.bookAt;
    const isNews = time === undefined || bookAt === undefined || time > bookAt;
    bookAt = time;
    if (!isNews) return [{ kind: "counted", code: "quote", market }, record];
    quoteAt = now;
    if (standing.kind !== "live") standing = { kind: "live", since: now };
    return [{ kind: "counted", code: "quote", market }, record];
  };

  const progress = (named: bigint, now: number): SessionOutput[] => {
    if (standing.kind === "off" || mark === undefined || named <= mark) {
      behind = 0;
      return [{ kind: "counted", code: "heartbeat", market }];
    }
    behind += 1;
    if (behind < BEHIND_BEFORE_GAP) return [{ kind: "counted", code: "heartbeat", market }];
    return gap("gap", `the venue is at ${named}, the newest quote at ${mark}`, now);
  };

  return {
    take: (message, now) => {
      if (message.kind === "quote") return quote(message, now);
      return message.kind === "gap" ? gap("gap", message.detail, now) : progress(message.mark, now);
    },
    refused: (now) => {
      standing = { kind: "off", retryAt: now + settings.retryCapMs };
      return fall();
    },
    doubted: (now) => gap("gap", "REST contradicts it", now),
    lost: () => {
      standing = { kind: "off", retryAt: Number.POSITIVE_INFINITY };
      gaps = 0;
      return fall();
    },
    asked: (now) => {
      standing = { kind: "asked", at: now };
      sequence = undefined;
      mark = undefined;
      bookAt = undefined;
      behind = 0;
    },
    tick: (now) => {
      if (standing.kind === "asked" && now - standing.at >= settings.answerMs) {
        unanswered += 1;
        standing = { kind: "off", retryAt: now + waitFor(unanswered) };
        return fall();
      }
      if (standing.kind !== "live") return [];
      if (now - quoteAt >= settings.freshMs) {
        standing = { kind: "quiet" };
        return fall();
      }
      if (now - standing.since >= settings.stableMs) gaps = 0;
      if (!fallback || now - standing.since < settings.settleMs) return [];
      fallback = false;
      return [{ kind: "fallback", market, on: false }];
    },
    isDue: (now) => standing.kind === "off" && now >= standing.retryAt,
    hopeless: () => gaps >= settings.maxGaps,
    wakeAt: () => {
      if (standing.kind === "off") return standing.retryAt;
      if (standing.kind === "asked") return standing.at + settings.answerMs;
      if (standing.kind === "quiet") return Number.POSITIVE_INFINITY;
      const settlesAt = fallback ? standing.since + settings.settleMs : Number.POSITIVE_INFINITY;
      return Math.min(quoteAt + settings.freshMs, settlesAt);
    },
  };
}
