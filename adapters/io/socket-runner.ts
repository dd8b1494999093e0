import { performance } from "node:perf_hooks";
import { type RawData, WebSocket } from "ws";
import { applyAnswer, type MarketState, marketKey, type VenueSnapshot } from "../snapshot.ts";
import { MAX_FRAME_BYTES, type StreamAdapter } from "../stream.ts";
import {
  createStreamSession,
  type SessionInput,
  type SessionOutput,
  STREAM_DEFAULTS,
  type StreamSettings,
} from "../stream-session.ts";
import { redactUrl } from "./http.ts";
import type { PollerLog } from "./reporter.ts";
import type { StreamMetrics } from "./stream-metrics.ts";
import { createStreamReporter } from "./stream-reporter.ts";

/** From the first byte of TCP to the end of the upgrade. */
const HANDSHAKE_MS = 10_000;
/** What a venue may leave unread of the few hundred bytes that are sent to it now and then. */
const MAX_UNSENT_BYTES = 64 * 1024;
/** setTimeout holds 31 bits; nothing is due sharper than a second at that distance. */
const MAX_SLEEP_MS = 60_000;
const USER_AGENT = "breakwater";
/** An error's text is partly the venue's. */
const MAX_DETAIL = 200;
/** RFC 6455, 7.4.1: a message is too big. */
const TOO_BIG = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

export type SocketOptions = {
  readonly adapter: StreamAdapter;
  /** Overrides the adapter's own. */
  readonly url?: string;
  /** `BASE/QUOTE`, each once, at least one. */
  readonly markets: readonly string[];
  readonly settings?: Partial<StreamSettings>;
  readonly log: PollerLog;
  readonly metrics?: StreamMetrics;
  /** Wall time, Unix ms; it stamps quotes. Waiting is measured on the monotonic clock. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** After a market began, or ceased, to need polling at the usual interval. */
  readonly onFallback?: (event: { readonly market: string; readonly on: boolean }) => void;
};

export type SocketRunner = {
  readonly start: () => void;
  /** Ends the connection and leaves no timer and no socket. A stopped runner is not started again. */
  readonly stop: () => Promise<void>;
  /** The newest quotes pushed, a copy; a push has no request, so that it counts as sent when it was received. */
  readonly snapshot: () => VenueSnapshot;
  /** Every market is pushed and fresh, and has been for a while. */
  readonly isSettled: () => boolean;
  /** REST says otherwise: what was pushed of this market is forgotten, and it is subscribed to anew. */
  readonly contradict: (market: string) => void;
};

/**
 * The one WebSocket runner of all venues: adapters say what frames mean, {@link createStreamSession} says when to dial, send and give
 * up, this carries it out.
 *
 * @throws at once when the URL is no ws or wss one, naming the venue.
 */
export function createSocketRunner(options: SocketOptions): SocketRunner {
  const { adapter, log, metrics, now, random } = options;
  const url = parseUrl(options.url ?? adapter.url, adapter.venue);
  const settings = { ...STREAM_DEFAULTS, ...options.settings };
  const session = createStreamSession({ adapter, markets: options.markets, settings, random }, performance.now());
  const reporter = createStreamReporter(adapter.venue, log, metrics);
  const states = new Map<string, MarketState>();
  const falling = new Set(options.markets);
  const closing = new Set<Promise<void>>();
  let socket: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const drive = (input: SessionInput): void => {
    if (!running) return;
    for (const output of session.handle(input, performance.now())) carryOut(output);
    clearTimeout(timer);
    timer = setTimeout(wake, Math.min(Math.max(0, Math.ceil(session.wakeAt() - performance.now())), MAX_SLEEP_MS));
  };
  const wake = (): void => drive({ kind: "wake" });

  const carryOut = (output: SessionOutput): void => {
    switch (output.kind) {
      case "connect":
        dial();
        return;
      case "send":
        send(output.frame);
        return;
      case "close":
        drop();
        reporter.closed(output);
        return;
      case "record": {
        const receivedAt = now();
        for (const answer of output.answers) {
          const key = marketKey(adapter.venue, answer.market);
          const stamp = { venue: adapter.venue, answer, sentAt: receivedAt, receivedAt };
          states.set(key, applyAnswer(states.get(key), stamp));
        }
        return;
      }
      case "fallback":
        if (output.on) falling.add(output.market);
        else falling.delete(output.market);
        options.onFallback?.(output);
        return;
      case "counted":
        reporter.counted(output);
    }
  };

  const dial = (): void => {
    const dialled = new WebSocket(url, {
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: HANDSHAKE_MS,
      // The frames are a few hundred bytes: compression would cost memory a connection and save nothing.
      perMessageDeflate: false,
      followRedirects: false,
      headers: { "user-agent": USER_AGENT },
    });
    socket = dialled;
    let opened = false;
    let problem: NodeJS.ErrnoException | undefined;
    const isCurrent = (): boolean => socket === dialled;
    dialled.on("open", () => {
      opened = true;
      if (!isCurrent()) return;
      reporter.opened();
      drive({ kind: "opened" });
    });
    dialled.on("message", (data) => {
      if (isCurrent()) drive({ kind: "frame", bytes: bytesOf(data) });
    });
    for (const event of ["ping", "pong"] as const) {
      dialled.on(event, () => {
        if (isCurrent()) drive({ kind: "heard" });
      });
    }
    dialled.on("error", (error: NodeJS.ErrnoException) => {
      problem = error;
    });
    const ended: Promise<void> = new Promise<number>((done) => dialled.once("close", done)).then((code) => {
      closing.delete(ended);
      if (!isCurrent()) return;
      socket = undefined;
      const reason = problem?.code === TOO_BIG ? "oversize" : opened ? "closed" : "unreachable";
      drive({
        kind: "closed",
        reason,
        detail: `${redactUrl(url)}: ${problem?.message ?? `close code ${code}`}`.slice(0, MAX_DETAIL),
      });
    });
    closing.add(ended);
  };

  const send = (frame: string): void => {
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
      drop();
      // Not within the outputs of the input that asked for it.
      queueMicrotask(() => drive({ kind: "closed", reason: "stuck", detail: `${MAX_UNSENT_BYTES} bytes unread` }));
    } else socket.send(frame);
  };

  /** Nothing is said goodbye to: whatever a socket that is given up still says, nobody listens. */
  const drop = (): void => {
    const dropped = socket;
    socket = undefined;
    dropped?.terminate();
  };

  return {
    start: () => {
      running = true;
      wake();
    },
    stop: async () => {
      running = false;
      clearTimeout(timer);
      drop();
      metrics?.onStopped({ venue: adapter.venue });
      await Promise.all(closing);
    },
    snapshot: () => new Map(states),
    isSettled: () => falling.size === 0,
    contradict: (market) => {
      states.delete(marketKey(adapter.venue, market));
      drive({ kind: "contradicted", market });
    },
  };
}

/** One frame's bytes, in whichever of its forms the library hands them over. */
function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function parseUrl(text: string, venue: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
    throw new Error(`venue ${venue}: a stream's URL must be a ws or wss URL such as ws://127.0.0.1:9001`);
  }
  return url;
}
