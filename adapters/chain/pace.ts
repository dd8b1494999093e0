import type { Fault } from "../adapter.ts";
import { backoffMs } from "../backoff.ts";
import { MAX_VENUE_PAUSE_MS } from "../schedule.ts";

/** Share of an interval by which polls are shifted, so that endpoints and nodes do not beat in step. */
const JITTER = 0.1;

/**
 * How long an endpoint is left alone after a poll, in ms: the rest of the interval; after a poll that brought nothing the back-off,
 * and what the endpoint asked for, which is believed for a quarter of an hour at most, as a venue's is.
 *
 * @param poll `failures` in a row, 0 after one that brought a view; `faults` of this one; `tookMs` from its start
 * @param drawn uniform in [0, 1)
 * @example pauseMs({ failures: 0, faults: [], tookMs: 200, now: 0 }, { intervalMs: 1000, backoffBaseMs: 1000, backoffCapMs: 10_000 }, 0.5); // 800
 */
export function pauseMs(
  poll: { readonly failures: number; readonly faults: readonly Fault[]; readonly tookMs: number; readonly now: number },
  settings: { readonly intervalMs: number; readonly backoffBaseMs: number; readonly backoffCapMs: number },
  drawn: number,
): number {
  const rest = Math.max(0, settings.intervalMs * (1 + JITTER * (2 * drawn - 1)) - poll.tookMs);
  if (poll.failures === 0) return rest;
  const backoff = backoffMs({ failures: poll.failures, baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs }, drawn);
  const asked = Math.max(0, ...poll.faults.map(({ retryAt }) => (retryAt ?? poll.now) - poll.now));
  return Math.max(rest, backoff, Math.min(asked, MAX_VENUE_PAUSE_MS));
}
