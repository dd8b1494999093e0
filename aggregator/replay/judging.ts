import { underPause } from "../../circuit-breaker/breaker.ts";
import { createClock, withoutParent } from "../../circuit-breaker/clock.ts";
import { establishFacts } from "../../circuit-breaker/facts.ts";
import { type FeedRound, type JudgedFeed, judgeFeed } from "../../circuit-breaker/feed-step.ts";
import { genesisMemory } from "../../circuit-breaker/genesis.ts";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { Network } from "../../protocol/config.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import type { RoundFacts } from "./facts.ts";

/** One round of one feed, judged under some thresholds; `taken` is what {@link judgeFeed} was given. */
export type JudgedRound = { readonly facts: RoundFacts; readonly taken: FeedRound; readonly judged: JudgedFeed };

export type Judging = {
  readonly network: Pick<Network, "config" | "committee">;
  readonly thresholds: Thresholds;
  /** What a round started from, as certified: asked for in the first round and after one that is not here. */
  readonly memoryBefore: (round: number) => FeedMemory | undefined;
};

/** How the rounds could be followed: judged, taken up again from a certified memory, and left out for want of one. */
export type Followed = { readonly judged: number; readonly resumed: number; readonly left: number };

/**
 * The fold of one feed over rounds of one walk, ascending, under thresholds that need not be those in force: pure. Each round starts
 * from the one before it, as the network's own does; where that one is missing, from what was certified. An outage is what the clock of
 * the fold says it is. The other feeds are as they were: the market's move, and so the basket, is the certified one.
 *
 * Under the thresholds in force it comes to the verdicts that were certified.
 */
export function judgeRounds(
  rounds: readonly RoundFacts[],
  { network, thresholds, memoryBefore }: Judging,
  take: (round: JudgedRound) => void,
): Followed {
  const { config, committee } = network;
  const followed = { judged: 0, resumed: 0, left: 0 };
  let previous: { readonly round: number; readonly memory: FeedMemory } | undefined;
  for (const facts of rounds) {
    const { round, timestamp, parent, underNewConfig, view, gapAccepted } = facts;
    const began = facts.begins ? beginning(facts, thresholds) : undefined;
    const follows = previous !== undefined && previous.round === parent?.round;
    const memory = began ?? (follows ? previous?.memory : memoryBefore(round));
    if (!follows && began === undefined && followed.judged > 0) followed.resumed += 1;
    if (memory === undefined) {
      followed.left += 1;
      continue;
    }
    const validUntil = timestamp + config.leaseMs;
    const clock = createClock(config, committee, { parent, round, timestamp, validUntil, underNewConfig });
    const own = underPause(memory, facts.manual);
    const { market, inBasket, pegTarget, refusalBps } = facts;
    const taken: FeedRound = {
      ...{ clock: facts.begins ? withoutParent(clock) : clock, thresholds, memory: own },
      facts: establishFacts(own, view, { timestamp, thresholds, gapAccepted }),
      ...{ market, inBasket, pegTarget, refusalBps },
    };
    const judged = judgeFeed(taken);
    take({ facts, taken, judged });
    followed.judged += 1;
    previous = { round, memory: judged.memory };
  }
  return followed;
}

function beginning({ view, timestamp }: RoundFacts, thresholds: Thresholds): FeedMemory | undefined {
  return view === undefined ? undefined : genesisMemory(view, { timestamp, thresholds });
}
