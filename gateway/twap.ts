import { z } from "zod";
import { formatAmount } from "../protocol/amount.ts";
import { bundleFeedSchema, countSchema } from "../protocol/document.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { HistoryEntry } from "../protocol/round.ts";
import type { CandleBook } from "./candle-book.ts";
import { addHold, addRound, addSums, alignDown, alignUp, isCarried, MINUTE_MS, NOTHING, type Sums } from "./candles.ts";
import type { RoundStore } from "./ports.ts";

export type Span = { readonly from: number; readonly to: number };

/**
 * The gap rule. A certified price holds from its round's timestamp to the next certified round's, and never past its lease; a carried
 * price is an earlier one said again, so the time of a carried round is a gap, and so is all time without a round, before the first and
 * from the newest on. A gap is never filled: it is left out of the average and told.
 *
 * The sums over `[from, to)` of a feed's rounds by ascending time, the last one before `from` among them; `to` is at most the newest round's
 * timestamp, because what holds after it is not known yet. Of two spans, one after the other, the sums add up to those of both.
 *
 * @example
 * // 100 from 0 s, 110 from 1 s, carried from 2 s, 130 at 3 s: over [0, 3 s) 2 s are covered, 1 s is a gap
 * // Σ = 100 · 1000 + 110 · 1000 = 210 000, and the average 210 000 / 2000 = 105
 */
export function integrate(
  entries: readonly Pick<HistoryEntry, "round" | "timestamp" | "verdict">[],
  { from, to, leaseMs }: Span & { readonly leaseMs: number },
): Sums {
  let sums = NOTHING;
  for (const [index, { round, timestamp, verdict }] of entries.entries()) {
    if (timestamp >= from && timestamp < to) sums = addRound(sums, round, verdict.report);
    const start = Math.max(from, timestamp);
    const end = Math.min(to, timestamp + leaseMs, entries[index + 1]?.timestamp ?? to);
    if (end > start && !isCarried(verdict.report)) sums = addHold(sums, verdict.report.price, end - start);
  }
  return sums;
}

/**
 * The time-weighted mean, truncated; undefined when nothing is covered. It lies between the lowest and the highest price of the time.
 *
 * @example
 * meanOf({ weighted: 210_000n, coveredMs: 2_000 }); // 105n
 */
export function meanOf({ weighted, coveredMs }: Pick<Sums, "weighted" | "coveredMs">): bigint | undefined {
  return coveredMs === 0 ? undefined : weighted / BigInt(coveredMs);
}

/**
 * Sums over any span: whole minutes from the book, what is left at both ends from the store. Undefined while the book still reads what the
 * span needs. Leases are taken to be as long as today's at the ends.
 */
export function sumOver(
  feed: FeedId,
  { from, to }: Span,
  {
    book,
    history,
    roundMs,
    leaseMs,
  }: {
    readonly book: Pick<CandleBook, "newestAt" | "minutes">;
    readonly history: RoundStore["history"];
    readonly roundMs: number;
    readonly leaseMs: number;
  },
): Sums | undefined {
  const end = Math.min(to, book.newestAt() ?? 0);
  const edge = (span: Span): Sums => {
    if (span.from >= span.to) return NOTHING;
    const first = Math.ceil(span.from / roundMs);
    const last = Math.ceil(span.to / roundMs) - 1;
    const within = history(feed, { from: first, to: last, limit: Math.max(1, last - first + 1) });
    const before = history(feed, { from: 0, to: first - 1, limit: 1 });
    return integrate([...within, ...before].reverse(), { ...span, leaseMs });
  };
  const [middleFrom, middleTo] = [alignUp(from, MINUTE_MS), alignDown(end, MINUTE_MS)];
  if (middleFrom >= middleTo) return edge({ from, to: end });
  const minutes = book.minutes(feed, { from: middleFrom, to: middleTo });
  if (minutes.some(({ awaited }) => awaited)) return undefined;
  const middle = minutes.reduce((sums, minute) => addSums(sums, minute.sums), NOTHING);
  return addSums(addSums(edge({ from, to: middleFrom }), middle), edge({ from: middleTo, to: end }));
}

/** `GET /v1/feeds/:id/twap`. */
export const twapSchema = z.strictObject({
  feed: z.string(),
  from: countSchema.describe("Unix ms, included"),
  to: countSchema.describe("Unix ms, excluded"),
  price: bundleFeedSchema.shape.price.describe("Σ price · ms over the covered time / the covered time, truncated at 18 decimals"),
  coveredMs: countSchema.describe("time in which a fresh certified price held"),
  gapMs: countSchema.describe("all other time: it is in no average"),
  coverageBps: countSchema.describe("covered share of the whole, truncated"),
  rounds: countSchema.describe("certified rounds in this time"),
  carriedRounds: countSchema.describe("those whose price is an earlier one: their time is a gap"),
  firstRound: countSchema.nullable(),
  lastRound: countSchema.nullable(),
});

/** Truncated, so that what is asked for is never rounded into being there. */
export function coverageBpsOf({ coveredMs }: Pick<Sums, "coveredMs">, { from, to }: Span): number {
  return Number((BigInt(coveredMs) * 10_000n) / BigInt(to - from));
}

/** Undefined when nothing is covered. */
export function toTwapDocument(feed: FeedId, span: Span, sums: Sums): z.infer<typeof twapSchema> | undefined {
  const mean = meanOf(sums);
  if (mean === undefined) return undefined;
  const { coveredMs, rounds, carried, firstRound = null, lastRound = null } = sums;
  return {
    ...{ feed, ...span, price: formatAmount(mean), coveredMs, gapMs: span.to - span.from - coveredMs },
    ...{ coverageBps: coverageBpsOf(sums, span), rounds, carriedRounds: carried, firstRound, lastRound },
  };
}
