import type { MarketServer } from "../../simulator/io/market-server.ts";
import { amount } from "../e2e/stream.ts";

const SAMPLE_MS = 100;
/** A quote may be this much older than the `observedAt` it ends up under: the venues' lag, the poll's second and the median of ages. */
const BEFORE_MS = 4_000;
/** And this much newer: the round's own length, and a sample. */
const AFTER_MS = 1_500;
const KEPT_MS = 120_000;

export type Range = { readonly low: bigint; readonly high: bigint };

/** The true price path as the market's control tells it, written down while it happens. */
export type Truth = {
  /** Undefined where the path was not watched for the whole time. */
  readonly around: (feed: string, observedAt: number) => Range | undefined;
  readonly stop: () => void;
};

type Sample = { readonly at: number; readonly prices: ReadonlyMap<string, bigint> };

export function watchTruth(market: Pick<MarketServer, "state">): Truth {
  const samples: Sample[] = [];
  const look = (): void => {
    const now = Date.now();
    samples.push({ at: now, prices: new Map(market.state().feeds.map(({ feed, price }) => [feed, amount(price)])) });
    while (samples[0] !== undefined && samples[0].at < now - KEPT_MS) samples.shift();
  };
  look();
  const timer = setInterval(look, SAMPLE_MS);
  return {
    around: (feed, observedAt) => {
      const [from, to] = [observedAt - BEFORE_MS, observedAt + AFTER_MS];
      if ((samples[0]?.at ?? Number.POSITIVE_INFINITY) > from) return undefined;
      return rangeOf(samples.flatMap(({ at, prices }) => (at >= from && at <= to ? (prices.get(feed) ?? []) : [])));
    },
    stop: () => clearInterval(timer),
  };
}

function rangeOf(prices: readonly bigint[]): Range | undefined {
  const [first, ...rest] = prices;
  if (first === undefined) return undefined;
  return rest.reduce<Range>(({ low, high }, price) => ({ low: price < low ? price : low, high: price > high ? price : high }), {
    low: first,
    high: first,
  });
}
