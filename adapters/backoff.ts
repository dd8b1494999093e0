/** A repeat is never sooner than half the drawn step, so that one unlucky draw does not hammer a venue that is down. */
const FIXED_SHARE = 0.5;

/**
 * Wait before the next try, in ms: exponential, capped, with "equal" jitter (half fixed, half drawn), so that the nodes of a
 * committee that lost the same venue at the same moment do not come back at the same moment.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures consecutive failures so far, at least 1
 * @param random uniform in [0, 1)
 * @example backoffMs({ failures: 3, baseMs: 1000, capMs: 10_000 }, 0); // 2000: half of 1000 · 2², nothing drawn
 */
export function backoffMs(
  { failures, baseMs, capMs }: { failures: number; baseMs: number; capMs: number },
  random: number,
): number {
  const step = Math.min(capMs, baseMs * 2 ** (failures - 1));
  return Math.round(step * (FIXED_SHARE + (1 - FIXED_SHARE) * random));
}
