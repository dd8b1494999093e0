import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import type { FeedConfig, NetworkConfig } from "../../../protocol/config.ts";
import type { FeedEntry } from "../../../protocol/observation.ts";
import { LARGEST_AMOUNT } from "./arithmetic.ts";

/**
 * B1's entries and ranks of one feed, a second time: a rank is counted, not sorted for. The rank-r value from below is the least value
 * that more than r of the values do not exceed.
 */
export function viewByCounting(
  entries: readonly FeedEntry[],
  { feed, thresholds }: FeedConfig,
  { config, f, timestamp }: { readonly config: NetworkConfig; readonly f: number; readonly timestamp: number },
): QuorumView | undefined {
  const counted = entries.filter(
    ({ low, price, high, asOf }) =>
      ![low > 0n, low <= price, price <= high, high <= LARGEST_AMOUNT].includes(false) &&
      asOf <= timestamp + config.roundMs + config.maxSkewMs &&
      timestamp - asOf <= thresholds.quoteMs + config.roundMs,
  );
  if (counted.length < 2 * f + 1) return undefined;
  const middle = Math.floor(counted.length / 2);
  const price = fromBelow(
    counted.map((entry) => entry.price),
    middle,
  );
  const chosen = counted.filter((entry) => entry.price === price).map(({ asOf }) => asOf);
  const median = (field: (entry: FeedEntry) => number) => fromBelow(counted.map(field), middle);
  return {
    feed,
    price,
    rawLow: fromBelow(
      counted.map(({ low }) => low),
      f,
    ),
    rawHigh: -fromBelow(
      counted.map(({ high }) => -high),
      f,
    ),
    observedAt: [median(({ asOf }) => asOf), fromBelow(chosen, 0), timestamp].reduce((a, b) => (b < a ? b : a)),
    groups: median(({ groups }) => groups),
    topBps: median(({ topBps }) => topBps),
    outsideBps: median(({ outsideBps }) => outsideBps),
  };
}

function fromBelow<T extends number | bigint>(values: readonly T[], rank: number): T {
  const candidates = values.filter((value) => values.filter((other) => other <= value).length > rank);
  return candidates.reduce((a, b) => (b < a ? b : a));
}
