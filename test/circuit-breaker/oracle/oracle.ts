import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import type { Network } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { Report } from "../../../protocol/report.ts";
import { total, weightedMedian } from "./arithmetic.ts";
import { basketMove, look } from "./look.ts";
import { createPast, type Moment, summed, volatility } from "./past.ts";
import { type Market, settle } from "./settle.ts";

export type OracleRound = { readonly memory: FeedMemory; readonly report: Report };

/**
 * A whole network's breaker by BREAKER.md B1–B9 and B12: every feed's own past, and the basket between them. Written from the text and
 * not from the code, in another style: what happened is kept as lists, and what production carries along in timers and bit sets is
 * counted from them anew in every round.
 */
export function createOracle({ config }: Network) {
  const n = BigInt(config.committee.length);
  const f = (n - 1n) / 3n;
  const weights = new Map(config.basket.map(({ feed, weight }) => [feed, BigInt(weight)]));
  const feeds = config.feeds.map(({ feed, thresholds }) => ({
    id: feed,
    weight: weights.get(feed),
    past: createPast(feed, thresholds, {
      n,
      f,
      roundMs: BigInt(config.roundMs),
      restartRounds: BigInt(config.restartRounds),
      inBasket: weights.has(feed),
    }),
  }));
  let parentAt: bigint | undefined;

  return (round: number, views: ReadonlyMap<FeedId, QuorumView>): readonly OracleRound[] => {
    const ts = BigInt(round) * BigInt(config.roundMs);
    const dt = parentAt === undefined ? 0n : ts - parentAt;
    parentAt = ts;
    const leaseMs = BigInt(config.leaseMs);
    const now: Moment = { round: BigInt(round), ts, validUntil: ts + leaseMs, dt, outage: dt > leaseMs };
    const seen = feeds.map(({ id, weight, past }) => {
      // The basket is weighed by the parent's averages.
      const [parentEma, sigma] = [past.sysEma, volatility(past)];
      const own = look(past, now, views.get(id));
      const move = own === undefined || weight === undefined ? undefined : basketMove(past, own, parentEma);
      return { id, weight, past, own, move, sigma };
    });
    return seen.flatMap(({ id, past, own }) => {
      if (own === undefined) return [];
      const report = settle(past, own, marketOf(id));
      return [{ report, memory: summed(past, now.round) }];
    });

    /** B: at least three of the basket's other feeds and 60 % of their weight. */
    function marketOf(feed: FeedId): Market {
      const others = seen.flatMap(({ id, weight, move, sigma }) =>
        weight === undefined || id === feed ? [] : [{ weight, move, sigma }],
      );
      const counted = others.flatMap(({ weight, move, sigma }) => (move === undefined ? [] : [{ weight, move, sigma }]));
      const [have, all] = [counted, others].map((items) => total(items.map(({ weight }) => weight)));
      if (counted.length < 3 || (have ?? 0n) * 100n < (all ?? 0n) * 60n) return { move: 0n, sigma: 0n };
      return {
        move: weightedMedian(counted.map(({ move: value, weight }) => ({ value, weight }))),
        sigma: weightedMedian(counted.map(({ sigma: value, weight }) => ({ value, weight }))),
      };
    }
  };
}
