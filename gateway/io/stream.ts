import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { framesOf, type Notice, partsOf, resumeAfter } from "../events.ts";
import { hasEnded, readinessOf } from "../lease.ts";
import type { GatewayLogger, RoundStore } from "../ports.ts";
import type { RoundSnapshot } from "../snapshots.ts";
import type { DropReason, StreamMetrics } from "./metrics.ts";
import type { Outlet } from "./outlets.ts";
import { createTaper, type Taper } from "./taper.ts";

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

/** Whose reader it is: an address, or the holder of an API key, who may have so many. */
export type Place = { readonly id: string; readonly max: number | undefined };

export type StreamRequest = {
  readonly feeds: readonly FeedId[];
  /** Number of the last round that the reader has. */
  readonly after: number | undefined;
  readonly place: Place;
};

export type StreamHub = {
  /** Why there is no room for one more reader there; undefined when there is. */
  readonly refusal: (place: Place) => string | undefined;
  /** Takes the outlet over until it closes. */
  readonly open: (outlet: Outlet, request: StreamRequest) => void;
  /** A newly certified round, to every reader. */
  readonly publish: (round: CertifiedRound) => void;
  /** Takes no more readers; those that are here are told, and ended with how long to stay away when `graceMs` are over. */
  readonly drain: (options: { readonly graceMs: number; readonly retryMs: number }) => Promise<void>;
  /** Ends every reader's stream. */
  readonly close: () => void;
};

type Reader = {
  readonly outlet: Outlet;
  readonly feeds: readonly FeedId[];
  /** Readers of one form and selection are sent the same bytes. */
  readonly selection: string;
  readonly place: string;
  /** Number of the last round written, or passed over because it priced none of the reader's feeds. */
  round: number;
  /** False while stored rounds are replayed; then newly certified ones wait in `pending`. */
  live: boolean;
  pending: CertifiedRound | undefined;
  /** Where a catching-up reader stood at the last heartbeat with a full socket. */
  stalledAt: number | undefined;
  /** Whether it was told that prices of ended rounds are not replayed. */
  toldEnded: boolean;
};

type Hub = {
  readonly latest: () => CertifiedRound | undefined;
  readonly range: RoundStore["range"];
  readonly snapshot: (round: CertifiedRound) => RoundSnapshot;
  readonly now: () => number;
  readonly limits: StreamLimits;
  readonly metrics: StreamMetrics;
  readonly log: GatewayLogger;
  readonly taper: Taper;
  readonly readers: Set<Reader>;
  readonly perPlace: Map<string, number>;
  /** The newest round's frames by selection: a thousand readers of one selection share one buffer. */
  readonly frames: Map<string, readonly Buffer[]>;
  framesOf: CertifiedRound | undefined;
  draining: boolean;
};

/**
 * One round to every reader, in ascending order and none twice, whatever carries it. Writing never waits: a reader that does not take what
 * it is sent is let go when its own buffer is full and resumes after the last round it has, and no other reader notices (P8). A round whose
 * lease has ended is told to nobody as if it held (P3).
 */
export function createStreamHub(
  parts: Pick<Hub, "latest" | "range" | "snapshot" | "now" | "limits" | "metrics" | "log">,
): StreamHub {
  const hub: Hub = {
    ...{ ...parts, taper: createTaper(), readers: new Set(), perPlace: new Map() },
    ...{ frames: new Map(), framesOf: undefined, draining: false },
  };
  const { readers } = hub;
  const heartbeat = setInterval(() => {
    for (const reader of readers) beat(hub, reader);
  }, hub.limits.heartbeatMs).unref();
  const close = (retryMs?: number): void => {
    clearInterval(heartbeat);
    hub.draining = true;
    for (const { outlet } of readers) outlet.end(retryMs);
  };
  return {
    refusal: (place) => refusalOf(hub, place),
    open: (outlet, request) => open(hub, outlet, request),
    publish: (round) => {
      for (const reader of readers) offer(hub, reader, round);
    },
    drain: async ({ graceMs, retryMs }) => {
      hub.draining = true;
      const detail = `this gateway stops; the stream ends within ${graceMs} ms, and another gateway goes on with it`;
      for (const { outlet } of readers) outlet.notice({ code: "draining", detail });
      if (readers.size > 0) await new Promise((resolve) => setTimeout(resolve, graceMs));
      close(retryMs);
    },
    close: () => close(),
  };
}

function refusalOf({ readers, perPlace, limits, draining }: Hub, { id, max }: Place): string | undefined {
  if (draining) return "this gateway is stopping: ask another one";
  if (readers.size >= limits.maxReaders) return `all ${limits.maxReaders} places are taken`;
  const mine = perPlace.get(id) ?? 0;
  if (max === undefined) return mine >= limits.maxReadersPerAddress ? `${mine} readers from this address already` : undefined;
  return mine >= max ? `${mine} readers with this key already` : undefined;
}

function open(hub: Hub, outlet: Outlet, { feeds, after: last, place }: StreamRequest): void {
  const { latest, limits, readers, perPlace, metrics, log, taper, now } = hub;
  const newest = latest();
  const { after, skipped } = resumeAfter(last, {
    newest: newest?.certificate.header.round,
    maxReplay: limits.maxReplayRounds,
  });
  const reader: Reader = {
    ...{ outlet, feeds, selection: `${outlet.form} ${feeds.join(",")}`, place: place.id },
    ...{ round: after, live: false, pending: undefined, stalledAt: undefined, toldEnded: false },
  };
  readers.add(reader);
  perPlace.set(place.id, (perPlace.get(place.id) ?? 0) + 1);
  metrics.readers(outlet.form, 1);
  outlet.onClose(() => forget(hub, reader));
  outlet.open();
  const lease = leaseNotice(hub);
  if (lease !== undefined) outlet.notice(lease);
  if (newest !== undefined && lease !== undefined && last === undefined) {
    reader.round = newest.certificate.header.round;
    reader.toldEnded = true;
  }
  if (skipped) outlet.notice(skippedNotice(after));
  replay(hub, reader).catch((error: unknown) => {
    outlet.cut();
    const count = taper.next("replay");
    if (count === undefined) return;
    const advice = "the reader was let go and may resume; look at the disk of storage.path if it lasts";
    log.error({ err: error, at: now(), count }, `what a reader is to catch up with could not be read: ${advice}`);
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
      await reader.outlet.room();
    }
  }
  reader.live = true;
  if (reader.pending !== undefined) offer(hub, reader, reader.pending);
  reader.pending = undefined;
}

function offer(hub: Hub, reader: Reader, round: CertifiedRound): void {
  if (!reader.live) {
    reader.pending = round;
    return;
  }
  if (round.certificate.header.round <= reader.round) return;
  write(hub, reader, round);
  if (reader.outlet.bufferedBytes() > hub.limits.maxReaderBytes) drop(hub, reader, "slow");
}

function write(hub: Hub, reader: Reader, round: CertifiedRound): void {
  reader.round = round.certificate.header.round;
  const ended = hasEnded(round, hub.now());
  if (ended && !reader.toldEnded) {
    reader.toldEnded = true;
    reader.outlet.notice(endedNotice(reader.round));
  }
  const frames = framesFor(hub, reader, { round, ended });
  if (frames.length === 0) return;
  for (const frame of frames) reader.outlet.write(frame);
  hub.metrics.sent();
}

function framesFor(
  hub: Hub,
  { feeds, selection, outlet }: Reader,
  { round, ended }: { readonly round: CertifiedRound; readonly ended: boolean },
): readonly Buffer[] {
  const make = () => framesOf(outlet.form, partsOf(hub.snapshot(round), feeds, { ended })).map((text) => Buffer.from(text));
  if (ended || round !== hub.latest()) return make();
  if (hub.framesOf !== round) {
    hub.framesOf = round;
    hub.frames.clear();
  }
  const kept = hub.frames.get(selection);
  if (kept !== undefined) return kept;
  const made = make();
  hub.frames.set(selection, made);
  return made;
}

function beat(hub: Hub, reader: Reader): void {
  const { outlet, live, round } = reader;
  const full = !live && outlet.isFull();
  const stalled = full && reader.stalledAt === round;
  reader.stalledAt = full ? round : undefined;
  if (stalled || (!full && !outlet.beat())) {
    drop(hub, reader, "stalled");
    return;
  }
  const lease = full ? undefined : leaseNotice(hub);
  if (lease !== undefined) outlet.notice(lease);
}

/** P3: a reader that hears nothing is told why, and that it means "no". */
function leaseNotice({ latest, now }: Hub): Notice | undefined {
  const readiness = readinessOf(latest(), now());
  return readiness.ready ? undefined : { code: "lease-ended", detail: `nothing is permitted: ${readiness.why}` };
}

function skippedNotice(after: number): Notice {
  return { code: "skipped", detail: `rounds up to ${after} are not replayed; /v1/feeds/:id/history has them` };
}

function endedNotice(round: number): Notice {
  const detail = `the lease of round ${round} has ended, and so have those before it: /v1/feeds/:id/history has their prices`;
  return { code: "skipped", detail };
}

function drop(hub: Hub, { outlet }: Reader, reason: DropReason): void {
  hub.metrics.dropped(reason);
  outlet.cut();
}

function forget({ readers, perPlace, metrics }: Hub, reader: Reader): void {
  if (!readers.delete(reader)) return;
  const left = (perPlace.get(reader.place) ?? 1) - 1;
  if (left > 0) perPlace.set(reader.place, left);
  else perPlace.delete(reader.place);
  metrics.readers(reader.outlet.form, -1);
}
