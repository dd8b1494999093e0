import type { CreateJudge } from "./judge.ts";

/**
 * P9: after an outage, and in a feed's first rounds, nothing may be liquidated until restartRounds certified rounds and a price observed
 * since then; the feed is open in the first of them.
 */
export const judgeRestarts: CreateJudge = ({ facts, complain }) => ({
  onFeed: ({ feed, report, active, before, restartAt, rounds, timestamp }, { header: { round }, dtMs, at }) => {
    const say = (what: string) => complain("P9", at, `round ${round} ${feed}: ${what}`);
    const { restartRounds } = facts.network.config;
    const since = before === undefined ? "it began" : restartAt === timestamp ? `an outage of ${dtMs} ms` : "its restart";
    const early = rounds <= restartRounds || report.observedAt < restartAt;
    if (restartAt === timestamp && report.state !== "open") say(`${report.state} in the first round after ${since}`);
    if (!early) return;
    if (report.liquidate !== "none") say(`permits ${report.liquidate} in round ${rounds} after ${since}`);
    if (!active.has("restart")) say(`restart is not active in round ${rounds} after ${since}`);
    if (report.state !== "open") say(`${report.state} in round ${rounds} after ${since}`);
  },
});
