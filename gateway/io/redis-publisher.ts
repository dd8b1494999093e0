import { setTimeout as sleep } from "node:timers/promises";
import type { Registry } from "prom-client";
import type { Address, Digest } from "../../protocol/bytes.ts";
import type { LogEntry, LogPublisher } from "../log.ts";
import type { GatewayLogger } from "../ports.ts";
import { openRedis, RedisError, type RedisSettings } from "./redis-connection.ts";
import { createPublisherMetrics } from "./redis-metrics.ts";
import { createOwnStreams, type OwnStreams } from "./redis-own-streams.ts";

/** Entries that wait for Redis; rounds beyond them are made up for from the store. */
const MAX_QUEUED = 64;
/** Of what is made up for, read from the store at once: the node does nothing else meanwhile. */
const MISSED_BATCH = 16;
/** Digests of rounds that were appended last: what comes again is passed over. */
const MAX_SENT = 256;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** How long `stop` waits for what is still to be appended. */
const STOP_MS = 1_000;

export type RedisPublisherOptions = {
  readonly settings: RedisSettings;
  readonly network: string;
  /** The member whose streams these are. */
  readonly writer: Address;
  /** About how many rounds the stream keeps. */
  readonly rounds: number;
  /** Rounds later than `since` that the stream should hold, ascending, at most `limit` of them; -1 is before every round. */
  readonly missed: (span: { readonly since: number; readonly limit: number }) => readonly MissedRound[];
  /** Every transition and all evidence there is. */
  readonly papers: () => readonly LogEntry[];
  readonly log: GatewayLogger;
  readonly registry: Registry;
};

export type MissedRound = { readonly round: number; readonly entry: LogEntry };

/**
 * Appends what a node tells to its own two streams in Redis. Never waits and never throws: entries queue up to a bound, and after Redis
 * was away, was emptied, lost its last entries or was never there before, the rounds that its stream lacks are made up for in order from
 * the store, papers once each. A stream that takes no more, because somebody with this node's rights forged its last id, is begun anew.
 *
 * @throws RedisSettingsError when the settings cannot be used
 */
export function createRedisPublisher(options: RedisPublisherOptions): LogPublisher {
  const metrics = createPublisherMetrics(options.registry);
  const queue: LogEntry[] = [];
  const state = { behind: true, stopped: false, failures: 0, sent: new Set<Digest>() };
  let working: Promise<void> | undefined;

  const wake = (): void => {
    if (working !== undefined || !link.isUp()) return;
    working = work({ ...options, streams, queue, state, metrics, isUp: link.isUp }).finally(() => {
      working = undefined;
      if (queue.length > 0 && !state.stopped) wake();
    });
  };
  const link = openRedis(options.settings, {
    purpose: "appending to this node's streams",
    log: options.log,
    onUp: () => {
      state.behind = true;
      // The rest of what opens the link has yet to run when it is up at once.
      setImmediate(wake);
    },
    onDown: () => metrics.up(false),
  });
  const streams = createOwnStreams(link, options);

  return {
    append: (entry) => {
      if (state.stopped) return;
      if (queue.length >= MAX_QUEUED) {
        queue.shift();
        state.behind = true;
        metrics.append("dropped");
      }
      queue.push(entry);
      wake();
    },
    stop: async () => {
      state.stopped = true;
      if (working !== undefined) await Promise.race([working, sleep(STOP_MS, undefined, { ref: false })]);
      link.stop();
      metrics.up(false);
    },
  };
}

type Work = RedisPublisherOptions & {
  readonly streams: OwnStreams;
  readonly queue: LogEntry[];
  readonly state: { behind: boolean; stopped: boolean; failures: number; readonly sent: Set<Digest> };
  readonly metrics: ReturnType<typeof createPublisherMetrics>;
  readonly isUp: () => boolean;
};

/** Until there is nothing left to append or Redis is away. */
async function work(job: Work): Promise<void> {
  const { queue, state, metrics, streams } = job;
  while (job.isUp()) {
    try {
      if (state.behind) await catchUp(job);
      const [entry] = queue;
      if (entry !== undefined) await put(job, entry, "appended");
      if (queue[0] === entry) queue.shift();
      state.behind ||= await streams.wasEmptied();
      metrics.up(true);
      if (state.failures > 1) job.log.warn({ failures: state.failures }, "this node's streams in Redis take entries again");
      state.failures = 0;
      if (queue.length === 0 && !state.behind) return;
    } catch (error) {
      await recover(job, error);
      if (state.stopped) return;
    }
  }
}

/** What the store has and the streams lack, in order: a stream is a node's rounds in the order of their numbers. */
async function catchUp(job: Work): Promise<void> {
  job.state.behind = false;
  // The store has all that waits as well; left in the queue it would be appended once more when it is no longer among the newest.
  job.queue.length = 0;
  const { since: last, digests } = await job.streams.newest();
  job.state.sent.clear();
  for (const digest of digests) job.state.sent.add(digest);
  const known = await job.streams.paperKeys();
  for (const paper of job.papers()) {
    if (!known.has(job.streams.paperKey(paper))) await put(job, paper, "late");
  }
  let since = last;
  while (!job.state.stopped) {
    const batch = job.missed({ since, limit: MISSED_BATCH });
    for (const { round, entry } of batch) {
      await put(job, entry, "late");
      since = round;
    }
    if (batch.length === 0) return;
  }
}

async function put({ streams, metrics, state: { sent } }: Work, entry: LogEntry, outcome: "appended" | "late"): Promise<void> {
  if (entry.kind === "round") {
    if (sent.has(entry.digest)) return;
  } else if (streams.hasPaper(entry)) return;
  await streams.append(entry);
  metrics.append(outcome);
  if (entry.kind !== "round") return;
  sent.add(entry.digest);
  for (const oldest of sent) {
    if (sent.size <= MAX_SENT) break;
    sent.delete(oldest);
  }
}

/** Whether an append reached Redis is unknown after a failure: what the streams hold is looked up before the next. */
async function recover({ streams, state, metrics, log, writer }: Work, error: unknown): Promise<void> {
  state.behind = true;
  state.failures += 1;
  metrics.append("failed");
  metrics.up(false);
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof RedisError && (await streams.restartBricked(error))) {
    metrics.append("restarted");
    log.warn(
      { writer, reason },
      "a stream of this node's took no more entries and was begun anew: somebody else may hold its password",
    );
  } else if (Number.isInteger(Math.log2(state.failures))) {
    const advice = "this node's streams in Redis take no entries: gateways that follow them see no new round of this node";
    log.warn({ writer, reason, failures: state.failures }, advice);
  }
  const longest = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(state.failures, 16));
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { ref: false });
}
