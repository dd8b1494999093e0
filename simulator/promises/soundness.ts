import type { CreateJudge } from "./judge.ts";

/** A machine that wakes itself up without an end would say so by far more of this a round. */
const MAX_EVENTS_PER_ROUND = 400;

/**
 * The machine keeps its contract with the shell: one look at the market a round and life, no life without a start, no fault of its own on
 * gossip, and no flood of events. What is thrown is caught where a trial is run.
 */
export const judgeSoundness: CreateJudge = ({ facts, truth, complain }) => {
  const { roundMs } = facts.network.config;
  const up = new Set<number>();
  const sampled = new Map<number, Set<number>>();
  const events = new Map<number, { readonly round: number; count: number }>();

  const countEvent = (node: number, at: number): void => {
    const round = Math.floor(at / roundMs);
    const counted = events.get(node);
    const tally = counted?.round === round ? counted : { round, count: 0 };
    tally.count += 1;
    events.set(node, tally);
    if (tally.count === MAX_EVENTS_PER_ROUND) complain("sound", at, `node ${node} made ${tally.count} events in one round`);
  };

  return {
    witness: (occurrence) => {
      const { kind, at } = occurrence;
      if (kind === "fault" || kind === "misbehaved") return;
      const { node } = occurrence;
      if (kind === "started") {
        if (up.has(node)) complain("sound", at, `node ${node} was started while it ran`);
        up.add(node);
        sampled.set(node, new Set());
      } else if (kind === "stopped") up.delete(node);
      else if (kind === "sampled") {
        // What a clock ahead of its time has looked at comes again when it is set right; nothing was signed, or it would not ask.
        if (sampled.get(node)?.has(occurrence.round) && !truth.wrongClock.has(node)) {
          complain("sound", at, `node ${node} asked for round ${occurrence.round}'s sample a second time`);
        }
        sampled.get(node)?.add(occurrence.round);
      } else if (kind === "event") countEvent(node, at);
      else if (kind === "judged" && occurrence.code === "internal") {
        complain("sound", at, `node ${node} failed on a ${occurrence.topic} of node ${occurrence.from}`);
      }
      const acts = kind === "sampled" || kind === "sent" || kind === "committed";
      if (acts && !up.has(node) && truth.isHonest(node)) complain("sound", at, `node ${node} ${kind} while it was down`);
    },
  };
};
