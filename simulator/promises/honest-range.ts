import { formatAmount } from "../../protocol/amount.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import type { FeedTrack } from "./walk.ts";

/**
 * P1: a fresh price lies within the honest nodes' entries of its round, as they were sampled, and stands on 2f+1 counted entries; any
 * other price is the one certified before it on the walk, marked and with its old time.
 */
export const judgeHonestRange: CreateJudge = ({ truth, complain }) => {
  const samples = new Map<string, (readonly FeedEntry[])[]>();

  const compareSamples = ({ included, header: { round }, at }: RoundFact): void => {
    for (const { node, observation } of included) {
      if (!truth.isHonest(node)) continue;
      const sampled = samples.get(`${node} ${round}`) ?? [];
      if (sampled.some((entries) => areSame(entries, observation.entries))) continue;
      complain("P1", at, `round ${round}: the body holds entries of honest node ${node} that it never sampled`);
    }
  };

  const compareFresh = ({ feed, report, quorum }: FeedTrack, { header: { round }, at }: RoundFact): void => {
    const { counted } = quorum;
    if (counted.length < 2 * truth.f + 1) {
      complain("P1", at, `round ${round} ${feed}: priced afresh on ${counted.length} entries, 2f+1 are ${2 * truth.f + 1}`);
      return;
    }
    const honest = counted.filter(({ node }) => truth.isHonest(node));
    const isWithin =
      honest.some(({ entry }) => entry.price <= report.price) && honest.some(({ entry }) => entry.price >= report.price);
    if (isWithin) return;
    const seen = honest.map(({ node, entry }) => `node ${node} ${formatAmount(entry.price)}`).join(", ");
    complain("P1", at, `round ${round} ${feed}: certified ${formatAmount(report.price)}, honest entries are ${seen}`);
  };

  const compareCarried = ({ feed, report }: FeedTrack, { header: { round }, parent, at }: RoundFact): void => {
    const before = parent?.reports.get(feed);
    if (before === undefined) {
      complain("P1", at, `round ${round} ${feed}: a carried price that no earlier round of the walk has`);
    } else if (before.price !== report.price || before.observedAt !== report.observedAt) {
      const was = `${formatAmount(before.price)} of ${before.observedAt}`;
      complain("P1", at, `round ${round} ${feed}: carries ${formatAmount(report.price)} of ${report.observedAt}, it was ${was}`);
    }
  };

  return {
    witness: (occurrence) => {
      if (occurrence.kind !== "sampled") return;
      const key = `${occurrence.node} ${occurrence.round}`;
      samples.set(key, [...(samples.get(key) ?? []), occurrence.entries]);
    },
    onRound: compareSamples,
    onFeed: (feed, round) => (feed.carried ? compareCarried(feed, round) : compareFresh(feed, round)),
  };
};

function areSame(a: readonly FeedEntry[], b: readonly FeedEntry[]): boolean {
  return a.length === b.length && a.every((entry, index) => isSame(entry, b[index]));
}

function isSame(a: FeedEntry, b: FeedEntry | undefined): boolean {
  if (b === undefined || a.feed !== b.feed || a.price !== b.price || a.low !== b.low || a.high !== b.high) return false;
  return a.asOf === b.asOf && a.groups === b.groups && a.topBps === b.topBps && a.outsideBps === b.outsideBps;
}
