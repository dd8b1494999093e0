import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Result } from "../../protocol/result.ts";
import { createEventSplitter } from "../following/event-stream.ts";
import type { LogEntry, LogReader, LogSource, OnEntry } from "../log.ts";
import type { GatewayLogger } from "../ports.ts";
import { createPace, type Pace, type PaceLimits } from "../redis-pace.ts";
import { authorizationOf } from "../upstream.ts";
import { decodeEvent, FOLLOW_ROUTE } from "./follow-wire.ts";

/** Base64 of what the largest bodies come to under Zstandard, generously: one of 2 048 feeds and 64 nodes has a few MB. */
const MAX_EVENT_CHARS = 32 * 2 ** 20;
/**
 * What one source may cost, as it comes and again as it is unpacked: a whole backfill at once, then so much a second. Beyond it the
 * connection waits. What is no entry costs as well: events of unknown names, comments, what stands beside an entry in its JSON.
 */
const PACE: PaceLimits = {
  entries: 4_096,
  entriesPerSecond: 100,
  bytes: 64 * 2 ** 20,
  bytesPerSecond: 16 * 2 ** 20,
};
/** Followed ones show a sign of life every 5 s. */
const SILENCE_MS = 20_000;
const CONNECT_MS = 10_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** A connection that lasted this long was a good one. */
const LASTING_MS = 10_000;

export type HttpReaderOptions = {
  /** Of the followed node or gateway, without a path of its own API. */
  readonly base: string;
  /** The API key that it gave this gateway. */
  readonly key?: string | undefined;
  /** What it is called, as {@link sourcesOf} gives it. */
  readonly source: LogSource;
  /** After which round to read when it connects; undefined: from as far back as it goes. */
  readonly resumeAfter: () => number | undefined;
  readonly onEntry: OnEntry;
  /** Something that is no entry at all came from there. */
  readonly onGarbage: (from: LogSource, detail: string) => void;
  readonly log: GatewayLogger;
  readonly limits?: {
    readonly silenceMs?: number;
    readonly firstRetryMs?: number;
    readonly maxRetryMs?: number;
    readonly pace?: PaceLimits;
  };
};

type Connection = HttpReaderOptions & {
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onUp: () => void;
};

/**
 * What is followed over HTTP by its name in metrics and warnings: host and port alone, as a path may hold a key. Those of one host are told
 * apart by their order.
 *
 * @example
 * [...sourcesOf([{ url: "https://rounds.example/k3y" }, { url: "https://rounds.example/0ther" }]).keys()];
 * // ["rounds.example", "rounds.example#2"]
 */
export function sourcesOf<T extends { readonly url: string }>(followed: readonly T[]): ReadonlyMap<LogSource, T> {
  const hosts = followed.map(({ url }) => new URL(url).host);
  return new Map(
    followed.map((item, index) => {
      const host = hosts[index] ?? "";
      const before = hosts.slice(0, index).filter((other) => other === host).length;
      return [before === 0 ? host : `${host}#${before + 1}`, item];
    }),
  );
}

/**
 * Follows `GET /v1/follow` of a node or gateway, and connects again by itself: at once after an end, then with waits that double, with
 * jitter. An entry is handed on before the next is read, so that what is followed is no faster than it is verified.
 */
export function createHttpReader(options: HttpReaderOptions): LogReader {
  const { firstRetryMs = FIRST_RETRY_MS, maxRetryMs = MAX_RETRY_MS } = options.limits ?? {};
  const { source } = options;
  const stopping = new AbortController();
  const pace = createPace(options.limits?.pace ?? PACE, performance.now());
  let up = false;
  let ended: Promise<void> | undefined;

  const follow = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      const onUp = (): void => {
        if (failures > 1) options.log.warn({ source }, "this source is followed again");
        up = true;
      };
      const why = await readOnce({ ...options, pace, signal: stopping.signal, onUp });
      const lasted = up && performance.now() - startedAt > LASTING_MS;
      up = false;
      if (stopping.signal.aborted) return;
      failures = lasted ? 1 : failures + 1;
      if (Number.isInteger(Math.log2(failures)) && failures > 1) {
        options.log.warn({ source, failures, why }, `${source} is not followed: is it running, and is this its API's address?`);
      }
      const waitMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 16));
      await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    start: () => {
      ended ??= follow();
    },
    stop: async () => {
      stopping.abort();
      await ended;
    },
    isUp: () => up,
  };
}

/** One connection, from its beginning to its end; gives why it ended. */
async function readOnce(connection: Connection): Promise<string> {
  const { limits, signal } = connection;
  const silence = new AbortController();
  const expire = (): void => silence.abort(new Error("nothing came, not even a sign of life"));
  let timer = setTimeout(expire, CONNECT_MS);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(expire, limits?.silenceMs ?? SILENCE_MS);
  };
  try {
    return await readEvents(connection, AbortSignal.any([signal, silence.signal]), alive);
  } catch (error) {
    return reasonOf(silence.signal.aborted ? silence.signal.reason : error);
  } finally {
    clearTimeout(timer);
  }
}

async function readEvents(connection: Connection, signal: AbortSignal, alive: () => void): Promise<string> {
  const { base, key, resumeAfter, source, pace, onEntry, onUp, onGarbage } = connection;
  const after = resumeAfter();
  const url = `${base.replace(/\/$/, "")}${FOLLOW_ROUTE}${after === undefined ? "" : `?after=${after}`}`;
  const headers = { accept: "text/event-stream", ...authorizationOf(key) };
  const response = await fetch(url, { headers, signal, redirect: "error" });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    return response.status === 401 ? "it asks for an API key, or for another one: see keyFile" : `status ${response.status}`;
  }
  if (!/^text\/event-stream\b/.test(response.headers.get("content-type") ?? "")) {
    await response.body.cancel();
    return "it answers, but not with a stream of events";
  }
  onUp();
  const splitter = createEventSplitter(MAX_EVENT_CHARS);
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    alive();
    pace.spend({ entries: 0, bytes: piece.length }, performance.now());
    const events = splitter.take(piece);
    if (events === undefined) {
      onGarbage(source, `an event of more than ${MAX_EVENT_CHARS} characters`);
      return "an event too long to read";
    }
    for (const { name, data } of events) {
      const entry = readEntry(name, data);
      if (entry === undefined) continue;
      if (!entry.ok) {
        onGarbage(source, entry.error);
        return `it sent what is no entry: ${entry.error}`;
      }
      onEntry(source, entry.value);
      pace.spend({ entries: 1, bytes: sizeOf(entry.value) }, performance.now());
      await rest(pace.restMs(performance.now()), signal);
      alive();
    }
    const restMs = pace.restMs(performance.now());
    if (restMs > 0) await rest(restMs, signal);
    alive();
  }
  return "the stream ended";
}

/** Events of names that are not known here are for later versions. */
function readEntry(name: string, data: string): Result<LogEntry, string> | undefined {
  return name === "round" || name === "transition" || name === "evidence" ? decodeEvent(name, data) : undefined;
}

function sizeOf(entry: LogEntry): number {
  return entry.kind === "round" ? entry.body.length : entry.bytes.length;
}

/** At least one turn of the event loop: verifying an entry takes a while, and others wait. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) await nextTurn();
  else await sleep(ms, undefined, { signal });
}

/** undici says "fetch failed" and keeps why to itself. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
