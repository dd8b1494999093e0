import type { ServerResponse } from "node:http";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { commentEvent, resumeAfter, roundEvents, STREAM_OPENING } from "../events.ts";
import type { GatewayLogger, RoundStore } from "../ports.ts";
import type { RoundSnapshot } from "../snapshots.ts";
import type { DropReason, StreamMetrics } from "./metrics.ts";

/** Rounds read from the store at a time while a reader catches up. */
const REPLAY_BATCH = 16;

/** What strangers can make the stream hold. */
export type StreamLimits = {
  readonly maxReaders: number;
  readonly maxReadersPerAddress: number;
  /** Unsent bytes at which a reader is let go. Events are shared between readers, so this is not memory per reader. */
  readonly maxReaderBytes: number;
  /** Rounds replayed at most; what is older is in the feeds' history. */
  readonly maxReplayRounds: number;
  readonly heartbeatMs: number;
};

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxReaders: 4_000,
  maxReadersPerAddress: 100,
  maxReaderBytes: 256 * 1024,
  maxReplayRounds: 300,
  heartbeatMs: 15_000,
};

export type StreamRequest = {
  readonly feeds: readonly FeedId[];
  readonly lastEventId: number | undefined;
  readonly address: string;
};

export type StreamHub = {
  /** Why there is no room for one more reader from this address; undefined when there is. */
  readonly refusal: (address: string) => string | undefined;
  /** Takes the response over; its head is already set and not yet written. */
  readonly open: (response: ServerResponse, request: StreamRequest) => void;
  /** A newly certified round, to every reader. */
  readonly publish: (round: CertifiedRound) => void;
  /** Ends every reader's stream. */
  readonly close: () => void;
};

type Reader = {
  readonly response: ServerResponse;
  readonly feeds: readonly FeedId[];
  readonly selection: string;
  readonly address: string;
  /** Number of the last round written, or passed over because it priced none of the reader's feeds. */
  round: number;
  /** False while stored rounds are replayed; then newly certified ones wait in `pending`. */
  live: boolean;
  pending: CertifiedRound | undefined;
  /** Where a catching-up reader stood at the last heartbeat with a full socket. */
  stalledAt: number | undefined;
};

type Hub = {
  readonly latest: () => CertifiedRound | undefined;
  readonly range: RoundStore["range"];
  readonly snapshot: (round: CertifiedRound) => RoundSnapshot;
  readonly limits: StreamLimits;
  readonly metrics: StreamMetrics;
  readonly log: GatewayLogger;
  readonly readers: Set<Reader>;
  readonly perAddress: Map<string, number>;
  /** The newest round's events by selection: a thousand readers of one selection share one buffer. */
  readonly events: Map<string, Buffer | undefined>;
  eventsOf: CertifiedRound | undefined;
};

/**
 * One round, one event, to every reader, in ascending order and none twice. Writing never waits: a reader that does not take its
 * events is let go when its own buffer is full and resumes with Last-Event-ID, and no other reader notices (P8).
 */
export function createStreamHub(parts: Pick<Hub, "latest" | "range" | "snapshot" | "limits" | "metrics" | "log">): StreamHub {
  const hub: Hub = { ...parts, readers: new Set(), perAddress: new Map(), events: new Map(), eventsOf: undefined };
  const { limits, readers } = hub;
  const heartbeat = setInterval(() => {
    for (const reader of readers) beat(hub, reader);
  }, limits.heartbeatMs).unref();
  return {
    refusal: (address) => {
      if (readers.size >= limits.maxReaders) return `all ${limits.maxReaders} places are taken`;
      const mine = hub.perAddress.get(address) ?? 0;
      return mine >= limits.maxReadersPerAddress ? `${mine} readers from this address already` : undefined;
    },
    open: (response, request) => open(hub, response, request),
    publish: (round) => {
      for (const reader of readers) offer(hub, reader, round);
    },
    close: () => {
      clearInterval(heartbeat);
      for (const { response } of readers) response.end();
    },
  };
}

function open(hub: Hub, response: ServerResponse, { feeds, lastEventId, address }: StreamRequest): void {
  const { latest, limits, readers, perAddress, metrics, log } = hub;
  const newest = latest()?.certificate.header.round;
  const { after, skipped } = resumeAfter(lastEventId, { newest, maxReplay: limits.maxReplayRounds });
  const reader: Reader = {
    ...{ response, feeds, selection: feeds.join(","), address },
    ...{ round: after, live: false, pending: undefined, stalledAt: undefined },
  };
  readers.add(reader);
  perAddress.set(address, (perAddress.get(address) ?? 0) + 1);
  metrics.readers(readers.size);
  response.once("close", () => forget(hub, reader));
  response.flushHeaders();
  response.write(STREAM_OPENING);
  if (skipped) response.write(commentEvent(`rounds up to ${after} are not replayed; /v1/feeds/:id/history has them`));
  replay(hub, reader).catch((error: unknown) => {
    log.error({ err: error }, "a stream's replay failed; the reader was let go and may resume");
    response.destroy();
  });
}

/** Stored rounds at the reader's own pace, then live. The last look at the store and going live are one step, so none is lost. */
async function replay(hub: Hub, reader: Reader): Promise<void> {
  for (;;) {
    const stored = hub.range({ from: reader.round + 1, to: Number.MAX_SAFE_INTEGER, limit: REPLAY_BATCH });
    if (stored.length === 0) break;
    for (const { certified } of stored) {
      if (!hub.readers.has(reader)) return;
      write(hub, reader, certified);
      await roomIn(reader.response);
    }
  }
  reader.live = true;
  if (reader.pending !== undefined) offer(hub, reader, reader.pending);
  reader.pending = undefined;
}

/** Until the socket takes more or is gone; at least one turn of the loop, so that replays do not starve the live readers. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (!response.writableNeedDrain || response.destroyed) {
      setImmediate(resolve);
      return;
    }
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

function offer(hub: Hub, reader: Reader, round: CertifiedRound): void {
  if (!reader.live) {
    reader.pending = round;
    return;
  }
  if (round.certificate.header.round <= reader.round) return;
  write(hub, reader, round);
  if (reader.response.writableLength > hub.limits.maxReaderBytes) drop(hub, reader, "slow");
}

function write(hub: Hub, reader: Reader, round: CertifiedRound): void {
  reader.round = round.certificate.header.round;
  const event = eventFor(hub, reader, round);
  if (event === undefined) return;
  reader.response.write(event);
  hub.metrics.sent();
}

function eventFor(hub: Hub, { feeds, selection }: Reader, round: CertifiedRound): Buffer | undefined {
  if (round !== hub.latest()) return bufferOf(roundEvents(hub.snapshot(round), feeds));
  if (hub.eventsOf !== round) {
    hub.eventsOf = round;
    hub.events.clear();
  }
  if (!hub.events.has(selection)) hub.events.set(selection, bufferOf(roundEvents(hub.snapshot(round), feeds)));
  return hub.events.get(selection);
}

function beat(hub: Hub, reader: Reader): void {
  const { response, live, round } = reader;
  const full = !live && response.writableNeedDrain;
  if (full && reader.stalledAt === round) drop(hub, reader, "stalled");
  else if (!full) response.write(commentEvent("heartbeat"));
  reader.stalledAt = full ? round : undefined;
}

function drop(hub: Hub, { response }: Reader, reason: DropReason): void {
  hub.metrics.dropped(reason);
  response.destroy();
}

function forget({ readers, perAddress, metrics }: Hub, reader: Reader): void {
  if (!readers.delete(reader)) return;
  const left = (perAddress.get(reader.address) ?? 1) - 1;
  if (left > 0) perAddress.set(reader.address, left);
  else perAddress.delete(reader.address);
  metrics.readers(readers.size);
}

function bufferOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}
