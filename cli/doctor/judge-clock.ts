import { type Finding, failure, fine, warning } from "./finding.ts";

/** An HTTP Date header is cut to the second (RFC 9110 section 5.6.7). */
const DATE_STEP_MS = 1_000;
/** Fewer hosts cannot outvote one whose clock is off. */
const MIN_HOSTS = 3;

/** One answer's Date, Unix ms, and our clock when it was asked for and when it had come. */
export type DateSample = { readonly dateAt: number; readonly sentAt: number; readonly receivedAt: number };
/** A host's clock minus ours, in ms, lies between the two. */
export type OffsetRange = { readonly low: number; readonly high: number };

/**
 * What a host's answers, spread over a second, say together of its clock against ours. Each says that its clock was between the Date and
 * a second later while ours was between asking and receiving; the truth is in all of these ranges. Undefined when they contradict each
 * other: several machines with different clocks, or a cache, answered.
 *
 * @example
 * offsetRange([
 *   { dateAt: 5_000, sentAt: 5_200, receivedAt: 5_220 }, // between 5000 − 5220 and 6000 − 5200
 *   { dateAt: 5_000, sentAt: 5_900, receivedAt: 5_920 },
 *   { dateAt: 6_000, sentAt: 6_050, receivedAt: 6_070 },
 * ]); // { low: -70, high: 100 }
 */
export function offsetRange(samples: readonly DateSample[]): OffsetRange | undefined {
  const low = Math.max(...samples.map(({ dateAt, receivedAt }) => dateAt - receivedAt));
  const high = Math.min(...samples.map(({ dateAt, sentAt }) => dateAt + DATE_STEP_MS - sentAt));
  return samples.length > 0 && low <= high ? { low, high } : undefined;
}

/** The median host's middle, and how far from it the truth may be. */
export function medianOffset(
  ranges: readonly OffsetRange[],
): { readonly offsetMs: number; readonly withinMs: number } | undefined {
  const offsets = ranges
    .map(({ low, high }) => ({ offsetMs: Math.round((low + high) / 2), withinMs: Math.ceil((high - low) / 2) }))
    .sort((a, b) => a.offsetMs - b.offsetMs);
  return offsets[offsets.length >> 1];
}

/**
 * A node signs only while its clock is within `maxSkewMs` of its peers' (DESIGN section 5). What is measured is as uncertain as the way
 * to the hosts: it fails only when no reading of it is within the limit.
 */
export function judgeClock(ranges: readonly OffsetRange[], maxSkewMs: number): Finding {
  const median = medianOffset(ranges);
  if (median === undefined)
    return warning("clock", "no host stated its time", "compare this machine's clock by hand (chronyc tracking)");
  const { offsetMs, withinMs } = median;
  const measured = `${Math.abs(offsetMs)} ms ${offsetMs > 0 ? "behind" : "ahead of"} the median of ${hosts(ranges.length)}, give or take ${withinMs} ms`;
  const remedy = `set it ${offsetMs > 0 ? "forward" : "back"} and keep it so (chrony, ntpd): the node signs within ${maxSkewMs} ms of its peers`;
  if (Math.abs(offsetMs) - withinMs > maxSkewMs) return failure("clock", measured, remedy);
  if (Math.abs(offsetMs) * 2 > maxSkewMs) return warning("clock", measured, remedy);
  if (withinMs > maxSkewMs)
    return warning("clock", measured, "the way to the hosts is too slow to tell more; compare by hand (chronyc tracking)");
  if (ranges.length < MIN_HOSTS)
    return warning("clock", measured, "so few cannot outvote one that is off; compare by hand (chronyc tracking)");
  return fine("clock", measured);
}

function hosts(count: number): string {
  return count === 1 ? "one host" : `${count} hosts`;
}
