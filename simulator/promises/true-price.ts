import { formatAmount } from "../../protocol/amount.ts";
import type { FeedConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { MAX_STRAY_BPS } from "../trial/market.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import type { FeedTrack } from "./walk.ts";

/** Below it the healthy sources hold more than half of the weight that is present, whichever of them answer late. */
const MINORITY_BPS = 3_400;
const BPS = 10_000n;

type Range = { readonly low: bigint; readonly high: bigint };

/**
 * P1 by the market's own truth: while at most f nodes lie and a minority of a feed's sources is wrong, a fresh price is a true price of
 * the time in which its quotes were made, give or take a healthy venue's stray.
 */
export const judgeTruePrice: CreateJudge = ({ facts, truth, complain }) => {
  const { market } = facts;
  const { roundMs, maxSkewMs, feeds } = facts.network.config;
  const fewFaulty = facts.byzantine.length + truth.wrongClock.size <= truth.f;
  const legsOf = new Map(feeds.map((feed) => [feed.feed, legs(feed)]));

  const mostlyHealthy = (feed: FeedId, timestamp: number, at: number): boolean =>
    [feed, ...(legsOf.get(feed) ?? [])].every(
      (asked) => market.faultyShareBps(asked, timestamp) < MINORITY_BPS && market.faultyShareBps(asked, at) < MINORITY_BPS,
    );

  /** Over the age that a quote may have, stretched by what the legs did in that time. */
  const allowed = (feed: FeedId, from: number, to: number): Range => {
    const own = market.truthRange(feed, from, to);
    const used = legsOf.get(feed) ?? [];
    const strayBps = BigInt(MAX_STRAY_BPS * (1 + 2 * used.length) + 1);
    return used.reduce<Range>(
      ({ low, high }, leg) => {
        const range = market.truthRange(leg, from, to);
        return { low: (low * range.low) / range.high, high: (high * range.high) / range.low };
      },
      { low: (own.low * (BPS - strayBps)) / BPS, high: (own.high * (BPS + strayBps)) / BPS },
    );
  };

  const takeFeed = ({ feed, carried, report, config }: FeedTrack, { header: { round, timestamp }, at }: RoundFact): void => {
    if (carried || !fewFaulty || at > timestamp + 2 * roundMs) return;
    // Most prices are near the truth of the round's beginning; only the others are worth a look back.
    const now = market.truth(feed, timestamp);
    const apart = report.price > now ? report.price - now : now - report.price;
    if (apart * BPS <= now * BigInt(MAX_STRAY_BPS) || !mostlyHealthy(feed, timestamp, at)) return;
    const { low, high } = allowed(feed, timestamp - config.thresholds.quoteMs - roundMs - maxSkewMs, at);
    if (report.price >= low && report.price <= high) return;
    const was = `${formatAmount(low)} … ${formatAmount(high)}`;
    complain("P1", at, `round ${round} ${feed}: certified ${formatAmount(report.price)}, the true price was ${was}`);
  };

  return { onFeed: takeFeed };
};

function legs({ sources }: FeedConfig): readonly FeedId[] {
  const feeds = sources.flatMap(({ convert }) => convert.map((leg) => ("multiply" in leg ? leg.multiply : leg.divide)));
  return [...new Set(feeds)];
}
