import type { CreateJudge } from "./judge.ts";
import { createRoster } from "./roster.ts";
import { SILENT_PEER_MS } from "./truth.ts";

/** Rounds until everybody names the newest head again. */
const SETTLE_ROUNDS = 3;

/**
 * P8 for rounds: while links, clocks and nodes are in order, every round that an honest running node leads is certified in its time,
 * whatever byzantine nodes hide, delay or send, as long as a quorum of honest nodes runs.
 */
export const judgeSynchrony: CreateJudge = ({ facts, truth, ledger, complain }) => {
  const { roundMs, maxSkewMs } = facts.network.config;
  const roster = createRoster();
  const settleMs = SETTLE_ROUNDS * roundMs + (1 + truth.f) * SILENT_PEER_MS;
  const latenessMs = maxSkewMs + facts.maxSkewMs + 2 * facts.maxDelayMs;

  return {
    witness: roster.take,
    finish: (endedAt) => {
      const certified = new Map(
        ledger()
          .all()
          .map((round) => [round.header.round, round]),
      );
      const first = Math.ceil((facts.startAt + settleMs) / roundMs);
      for (let round = first; round * roundMs + roundMs + latenessMs <= endedAt; round++) {
        const leader = truth.leaderOf(round);
        const span = { from: round * roundMs - settleMs, to: (round + 1) * roundMs + latenessMs };
        if (!truth.isHonest(leader) || !truth.isQuiet(span)) continue;
        const running = truth.honest.filter((node) => roster.serves(node, { ...span, round }));
        if (running.length < truth.quorum || !running.includes(leader)) continue;
        const found = certified.get(round);
        if (found !== undefined && found.at <= span.to) continue;
        const late = found === undefined ? "never" : `${found.at - span.to} ms too late`;
        const nodes = running.join(" ");
        complain("P8", span.to, `round ${round} of honest leader ${leader} was certified ${late}; in order: nodes ${nodes}`);
      }
    },
  };
};
