import type { Network } from "../../protocol/config.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { createRoster } from "./roster.ts";
import { SILENT_PEER_MS } from "./truth.ts";

/** Rounds until everybody names the newest head again. */
const SETTLE_ROUNDS = 3;

/** The config in force for a round; undefined around a change, when two committees have to find each other. */
function networkIn(rounds: readonly RoundFact[], round: number): Network | undefined {
  const before = rounds.findLast(({ header }) => header.round < round);
  const after = rounds.find(({ header }) => header.round >= round);
  const [from, to] = [before ?? after, after ?? before];
  return from?.network === to?.network ? from?.network : undefined;
}

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
      const rounds = [...ledger().all()].sort((a, b) => a.header.round - b.header.round);
      const certified = new Map(rounds.map((round) => [round.header.round, round]));
      const first = Math.ceil((facts.startAt + settleMs) / roundMs);
      for (let round = first; round * roundMs + roundMs + latenessMs <= endedAt; round++) {
        const network = networkIn(rounds, round);
        if (network === undefined) continue;
        const leader = truth.leaderOf(round, network);
        const span = { from: round * roundMs - settleMs, to: (round + 1) * roundMs + latenessMs };
        if (!truth.isHonest(leader) || !truth.isQuiet(span)) continue;
        const running = truth.honestIn(network).filter((node) => roster.serves(node, { ...span, round }));
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
