import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Registry } from "prom-client";
import type { Address } from "../../protocol/bytes.ts";
import type { LogReader, LogSource, LogWriter, OnEntry } from "../log.ts";
import type { GatewayLogger } from "../ports.ts";
import { createPace, type PaceLimits } from "../redis-pace.ts";
import { openRedis, RedisError, type RedisLink, type RedisSettings } from "./redis-connection.ts";
import { type Cursor, createCursor, type Read } from "./redis-cursor.ts";
import { createEntryCounter } from "./redis-metrics.ts";

/**
 * How long a writer's streams rest once they are read: so long for each writer there is, so that one question is asked about every 10 ms
 * however many they are. All honest writers append the same rounds, so the first of them to be asked is soon.
 */
const REST_PER_WRITER_MS = 10;
const MIN_REST_MS = 20;
const MAX_REST_MS = 500;
/** After so long without an entry it is looked whether a stream was lost or begun anew. */
const QUIET_MS = 2_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** How often it is asked who the writers are. */
const WRITERS_MS = 1_000;
/** Larger committees do not exist; it bounds the metric's labels. */
const MAX_WRITERS = 128;
/** One writer's share: its backfill and this at once, then so much a second. */
const BURST_ENTRIES = 1_024;
const ENTRIES_PER_SECOND = 100;
const BURST_BYTES = 64 * 1_048_576;
const BYTES_PER_SECOND = 16 * 1_048_576;
/** An entry that is none costs as much as so many: a flood of them ends at its writer's own share. */
const FAULT_COST = 10;

export type RedisReaderOptions = {
  readonly settings: RedisSettings;
  readonly network: string;
  /** Asked again every second: members come and go. */
  readonly writers: () => readonly LogWriter[];
  readonly onEntry: OnEntry;
  readonly log: GatewayLogger;
  readonly registry: Registry;
  /** Of each writer's newest rounds, how many are read at the start. */
  readonly backfill: number;
};

type Following = { readonly abort: AbortController; readonly ended: Promise<void> };

/**
 * Follows every writer's streams in Redis: papers from their beginning, the newest `backfill` rounds, then what comes. Each writer is
 * read on its own, within a share of its own, so that one that floods, garbles or bricks its streams delays nobody else's. What Redis
 * lost, or a writer began anew, is read again; nothing is trusted, and everything may come twice.
 *
 * Streams are asked for, not waited on: XREAD BLOCK would hand over an entry of any size and hold a connection for every writer, where
 * a script in Redis looks at sizes first (gateway/redis-scripts.ts), and one connection serves a single server and a Cluster alike.
 *
 * @throws RedisSettingsError when the settings cannot be used
 */
export function createRedisReader(options: RedisReaderOptions): LogReader {
  const link = openRedis(options.settings, { purpose: "following members' streams", log: options.log });
  const following = new Map<LogWriter, Following>();
  const health = { readAt: Number.NEGATIVE_INFINITY };
  let timer: NodeJS.Timeout | undefined;

  const refresh = (): void => {
    const wanted = new Set(options.writers().slice(0, MAX_WRITERS));
    for (const [writer, { abort }] of following) {
      if (wanted.has(writer)) continue;
      abort.abort();
      following.delete(writer);
    }
    const restMs = Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, REST_PER_WRITER_MS * wanted.size));
    for (const writer of wanted) {
      if (following.has(writer)) continue;
      const abort = new AbortController();
      const ended = followWriter(link, { ...options, writer, restMs, health, signal: abort.signal });
      following.set(writer, { abort, ended });
    }
  };

  return {
    start: () => {
      if (timer !== undefined) return;
      refresh();
      timer = setInterval(refresh, WRITERS_MS);
    },
    stop: async () => {
      clearInterval(timer);
      const running = [...following.values()];
      following.clear();
      for (const { abort } of running) abort.abort();
      link.stop();
      await Promise.all(running.map(({ ended }) => ended));
    },
    isUp: () => link.isUp() && performance.now() - health.readAt < MAX_RETRY_MS + MAX_REST_MS,
  };
}

type WriterOptions = RedisReaderOptions & {
  readonly writer: Address;
  readonly restMs: number;
  readonly health: { readAt: number };
  readonly signal: AbortSignal;
};

/** The whole life of one writer's reading; ends when it is told to, and never throws. */
async function followWriter(link: RedisLink, options: WriterOptions): Promise<void> {
  const { restMs, health, signal, backfill } = options;
  const cursor = createCursor(link, options);
  const deliver = createDelivery(options);
  const pace = createPace(shareOf(backfill), performance.now());
  let readAt = performance.now();
  let failures = 0;
  // Writers are asked at different moments, so that one of them is asked soon after a round.
  await rest(Math.random() * restMs, signal);
  while (!signal.aborted) {
    try {
      const reads = await cursor.next();
      failures = 0;
      health.readAt = performance.now();
      if (reads.length > 0) readAt = health.readAt;
      pace.spend(await deliver(reads), performance.now());
      if (reads.length === 0 && performance.now() - readAt > QUIET_MS) {
        readAt = performance.now();
        await lookAgain(cursor, options);
      }
      await rest(Math.max(reads.length === 0 ? restMs : 0, pace.restMs(performance.now())), signal);
    } catch (error) {
      failures += 1;
      if (link.isUp() || !isAway(error)) tellFailure(options, error, failures);
      await rest(retryMs(failures), signal);
    }
  }
}

function shareOf(backfill: number): PaceLimits {
  return {
    entries: BURST_ENTRIES + backfill,
    entriesPerSecond: ENTRIES_PER_SECOND,
    bytes: BURST_BYTES,
    bytesPerSecond: BYTES_PER_SECOND,
  };
}

/** Hands over one entry a turn of the event loop, as verifying one takes a while; gives back what all of them cost. */
function createDelivery({
  writer,
  onEntry,
  registry,
  signal,
}: WriterOptions): (reads: readonly Read[]) => Promise<{ entries: number; bytes: number }> {
  const count = createEntryCounter(registry);
  const source: LogSource = `redis:${writer}`;
  return async (reads) => {
    const cost = { entries: 0, bytes: 0 };
    for (const { bytes, entry, fault } of reads) {
      if (signal.aborted) break;
      cost.bytes += bytes;
      cost.entries += fault === undefined ? 1 : FAULT_COST;
      if (fault !== undefined) count({ source, code: fault });
      if (entry !== undefined) onEntry(source, entry);
      await nextTurn();
    }
    return cost;
  };
}

async function lookAgain(cursor: Cursor, { writer, log }: WriterOptions): Promise<void> {
  if (await cursor.check()) log.warn({ writer }, "the stream of a member was lost or begun anew: it is read again");
}

/** That all of Redis is away is said once, where the connection is kept; in a Cluster one writer's part of it may be. */
function isAway(error: unknown): boolean {
  return error instanceof RedisError && error.code === "away";
}

/** Says the 1st, 2nd, 4th, 8th failure. */
function tellFailure({ writer, log, signal }: WriterOptions, error: unknown, failures: number): void {
  if (signal.aborted || !Number.isInteger(Math.log2(failures))) return;
  const reason = error instanceof Error ? error.message : String(error);
  log.warn(
    { writer, reason, failures },
    "the stream of a member cannot be read: check Redis and the gateway's rights in its ACL",
  );
}

function retryMs(failures: number): number {
  return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 16)) * (0.5 + Math.random() / 2);
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Told to end: the loop sees it.
  }
}
