import { formatAmount } from "../../protocol/amount.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { quorumTruth } from "./quorum-truth.ts";
import type { FeedTrack } from "./walk.ts";

/**
 * P4: the price served is the quorum's or the carried one, whatever the breaker thinks of it; it lies within its interval, and the
 * interval within what the quorum's ends ask for or wider.
 */
export const judgePriceKept: CreateJudge = ({ truth, complain }) => {
  /** A feed without a leaf was never priced. */
  const takeRound = ({ included, reports, network: { config }, header: { round, timestamp }, parent, at }: RoundFact): void => {
    for (const feed of config.feeds) {
      if (reports.has(feed.feed)) continue;
      if (parent?.reports.has(feed.feed)) complain("P4", at, `round ${round} ${feed.feed}: its leaf is gone`);
      if (quorumTruth(included, feed, { config, f: truth.f, timestamp }).priced) {
        complain("P4", at, `round ${round} ${feed.feed}: the quorum prices it and it has no leaf`);
      }
    }
  };

  const takeFeed = ({ feed, report, quorum, carried }: FeedTrack, { header: { round }, at }: RoundFact): void => {
    const say = (what: string) => complain("P4", at, `round ${round} ${feed}: ${what}`);
    const { price, low, high, observedAt } = report;
    if (quorum.priced === carried)
      say(`${quorum.counted.length} entries count and it is marked ${carried ? "carried" : "fresh"}`);
    if (quorum.priced && quorum.price !== price) {
      say(`serves ${formatAmount(price)}, the quorum's is ${formatAmount(quorum.price)}`);
    }
    if (quorum.priced && quorum.observedAt !== observedAt) say(`observed at ${observedAt}, the quorum at ${quorum.observedAt}`);
    if (low > price || high < price) say(`price ${formatAmount(price)} outside ${formatAmount(low)} … ${formatAmount(high)}`);
    if (quorum.priced && (low > quorum.rawLow || high < quorum.rawHigh)) {
      const raw = `${formatAmount(quorum.rawLow)} … ${formatAmount(quorum.rawHigh)}`;
      say(`interval ${formatAmount(low)} … ${formatAmount(high)} is narrower than the quorum's ${raw}`);
    }
  };

  return { onRound: takeRound, onFeed: takeFeed };
};
