import type { FeedEntry } from "../../protocol/observation.ts";
import { CARRIED_BIT, hasReason } from "../../protocol/report.ts";
import { toleratedStepMs } from "../trial/bounds.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import type { FeedTrack } from "./walk.ts";

/**
 * P3: a permission ends with its lease, exists only from its own time on, and only on data of at most staleMs; a price that was not
 * seen afresh permits less. Data is as old as honest nodes say, and they say the truth.
 */
export const judgeLease: CreateJudge = ({ facts, truth, complain }) => {
  const { config } = facts.network;
  const clocksApartMs = facts.maxSkewMs + 2 * toleratedStepMs(config.maxSkewMs);

  const takeRound = ({ header, at, digest }: RoundFact): void => {
    const { round, timestamp, validUntil } = header;
    if (timestamp !== round * config.roundMs || validUntil - timestamp !== config.leaseMs) {
      complain("P3", at, `round ${round}: valid from ${timestamp} to ${validUntil}, not from its number's time for a lease`);
    }
    const liars = facts.byzantine.length + truth.wrongClock.size;
    const earliest = timestamp - config.maxSkewMs - clocksApartMs;
    if (at < earliest && liars < truth.quorum) {
      complain("P3", at, `round ${round}: ${digest} was certified ${timestamp - at} ms before its time`);
    }
  };

  const takeFeed = (track: FeedTrack, { header: { round, timestamp }, at }: RoundFact): void => {
    const { feed, report, quorum, config: feedConfig } = track;
    const { liquidate, borrow, budgetBps, observedAt } = report;
    const say = (what: string) => complain("P3", at, `round ${round} ${feed}: ${what}`);
    if (observedAt > timestamp) say(`observed ${observedAt - timestamp} ms after the round's time`);
    if (liquidate !== "none" && timestamp - observedAt > feedConfig.thresholds.staleMs) {
      say(`permits ${liquidate} on data ${timestamp - observedAt} ms old, the limit is ${feedConfig.thresholds.staleMs}`);
    }
    if (track.carried && (liquidate === "any" || borrow || budgetBps !== 0)) {
      say(`a carried price permits ${liquidate}, borrow ${borrow}, budget ${budgetBps}`);
    }
    if (
      borrow &&
      !(report.state === "closed" && track.active.size === 0 && timestamp - track.firstAt >= feedConfig.thresholds.seasonMs)
    ) {
      say(`borrow on a feed that is ${report.state} since ${report.since}, first priced ${timestamp - track.firstAt} ms ago`);
    }
    const newest = Math.max(...quorum.counted.flatMap(({ node, entry }) => (truth.isHonest(node) ? [entry.asOf] : [])));
    if (quorum.priced && observedAt > newest) say(`observed at ${observedAt}, honest nodes saw nothing newer than ${newest}`);
    if (hasReason(report.reasons, CARRIED_BIT) && track.before !== undefined && observedAt > track.before.report.observedAt) {
      say("a carried price grew younger");
    }
  };

  const takeSample = (node: number, entries: readonly FeedEntry[], at: number): void => {
    if (truth.wrongClock.has(node)) return;
    for (const { feed, asOf } of entries) {
      const ahead = asOf - at;
      if (ahead > config.maxSkewMs + clocksApartMs) {
        complain("P3", at, `${feed}: honest node ${node} calls a quote ${ahead} ms newer than the present`);
      }
    }
  };

  return {
    witness: (occurrence) => {
      if (occurrence.kind === "sampled" && truth.isHonest(occurrence.node)) {
        takeSample(occurrence.node, occurrence.entries, occurrence.at);
      }
    },
    onRound: takeRound,
    onFeed: takeFeed,
  };
};
