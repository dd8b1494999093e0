import { type Digest, ZERO_DIGEST } from "../protocol/bytes.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import {
  addHold,
  addRound,
  addSums,
  alignDown,
  alignUp,
  type Candle,
  isCarried,
  MINUTE_MS,
  NOTHING,
  type Sums,
} from "./candles.ts";
import type { RoundStore } from "./ports.ts";

/** One-minute sums kept, of all feeds together: two days of twenty-five feeds, half a day of a hundred. Each is some 300 bytes. */
const DEFAULT_MAX_SUMS = 72_000;
const MAX_MINUTES = 2_880;
const MIN_MINUTES = 60;
/** Verdicts read from the store in one step: a few milliseconds. */
const STEP_VERDICTS = 512;
/** Rounds whose digests are remembered: how far back a new head may leave the walk and be understood. */
const MAX_RECENT = 1_024;
/** Times that a minute with a hole in its chain is read again: a follower fills holes within minutes, or never. */
const MAX_READINGS = 5;
/** No config has a longer one (protocol/config.ts): further back no price can hold into a minute. */
const MAX_LEASE_MS = 120_000;
/** Minutes read again before a head whose parent is not known here. */
const UNKNOWN_DEPTH = 2;

/** A feed's minute; `awaited` while it is still to be read from the store. */
export type MinuteView = { readonly startAt: number; readonly sums: Sums; readonly complete: boolean; readonly awaited: boolean };

/**
 * One-minute candles of every feed over the rounds of the walk, kept as rounds come, so that an answer costs its candles and not its
 * rounds. What was before, and what the walk left behind, is read from the store in small steps.
 */
export type CandleBook = {
  /** A new head, after the store has it. */
  readonly take: (round: CertifiedRound) => void;
  /** Reads a little more of what is missing, newest first; false when nothing is. */
  readonly step: () => boolean;
  /** Timestamp of the newest round. */
  readonly newestAt: () => number | undefined;
  /** Every minute that begins in [from, to) and is kept, by ascending time. */
  readonly minutes: (feed: FeedId, span: { readonly from: number; readonly to: number }) => readonly MinuteView[];
  /** The newest `limit` candles that begin in [from, to], oldest first; those of which nothing is known are left out. */
  readonly candles: (
    feed: FeedId,
    query: { readonly minutes: number; readonly from: number; readonly to: number; readonly limit: number },
  ) => readonly Candle[];
};

/** A minute of all feeds; `linked` when each of its rounds names the one before as its parent: no round of the walk is missing. */
type Minute = { readonly sums: Map<FeedId, Sums>; linked: boolean };
type Reading = Minute & { readonly startAt: number; previous: CertifiedRound | undefined; nextRound: number; isEmpty: boolean };

type Book = {
  readonly store: Pick<RoundStore, "latest" | "byRound" | "range" | "history">;
  readonly roundMs: number;
  readonly maxSums: number;
  readonly minutes: Map<number, Minute>;
  /** Minutes to be read, by their beginning. */
  readonly awaited: Set<number>;
  /** How often a minute with a hole was read. */
  readonly holed: Map<number, number>;
  readonly recent: Map<Digest, number>;
  last: CertifiedRound | undefined;
  reading: Reading | undefined;
};

export function createCandleBook({
  maxSums = DEFAULT_MAX_SUMS,
  ...options
}: Pick<Book, "store" | "roundMs"> & { readonly maxSums?: number | undefined }): CandleBook {
  const book: Book = {
    ...options,
    maxSums,
    ...{ minutes: new Map(), awaited: new Set(), holed: new Map(), recent: new Map() },
    ...{ last: options.store.latest()?.certified, reading: undefined },
  };
  const [oldest] = book.last === undefined ? [] : book.store.range({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1 });
  if (book.last !== undefined && oldest !== undefined) {
    awaitMinutes(book, timestampOf(oldest.certified), timestampOf(book.last));
    remember(book, book.last);
  }
  return {
    take: (round) => take(book, round),
    step: () => step(book),
    newestAt: () => (book.last === undefined ? undefined : timestampOf(book.last)),
    minutes: (feed, span) => viewMinutes(book, feed, span),
    candles: (feed, query) => candlesOf(book, feed, query),
  };
}

function take(book: Book, round: CertifiedRound): void {
  const { last, awaited, minutes } = book;
  const at = timestampOf(round);
  if (last === undefined) awaitMinutes(book, at, at);
  else if (round.certificate.header.parent === last.digest) {
    const next = Math.max(minuteOf(timestampOf(last)) + MINUTE_MS, minuteOf(at) - MAX_MINUTES * MINUTE_MS);
    for (let minute = next; minute <= minuteOf(at); minute += MINUTE_MS) {
      if (!awaited.has(minute)) minutes.set(minute, { sums: new Map(), linked: true });
    }
    hold(book, last, at);
    const minute = awaited.has(minuteOf(at)) ? undefined : minutes.get(minuteOf(at));
    if (minute !== undefined) count(minute.sums, round);
  } else {
    // The walk left what was the head, or has a hole here: both are read again as the store has them by then.
    const fork = book.recent.get(round.certificate.header.parent) ?? timestampOf(last) - UNKNOWN_DEPTH * MINUTE_MS;
    awaitMinutes(book, Math.min(fork, timestampOf(last)), at);
  }
  if (last !== undefined && minuteOf(timestampOf(last)) < minuteOf(at)) readHolesAgain(book);
  book.last = round;
  remember(book, round);
  trim(book);
}

/** What a round's fresh prices held until the next round came. */
function hold({ minutes, awaited }: Pick<Book, "minutes" | "awaited">, round: CertifiedRound, until: number): void {
  const end = Math.min(until, round.certificate.header.validUntil);
  for (let from = timestampOf(round); from < end; from = minuteOf(from) + MINUTE_MS) {
    const minute = awaited.has(minuteOf(from)) ? undefined : minutes.get(minuteOf(from));
    if (minute !== undefined) holdIn(minute.sums, round, Math.min(end, minuteOf(from) + MINUTE_MS) - from);
  }
}

function holdIn(sums: Map<FeedId, Sums>, round: CertifiedRound, heldMs: number): void {
  for (const { report } of round.feeds) {
    if (!isCarried(report)) sums.set(report.feed, addHold(sums.get(report.feed) ?? NOTHING, report.price, heldMs));
  }
}

function count(sums: Map<FeedId, Sums>, round: CertifiedRound): void {
  for (const { report } of round.feeds) {
    sums.set(report.feed, addRound(sums.get(report.feed) ?? NOTHING, round.certificate.header.round, report));
  }
}

/** Every minute from one instant to another is to be read, but no more of them than are kept. */
function awaitMinutes(book: Book, from: number, to: number): void {
  const first = Math.max(minuteOf(from), minuteOf(to) - MAX_MINUTES * MINUTE_MS);
  for (let minute = first; minute <= minuteOf(to); minute += MINUTE_MS) {
    book.minutes.delete(minute);
    book.awaited.add(minute);
    if (book.reading?.startAt === minute) book.reading = undefined;
  }
}

/** Reads a part of the newest awaited minute: of the one that is not over, as far as the newest round. */
function step(book: Book): boolean {
  const { store, roundMs, last } = book;
  if (last === undefined) return false;
  book.reading ??= beginReading(book);
  const { reading } = book;
  if (reading === undefined) return false;
  const end = Math.min(Math.ceil((reading.startAt + MINUTE_MS) / roundMs) - 1, last.certificate.header.round);
  const limit = Math.max(1, Math.floor(STEP_VERDICTS / Math.max(1, last.feeds.length)));
  const rounds = store.range({ from: reading.nextRound, to: end, limit });
  for (const { certified } of rounds) read(book, reading, certified);
  if (rounds.length < limit) finish(book, reading, last);
  return true;
}

function beginReading({ store, awaited, roundMs }: Book): Reading | undefined {
  if (awaited.size === 0) return undefined;
  const startAt = [...awaited].reduce((newest, minute) => Math.max(newest, minute));
  const first = Math.ceil(startAt / roundMs);
  const reading: Reading = { startAt, sums: new Map(), linked: true, previous: undefined, nextRound: first, isEmpty: true };
  for (let round = first - 1; round >= 0 && round * roundMs > startAt - MAX_LEASE_MS; round--) {
    const stored = store.byRound(round);
    if (stored === undefined || stored.orphan) continue;
    reading.previous = stored.certified;
    break;
  }
  return reading;
}

function read({ store }: Book, reading: Reading, round: CertifiedRound): void {
  const { header } = round.certificate;
  const { previous, startAt, sums } = reading;
  if (!follows(store, reading, round)) reading.linked = false;
  if (previous !== undefined) holdWithin(sums, previous, { from: startAt, to: header.timestamp });
  count(sums, round);
  reading.isEmpty = false;
  reading.previous = round;
  reading.nextRound = header.round + 1;
}

/** Whether nothing of the walk is missing before a round. */
function follows(store: Book["store"], { previous }: Pick<Reading, "previous">, round: CertifiedRound): boolean {
  return round.certificate.header.parent === (previous?.digest ?? digestBefore(store, round) ?? ZERO_DIGEST);
}

/** Of the last round before a round that the store has, also after an outage longer than any lease. */
function digestBefore(store: Book["store"], { feeds: [feed], certificate }: CertifiedRound): Digest | undefined {
  if (feed === undefined) return undefined;
  return store.history(feed.report.feed, { from: 0, to: certificate.header.round - 1, limit: 1 })[0]?.digest;
}

function finish(book: Book, reading: Reading, last: CertifiedRound): void {
  const { minutes, awaited, holed, store } = book;
  const { startAt, previous, sums } = reading;
  book.reading = undefined;
  awaited.delete(startAt);
  // The newest minute goes on with the rounds that come, so it has to end where they begin.
  const goesOn = startAt === minuteOf(timestampOf(last));
  // An empty minute is one without a round when the round after it follows the one before it, and else one that nothing is known of.
  const [next] = reading.isEmpty ? store.range({ from: reading.nextRound, to: Number.MAX_SAFE_INTEGER, limit: 1 }) : [];
  if (next !== undefined && previous === undefined && digestBefore(store, next.certified) === undefined) return;
  const linked =
    reading.linked &&
    (next === undefined || follows(store, reading, next.certified)) &&
    (!goesOn || previous?.digest === last.digest);
  if (previous !== undefined && !goesOn) holdWithin(sums, previous, { from: startAt, to: startAt + MINUTE_MS });
  minutes.set(startAt, { sums, linked });
  if (linked) holed.delete(startAt);
  else holed.set(startAt, (holed.get(startAt) ?? 0) + 1);
}

function holdWithin(
  sums: Map<FeedId, Sums>,
  round: CertifiedRound,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  const { timestamp, validUntil } = round.certificate.header;
  const heldMs = Math.min(to, validUntil) - Math.max(from, timestamp);
  if (heldMs > 0) holdIn(sums, round, heldMs);
}

function readHolesAgain({ holed, awaited }: Book): void {
  for (const [minute, readings] of holed) if (readings < MAX_READINGS) awaited.add(minute);
}

function remember({ recent }: Book, round: CertifiedRound): void {
  recent.set(round.digest, timestampOf(round));
  for (const digest of recent.keys()) {
    if (recent.size <= MAX_RECENT) break;
    recent.delete(digest);
  }
}

/** The more feeds, the fewer minutes. */
function trim({ minutes, awaited, holed, last, maxSums }: Book): void {
  if (last === undefined) return;
  const kept = Math.min(MAX_MINUTES, Math.max(MIN_MINUTES, Math.floor(maxSums / Math.max(1, last.feeds.length))));
  const oldest = minuteOf(timestampOf(last)) - kept * MINUTE_MS;
  for (const held of [minutes, awaited, holed]) for (const minute of held.keys()) if (minute < oldest) held.delete(minute);
}

function viewMinutes(
  { minutes, awaited, last }: Book,
  feed: FeedId,
  { from, to }: { readonly from: number; readonly to: number },
): readonly MinuteView[] {
  if (last === undefined) return [];
  const newest = minuteOf(timestampOf(last));
  const views: MinuteView[] = [];
  const first = Math.max(alignUp(from, MINUTE_MS), newest - MAX_MINUTES * MINUTE_MS);
  for (let startAt = first; startAt < to && startAt <= newest; startAt += MINUTE_MS) {
    const minute = minutes.get(startAt);
    if (minute === undefined && !awaited.has(startAt)) continue;
    const complete = minute?.linked === true && startAt < newest;
    views.push({ startAt, sums: minute?.sums.get(feed) ?? NOTHING, complete, awaited: minute === undefined });
  }
  return views;
}

function candlesOf(
  book: Book,
  feed: FeedId,
  { minutes, from, to, limit }: { readonly minutes: number; readonly from: number; readonly to: number; readonly limit: number },
): readonly Candle[] {
  const lengthMs = minutes * MINUTE_MS;
  const candles = new Map<number, { sums: Sums; complete: number }>();
  const last = alignDown(Math.min(to, Number.MAX_SAFE_INTEGER - lengthMs), lengthMs) + lengthMs;
  for (const minute of viewMinutes(book, feed, { from: alignUp(from, lengthMs), to: last })) {
    if (minute.awaited) continue;
    const startAt = alignDown(minute.startAt, lengthMs);
    const candle = candles.get(startAt) ?? { sums: NOTHING, complete: 0 };
    candle.sums = addSums(candle.sums, minute.sums);
    candle.complete += minute.complete ? 1 : 0;
    candles.set(startAt, candle);
  }
  const shown = [...candles].map(([startAt, { sums, complete }]) => ({ startAt, sums, complete: complete === minutes }));
  return shown.slice(-limit);
}

function timestampOf({ certificate }: CertifiedRound): number {
  return certificate.header.timestamp;
}

function minuteOf(at: number): number {
  return alignDown(at, MINUTE_MS);
}
