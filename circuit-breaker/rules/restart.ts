import type { Reading, RuleInput } from "./rule.ts";

/** P9: the first rounds of a feed or after an outage, and for as long as the price was observed before it. */
export function readRestart({ restartRounds, memory: { rounds, restartAt }, facts: { observedAt } }: RuleInput): Reading {
  if (rounds > restartRounds && observedAt < restartAt) {
    return { fires: true, unit: "Ms", measured: restartAt - observedAt, limit: 0 };
  }
  return { fires: rounds <= restartRounds, unit: "Rounds", measured: rounds, limit: restartRounds };
}
