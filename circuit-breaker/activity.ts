import type { Thresholds } from "../protocol/thresholds.ts";
import type { RoundClock } from "./clock.ts";
import { countBits } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { BIT, INDEX } from "./rules/rule.ts";
import { BY_LEADER, HARD, SOFT_ROWS } from "./rules.ts";

/** The longest quiet time is clearMs · 2⁴. */
const MAX_DOUBLINGS = 4;

/** Which rules stand in a round, as bit sets. */
export type Activity = {
  /** In this round. */
  readonly fires: number;
  /** Fires, or is soft and fired within its quiet time. */
  readonly active: number;
  /** Fires under too few leaders and nothing else keeps it active: it narrows this round and holds nothing. */
  readonly passing: number;
  /** Fires under too few leaders, whatever an earlier firing still keeps active: what one faulty leader can bring about alone. */
  readonly byFew: number;
};

/**
 * Takes the firing rules into memory and says which are active. `fired`, what holds, is set for rules 1–3 only when f+1 different
 * leaders are among the last n rounds that fired: which observations are included is the leader's choice. Missed rounds did not fire.
 */
export function judgeActivity(
  memory: FeedMemory,
  fires: number,
  { clock, thresholds }: { readonly clock: RoundClock; readonly thresholds: Thresholds },
): { readonly memory: FeedMemory; readonly activity: Activity } {
  const next = recordFiring(memory, fires, clock);
  const quietMs = Math.min(thresholds.clearMs * 2 ** Math.min(memory.trips, MAX_DOUBLINGS), thresholds.clearCapMs);
  let held = fires & HARD;
  let byFew = 0;
  for (const { index, bit } of SOFT_ROWS) {
    const firedAt = next.fired[index] ?? 0;
    if ((fires & bit) !== 0 && firedAt !== clock.timestamp) byFew |= bit;
    if (firedAt !== 0 && clock.timestamp - firedAt <= quietMs) held |= bit;
  }
  return { memory: next, activity: { fires, active: fires | held, passing: fires & ~held, byFew } };
}

function recordFiring(memory: FeedMemory, fires: number, clock: RoundClock): FeedMemory {
  const [dispersion, divergence, thin] = memory.recent;
  const recent = [
    shiftRounds(dispersion, fires & BIT.dispersion, clock),
    shiftRounds(divergence, fires & BIT.divergence, clock),
    shiftRounds(thin, fires & BIT.thin, clock),
  ] as const;
  if (fires === 0) return { ...memory, recent };
  const fired = memory.fired.map((firedAt, index) => {
    const bit = 1 << index;
    if ((fires & bit) === 0) return firedAt;
    const rounds = (bit & BY_LEADER) === 0 ? undefined : recent[index - INDEX.dispersion];
    return rounds === undefined || countBits(rounds) >= clock.leadersToHold ? clock.timestamp : firedAt;
  });
  return { ...memory, fired, recent };
}

/** Bit k says "fired in round r − k"; n consecutive rounds have n different leaders, so bits count leaders. */
function shiftRounds(rounds: bigint, firesNow: number, { roundsSinceParent, leaders }: RoundClock): bigint {
  if (rounds === 0n) return firesNow === 0 ? 0n : 1n;
  const shifted = roundsSinceParent < leaders ? BigInt.asUintN(leaders, rounds << BigInt(roundsSinceParent)) : 0n;
  return firesNow === 0 ? shifted : shifted | 1n;
}
