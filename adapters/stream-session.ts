import { assert } from "../protocol/assert.ts";
import type { FaultCode, MarketAnswer } from "./adapter.ts";
import { backoffMs } from "./backoff.ts";
import { type StreamAdapter, type StreamMessage, type Symbols, symbolsOf } from "./stream.ts";
import { createTrack, type MarketTrack, type TrackSettings } from "./stream-track.ts";

/** Times of one session, ms of a monotonic clock. */
export const STREAM_DEFAULTS = {
  /** A market that said nothing for so long is polled again: less than the shortest age at which a quote stops to count, 5 s. */
  freshMs: 4_000,
  /** A market must have been fresh for so long before polling slows down: a stream that comes and goes does not switch it to and fro. */
  settleMs: 10_000,
  /** A subscription that brought no quote in this time is made anew. */
  answerMs: 10_000,
  connectMs: 15_000,
  backoffBaseMs: 1_000,
  backoffCapMs: 60_000,
  /** A connection that lived this long had not failed. */
  stableMs: 60_000,
  /** How often a market that the venue does not know, or never answers for, is asked for again. */
  retryCapMs: 10 * 60_000,
} as const;
export type StreamSettings = { readonly [Name in keyof typeof STREAM_DEFAULTS]: number };

/** Gaps of one market without a minute of peace between them, after which the whole connection is made anew. */
export const MAX_GAPS = 3;
/** Frames in a row that cannot be read: the venue, or what stands before it, speaks another language. */
export const MAX_UNREADABLE = 10;
/**
 * Frames, and their bytes, in {@link WINDOW_MS}: the quickest of the channels pushes a hundred times a second and market, the widest
 * some 10 kB ten times a second. Read costs about 20 µs a frame and 60 ns a byte, so that a flood takes no node down with it (P8).
 */
export const MAX_FRAMES = 8_000;
export const MAX_WINDOW_BYTES = 4 * 1024 * 1024;
export const WINDOW_MS = 2_000;
/** A planned reconnect comes this share of the venue's own limit early, and up to twice it by chance, so that nodes do not go together. */
const PLANNED_EARLY = 0.05;
/** A venue that restarts asks everybody at once. */
const ASKED_SPREAD_MS = 2_000;

export const CLOSE_REASONS = [
  "unreachable",
  "closed",
  "oversize",
  "stuck",
  "silent",
  "gap",
  "malformed",
  "flood",
  "planned",
  "asked",
] as const;
/** Why a connection ended. The first four are the socket's to say. */
export type CloseReason = (typeof CLOSE_REASONS)[number];
export type SocketEnd = Extract<CloseReason, "unreachable" | "closed" | "oversize" | "stuck">;

/** What a message came to; the metric's label. */
export type StreamCode =
  | Exclude<StreamMessage["kind"], "quote" | "fault" | "progress">
  | "quote"
  | "out-of-order"
  | "unsubscribed"
  | FaultCode;

export type SessionInput =
  | { readonly kind: "wake" }
  | { readonly kind: "opened" }
  | { readonly kind: "closed"; readonly reason: SocketEnd; readonly detail: string }
  /** A ping or pong of the protocol. */
  | { readonly kind: "heard" }
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  /** REST says otherwise of this market, and has said so twice. */
  | { readonly kind: "contradicted"; readonly market: string };

export type SessionOutput =
  | { readonly kind: "connect" }
  | { readonly kind: "send"; readonly frame: string }
  /** Drop the socket, if there still is one: nothing that it says from now on is an input. */
  | { readonly kind: "close"; readonly reason: CloseReason; readonly detail: string }
  | { readonly kind: "record"; readonly answers: readonly MarketAnswer[] }
  /** On: poll this market at the usual interval. Every market begins so. */
  | { readonly kind: "fallback"; readonly market: string; readonly on: boolean }
  | { readonly kind: "counted"; readonly code: StreamCode; readonly market?: string; readonly detail?: string };

/** One venue's connection. Times are monotonic ms; quotes keep the venue's own. */
export type StreamSession = {
  readonly handle: (input: SessionInput, now: number) => readonly SessionOutput[];
  readonly wakeAt: () => number;
};

export type SessionOptions = {
  readonly adapter: StreamAdapter;
  /** `BASE/QUOTE`, each once, at least one. */
  readonly markets: readonly string[];
  readonly settings: StreamSettings;
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

type Phase =
  | { readonly kind: "waiting"; readonly dialAt: number }
  | { readonly kind: "connecting"; readonly since: number }
  | { readonly kind: "open"; readonly since: number; readonly endsAt: number };

/**
 * One venue's stream as a state machine: dial, subscribe, listen; what is lost, silent or out of order is asked for anew, first the
 * market, then the connection; each failure is waited for longer. Markets share the connection and nothing else: one that is refused
 * or quiet leaves the others live (P8), and a market that is not live is polled (P3: silence is not a quote).
 */
export function createStreamSession(options: SessionOptions, startAt: number): StreamSession {
  const { adapter, settings, random } = options;
  assert(options.markets.length > 0, "a session has markets");
  const symbols: Symbols = symbolsOf(adapter, options.markets);
  const trackSettings: TrackSettings = { ...settings, maxGaps: MAX_GAPS, random };
  const tracks = new Map(options.markets.map((market) => [market, createTrack(market, trackSettings)]));
  let phase: Phase = { kind: "waiting", dialAt: startAt };
  let failures = 0;
  let heardAt = startAt;
  let sentAt = Number.NEGATIVE_INFINITY;
  let pingAt = Number.POSITIVE_INFINITY;
  let unreadable = 0;
  let window = { from: startAt, frames: 0, bytes: 0 };
  // Bounded: a market is asked for only when its last asking has gone out, and there is one ping at most.
  let outbox: string[] = [];

  const lose = (reason: CloseReason, detail: string, now: number): SessionOutput[] => {
    if (phase.kind === "waiting") return [];
    if (phase.kind === "open" && now - phase.since >= settings.stableMs) failures = 0;
    phase = { kind: "waiting", dialAt: now + waitAfter(reason) };
    outbox = [];
    pingAt = Number.POSITIVE_INFINITY;
    return [{ kind: "close", reason, detail }, ...[...tracks.values()].flatMap((track) => track.lost())];
  };

  const waitAfter = (reason: CloseReason): number => {
    if (reason === "planned") return 0;
    if (reason === "asked") return ASKED_SPREAD_MS * random();
    failures += 1;
    return backoffMs({ failures, baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs }, random());
  };

  const open = (now: number): SessionOutput[] => {
    if (phase.kind !== "connecting") return [];
    const lifeMs = (adapter.maxConnectionMs ?? Number.POSITIVE_INFINITY) * (1 - PLANNED_EARLY * (1 + random()));
    phase = { kind: "open", since: now, endsAt: now + lifeMs };
    heardAt = now;
    unreadable = 0;
    window = { from: now, frames: 0, bytes: 0 };
    pingAt = adapter.heartbeat.ping === undefined ? Number.POSITIVE_INFINITY : now + adapter.heartbeat.ping.everyMs;
    for (const track of tracks.values()) track.asked(now);
    outbox = [...adapter.subscribe(options.markets)];
    return [];
  };

  const hear = (bytes: Uint8Array, now: number): SessionOutput[] => {
    if (phase.kind !== "open") return [];
    if (now - window.from >= WINDOW_MS) window = { from: now, frames: 0, bytes: 0 };
    window = { ...window, frames: window.frames + 1, bytes: window.bytes + bytes.length };
    if (window.frames > MAX_FRAMES || window.bytes > MAX_WINDOW_BYTES) {
      return lose("flood", `${window.frames} frames of ${window.bytes} bytes in ${WINDOW_MS} ms`, now);
    }
    const messages = adapter.read(bytes, symbols);
    const unread = messages.some(({ kind }) => kind === "fault");
    unreadable = unread ? unreadable + 1 : 0;
    // What cannot be read is no sign of life: a proxy's error pages must not keep a dead stream open.
    if (!unread) heardAt = now;
    const outputs: SessionOutput[] = [];
    for (const message of messages) {
      outputs.push(...take(message, now));
      if (phase.kind !== "open") return outputs;
    }
    return unreadable < MAX_UNREADABLE ? outputs : [...outputs, ...lose("malformed", `${unreadable} frames unreadable`, now)];
  };

  const take = (message: StreamMessage, now: number): SessionOutput[] => {
    switch (message.kind) {
      case "quote":
      case "progress":
      case "gap":
        return onTrack(message.market, (track) => track.take(message, now), now);
      case "refused": {
        const counted = { kind: "counted", code: "refused", detail: `${message.fault.code}: ${message.fault.detail}` } as const;
        if (message.market === undefined) return [counted];
        const refused = onTrack(message.market, (track) => track.refused(now), now);
        return [{ ...counted, market: message.market }, ...refused];
      }
      case "reconnect":
        return [{ kind: "counted", code: "reconnect" }, ...lose("asked", message.detail, now)];
      case "fault":
        return [{ kind: "counted", code: message.fault.code, detail: message.fault.detail }];
      default:
        return [{ kind: "counted", code: message.kind }];
    }
  };

  const onTrack = (market: string, act: (track: MarketTrack) => readonly SessionOutput[], now: number): SessionOutput[] => {
    const track = tracks.get(market);
    if (track === undefined) return [];
    const outputs = [...act(track)];
    if (!track.hopeless()) return outputs;
    return [...outputs, ...lose("gap", `${MAX_GAPS} gaps of ${market}`, now)];
  };

  /** Whatever time alone brings about; after every input. */
  const tick = (now: number): SessionOutput[] => {
    if (phase.kind === "waiting" && now >= phase.dialAt) {
      phase = { kind: "connecting", since: now };
      return [{ kind: "connect" }];
    }
    if (phase.kind === "connecting" && now - phase.since >= settings.connectMs) {
      return lose("unreachable", `no connection in ${settings.connectMs} ms`, now);
    }
    if (phase.kind !== "open") return [];
    const { silenceMs, ping } = adapter.heartbeat;
    if (now - heardAt >= silenceMs) return lose("silent", `nothing heard for ${silenceMs} ms`, now);
    if (now >= phase.endsAt) return lose("planned", "before the venue's own limit", now);
    const outputs = [...tracks.values()].flatMap((track) => track.tick(now));
    for (const [market, track] of tracks) {
      if (!track.isDue(now)) continue;
      track.asked(now);
      outbox.push(...adapter.unsubscribe([market]), ...adapter.subscribe([market]));
    }
    if (ping !== undefined && now >= pingAt) {
      outbox.unshift(ping.frame);
      pingAt = now + ping.everyMs;
    }
    return [...outputs, ...send(now)];
  };

  const send = (now: number): SessionOutput[] => {
    if (now < sentAt + adapter.sendEveryMs) return [];
    const frame = outbox.shift();
    if (frame === undefined) return [];
    sentAt = now;
    return [{ kind: "send", frame }];
  };

  const act = (input: SessionInput, now: number): SessionOutput[] => {
    switch (input.kind) {
      case "wake":
        return [];
      case "opened":
        return open(now);
      case "closed":
        return lose(input.reason, input.detail, now);
      case "heard":
        heardAt = now;
        return [];
      case "frame":
        return hear(input.bytes, now);
      case "contradicted":
        return phase.kind === "open" ? onTrack(input.market, (track) => track.doubted(now), now) : [];
    }
  };

  return {
    handle: (input, now) => [...act(input, now), ...tick(now)],
    wakeAt: () => {
      if (phase.kind === "waiting") return phase.dialAt;
      if (phase.kind === "connecting") return phase.since + settings.connectMs;
      const due = [...tracks.values()].map((track) => track.wakeAt());
      const sendAt = outbox.length === 0 ? Number.POSITIVE_INFINITY : sentAt + adapter.sendEveryMs;
      return Math.min(phase.endsAt, pingAt, heardAt + adapter.heartbeat.silenceMs, sendAt, ...due);
    },
  };
}
