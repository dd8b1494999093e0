import type { RoundClock } from "../clock.ts";
import { saturateCount } from "../integers.ts";
import type { FeedMemory } from "../memory.ts";
import type { ChainInput, Reading } from "./rule.ts";

/** `rounds` counts certified rounds since restartAt, the first being 1. */
export function countRound(memory: FeedMemory, { outage, timestamp }: RoundClock): FeedMemory {
  if (outage) return { ...memory, restartAt: timestamp, rounds: 1 };
  return { ...memory, rounds: saturateCount(memory.rounds + 1) };
}

/** P9: the first rounds of a feed or after an outage, and for as long as the price was observed before it. */
export function readRestart({
  restartRounds,
  memory: { rounds, restartAt },
  facts: { observedAt },
}: Pick<ChainInput, "restartRounds" | "memory" | "facts">): Reading {
  if (rounds > restartRounds && observedAt < restartAt) {
    return { fires: true, unit: "Ms", measured: restartAt - observedAt, limit: 0 };
  }
  return { fires: rounds <= restartRounds, unit: "Rounds", measured: rounds, limit: restartRounds };
}
