import type { CreateJudge } from "./judge.ts";

/**
 * P6, as far as rules version 1 goes: no round is certified under another config than the network's. Pauses and changes by signed
 * documents are not in this version, so no leaf may say that somebody paused it.
 */
export const judgeOneConfig: CreateJudge = ({ facts, complain }) => ({
  onRound: ({ header: { round, configDigest }, at }) => {
    if (configDigest !== facts.network.configDigest) complain("P6", at, `round ${round}: certified under config ${configDigest}`);
  },
  onFeed: ({ active, feed }, { header: { round }, at }) => {
    if (active.has("manual") || active.has("congestion")) {
      complain("P6", at, `round ${round} ${feed}: ${[...active].join(" ")} without a document or a gauge that could cause it`);
    }
  },
});
