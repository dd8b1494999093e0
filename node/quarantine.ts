import type { Address } from "../protocol/bytes.ts";
import type { Committee } from "../protocol/committee.ts";

/** Every connected peer is greeted this often until the quarantine ends. */
export const GREET_INTERVAL_MS = 1_000;
/** What a peer said of its clock and head says nothing of a later moment; a few greetings may go unanswered. */
const REPORT_FRESH_MS = 5_000;

/** What one node was heard to say: its own clock and head included. */
export type Report = {
  /** Its clock minus ours, in ms, at the middle of the exchange. */
  readonly offsetMs: number;
  /** max(⌊clock / roundMs⌋, round of its newest head). */
  readonly heard: number;
  /** Unix ms of our clock. */
  readonly receivedAt: number;
};

/** One exchange of hellos. `sentAt` and `receivedAt` are our clock, `clock` the peer's. */
export type Exchange = {
  readonly clock: number;
  readonly headRound: number;
  readonly sentAt: number;
  readonly receivedAt: number;
};

/**
 * What an exchange says; undefined when it took so long that the clocks cannot be compared within `maxSkewMs`: the peer's clock was
 * read somewhere between `sentAt` and `receivedAt`, so the middle is off by at most half of the time between.
 *
 * @example
 * readExchange({ clock: 5_000, headRound: 0, sentAt: 4_980, receivedAt: 5_000 }, { roundMs: 1_000, maxSkewMs: 250 });
 * // { offsetMs: 10, heard: 5, receivedAt: 5000 }
 */
export function readExchange(
  { clock, headRound, sentAt, receivedAt }: Exchange,
  { roundMs, maxSkewMs }: { readonly roundMs: number; readonly maxSkewMs: number },
): Report | undefined {
  if (receivedAt < sentAt || receivedAt - sentAt > 2 * maxSkewMs) return undefined;
  const offsetMs = Math.round(clock - (sentAt + receivedAt) / 2);
  return { offsetMs, heard: Math.max(Math.floor(clock / roundMs), headRound), receivedAt };
}

export type QuarantineVerdict =
  /** Fewer than 2f+1 nodes heard, the own one included. */
  | { readonly kind: "waits"; readonly heard: number; readonly needed: number }
  /** Our clock against the median: positive when the peers are ahead. */
  | { readonly kind: "clock-off"; readonly offsetMs: number }
  | { readonly kind: "leaves"; readonly firstRound: number };

/**
 * DESIGN section 5, start-up quarantine: from 2f+1 nodes on, the own included, sign only rounds ≥ (the (f+1)-th highest heard) + 2 and
 * above everything in the own guard. At least one honest node is among the f+1 highest, so whatever this key signed before it
 * started, on a disk that may have been rolled back since, lies below.
 *
 * The median clock is taken over all heard, ours (offset 0) among them: of 2f+1 values it lies within the honest ones' range.
 */
export function judgeQuarantine({
  own,
  reports,
  guardNewest,
  committee,
  maxSkewMs,
  now,
}: {
  readonly own: { readonly heard: number };
  readonly reports: ReadonlyMap<Address, Report>;
  readonly guardNewest: number;
  readonly committee: Committee;
  readonly maxSkewMs: number;
  readonly now: number;
}): QuarantineVerdict {
  const fresh = [...reports.values()].filter(({ receivedAt }) => Math.abs(now - receivedAt) <= REPORT_FRESH_MS);
  const needed = 2 * committee.f + 1;
  if (fresh.length + 1 < needed) return { kind: "waits", heard: fresh.length + 1, needed };
  const offsets = [0, ...fresh.map((report) => report.offsetMs)].sort((a, b) => a - b);
  const median = offsets[offsets.length >> 1] ?? 0;
  if (Math.abs(median) > maxSkewMs) return { kind: "clock-off", offsetMs: median };
  const heard = [own.heard, ...fresh.map((report) => report.heard)].sort((a, b) => b - a);
  const bound = (heard[committee.f] ?? 0) + 2;
  return { kind: "leaves", firstRound: Math.max(bound, guardNewest + 1) };
}
