import { performance } from "node:perf_hooks";
import { createTaper, type Taper } from "../../adapters/taper.ts";

/** What was not seen for so long is new when it comes again: a node runs for a year, and the 1 024th repeat of a year is no repeat. */
export const QUIET_MS = 3_600_000;

/**
 * A taper for what nobody says the end of.
 *
 * @param now monotonic ms
 */
export function createQuietTaper(now: () => number = () => performance.now()): Taper {
  const taper = createTaper();
  const seenAt = new Map<string, number>();
  return {
    count: (event) => {
      const before = seenAt.get(event);
      seenAt.set(event, now());
      if (before !== undefined && now() - before >= QUIET_MS) taper.clear(event);
      return taper.count(event);
    },
    clear: (event) => {
      seenAt.delete(event);
      return taper.clear(event);
    },
  };
}
