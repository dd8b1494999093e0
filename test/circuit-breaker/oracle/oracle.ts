import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { FeedConfig, Network } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { Report } from "../../../protocol/report.ts";
import { distance, total, WHOLE, weightedMedian } from "./arithmetic.ts";
import { createChainOracle, type ReadGauge } from "./chain-oracle.ts";
import { basketMove, look, type Said } from "./look.ts";
import { createPast, type Moment, summed, volatility } from "./past.ts";
import { type Market, settle } from "./settle.ts";
import type { StoryRound } from "./story.ts";
import { createListener } from "./words.ts";

export type OracleRound = { readonly memory: FeedMemory; readonly report: Report };

/**
 * A whole network's breaker by BREAKER.md B1–B9, B12 and B13: every leaf's own past, and the basket between them. Written from the text
 * and not from the code, in another style: what happened is kept as lists, and what production carries along in timers and bit sets is
 * counted from them anew in every round. Of governance it hears what was said and knows what that means for a leaf; who may say it is
 * tested where that is decided.
 */
export function createOracle({ config }: Network) {
  const n = BigInt(config.committee.length);
  const f = (n - 1n) / 3n;
  const weights = new Map(config.basket.map(({ feed, weight }) => [feed, BigInt(weight)]));
  const world = { n, f, roundMs: BigInt(config.roundMs), restartRounds: BigInt(config.restartRounds) };
  const feeds = config.feeds.map((feed) => ({
    config: feed,
    id: feed.feed,
    weight: weights.get(feed.feed),
    past: createPast(feed.feed, feed.thresholds, { ...world, inBasket: weights.has(feed.feed) }),
  }));
  const quickestOf = (name: "probeMs" | "resetMs") =>
    config.feeds.map(({ thresholds }) => thresholds[name]).reduce((a, b) => (b < a ? b : a));
  const quickest = { probeMs: quickestOf("probeMs"), resetMs: quickestOf("resetMs") };
  const chains = config.chains.map((chain) => ({
    id: `CHAIN/${chain.chain}` as FeedId,
    name: chain.chain,
    step: createChainOracle(chain, { ...world, inBasket: false }, quickest),
  }));
  const listener = createListener();
  const certified: number[] = [];
  let parentAt: bigint | undefined;

  return (told: StoryRound): readonly OracleRound[] => {
    const { round } = told;
    const ts = BigInt(round) * BigInt(config.roundMs);
    const dt = parentAt === undefined ? 0n : ts - parentAt;
    parentAt = ts;
    certified.push(round);
    listener.hear(told.words);
    const leaseMs = BigInt(config.leaseMs);
    const now: Moment = { round: BigInt(round), ts, validUntil: ts + leaseMs, dt, outage: dt > leaseMs };
    const seen = feeds.map(({ id, weight, past, config: feed }) => {
      // The basket is weighed by the parent's averages.
      const [parentEma, sigma] = [past.sysEma, volatility(past)];
      const view = told.views.find((item) => item.feed === id);
      const own = look(past, now, view, said(feed, told, ts));
      const move = own === undefined || weight === undefined ? undefined : basketMove(past, own, parentEma);
      return { id, weight, past, own, move, sigma };
    });
    const leaves = seen.flatMap(({ id, past, own }) => {
      if (own === undefined) return [];
      const report = settle(past, own, marketOf(id));
      return [{ report, memory: summed(past, now.round) }];
    });
    const missed = missedOf(round);
    const others = chains.flatMap(({ id, name, step }) => {
      const read: ReadGauge = (gauge) => told.gauges[`${gauge}.${name}`]?.value;
      return step({ now, read, pause: listener.pauseOf(id, ts), missed }) ?? [];
    });
    return [...leaves, ...others].sort((a, b) => (a.report.feed < b.report.feed ? -1 : 1));

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

  /** Of the last sixty round numbers; before its first round a network missed none. */
  function missedOf(round: number): number {
    const first = Math.max(certified[0] ?? round, round - 59);
    return round - first + 1 - certified.slice(-60).filter((own) => own >= first).length;
  }

  function said(feed: FeedConfig, told: StoryRound, ts: bigint): Said {
    const { peg, thresholds } = feed;
    const rate = peg !== undefined && "rate" in peg ? told.gauges[`rate.${peg.rate}`] : undefined;
    const fresh = rate !== undefined && ts - BigInt(rate.asOf) <= BigInt(thresholds.quoteMs + config.roundMs) && rate.value > 0n;
    const accepts = told.words.flatMap((word) => (word.kind === "accept" && word.feed === feed.feed ? [BigInt(word.gapAt)] : []));
    const past = feeds.find(({ id }) => id === feed.feed)?.past;
    const proposed = told.proposal?.find((item) => item.feed === feed.feed);
    const served = told.views.find((item) => item.feed === feed.feed)?.price;
    const matches =
      proposed?.shadow !== undefined && served !== undefined && distance(proposed.shadow, served) <= BigInt(thresholds.configBps);
    return {
      target: peg !== undefined && "par" in peg ? BigInt(peg.par) * WHOLE : fresh ? rate.value : undefined,
      accepted: accepts.find((gapAt) => gapAt === past?.gapAt),
      pause: listener.pauseOf(feed.feed, ts),
      refuses: proposed !== undefined && !matches,
    };
  }
}
