import type { CoverageSummary, FeedResult } from "./result.ts";

/** Below this chance a hypothesis is given up. */
const SIGNIFICANCE = 0.05;
/** With fewer expected events the χ² of a likelihood ratio is a rough guess. */
const FEW_EVENTS = 5;

/**
 * A figure for people: whole above 1 000, else up to four digits.
 *
 * @example
 * formatFigure(1234.56); // "1235"
 * formatFigure(0.01234); // "0.01234"
 */
export function formatFigure(value: number | null): string {
  if (value === null) return "–";
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return Math.round(value).toString();
  return String(Number(value.toPrecision(4)));
}

/** A chance, as far as anybody cares. @example formatChance(3e-9); // "< 0.0001" */
export function formatChance(chance: number): string {
  return chance < 0.0001 ? "< 0.0001" : formatFigure(chance);
}

/** Minutes as people say them. @example formatMinutes(1572.5); // "26.2 h" */
export function formatMinutes(minutes: number): string {
  if (minutes >= 2_880) return `${(minutes / 1_440).toFixed(1)} d`;
  if (minutes >= 120) return `${(minutes / 60).toFixed(1)} h`;
  return `${Number(minutes.toFixed(2))} min`;
}

/** A share to a tenth of a per cent, rounded down: what is not all is never said to be. @example formatShare(0.99999); // "99.9 %" */
export function formatShare(share: number | null): string {
  return share === null ? "–" : `${Math.floor(share * 1_000) / 10} %`;
}

/** UTC, to the minute. @example formatTime(0); // "1970-01-01 00:00" */
export function formatTime(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}

/** Opens by rule, the most frequent first. @example describeOpens({ jump: 3, thin: 1 }); // "jump 3, thin 1" */
export function describeOpens(opens: FeedResult["opensByRule"]): string {
  const rules = Object.entries(opens).sort(([, a], [, b]) => b - a);
  return rules.length === 0 ? "none" : rules.map(([rule, count]) => `${rule} ${count}`).join(", ");
}

/** @example describeFee(470); // "the base fee was a sign of congestion for 7.8 h; alone it never is congestion" */
export function describeFee(minutes: number): string {
  return `the base fee was a sign of congestion for ${formatMinutes(minutes)}; alone it never is congestion`;
}

/** What the two tests say, in words. */
export function describeCoverage({ trials, events, expectedEvents, rate, independence }: CoverageSummary): string {
  if (trials === 0) return "no hour to judge";
  const often =
    rate.pValue >= SIGNIFICANCE
      ? "as often as accepted"
      : events > expectedEvents
        ? "more often than accepted"
        : "rarer than accepted";
  const cluster = independence.pValue >= SIGNIFICANCE ? "no sign of clusters" : "in clusters";
  const few = expectedEvents < FEW_EVENTS ? " (few expected: a weak test)" : "";
  return `${often}${few}, ${cluster}`;
}
