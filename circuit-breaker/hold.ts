import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import { waiveJump } from "./anchor.ts";
import type { RoundClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import { moveBps, saturateTimer } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { hasBit } from "./rules/rule.ts";
import { DISAGREES } from "./rules.ts";

type Hold = { readonly clock: RoundClock; readonly thresholds: Thresholds; readonly facts: Facts };

/**
 * The corroborated hold (B5), a loss-weighted wait: while jump is active and enough groups agree, `corrob` grows by
 * dt · max(100, (move − stepMax) · 100 / L), the quotient rounded down; at 100 · confirmMs the price is believed. A step waits confirmMs;
 * a slide that many groups follow waits less the further it runs.
 *
 * A disagreement that holds starts the wait again. One that only passes (too few leaders saw it in this round) merely lets no time
 * count, in the quiet time of an earlier one as well: otherwise one faulty leader in n could keep a pause alive.
 *
 * @example
 * // L 300, 900 bps below the anchor in steps of at most 150: each second counts (900 − 150) · 100 / 300 = 250, i.e. 2.5 s
 */
export function holdJump(memory: FeedMemory, { fires, active, byFew }: Activity, { clock, thresholds, facts }: Hold): FeedMemory {
  if (!hasBit(active, "jump")) {
    const { stepBps } = facts;
    return memory.stepMax === stepBps && memory.corrob === 0n ? memory : { ...memory, stepMax: stepBps, corrob: 0n };
  }
  const stepMax = Math.max(memory.stepMax, facts.stepBps);
  const disagreeing = fires & DISAGREES;
  if ((disagreeing & ~byFew) !== 0) return { ...memory, stepMax, corrob: 0n };
  if (disagreeing !== 0) return { ...memory, stepMax };
  const speed = Math.max(100, Math.floor(((facts.moveBps - stepMax) * 100) / facts.jumpLimitBps));
  const corrob = memory.corrob + BigInt(clock.tickMs) * BigInt(speed);
  if (corrob < 100n * BigInt(thresholds.confirmMs)) return { ...memory, stepMax, corrob };
  return waiveJump(memory, facts.direction);
}

/**
 * How long a market off its redemption rate has been agreed on (B5), in ms · 100: grows like `corrob`, by dt · max(100, gap · 100 /
 * pegBps), and begins again likewise; without a target there is no gap to agree on, and no time counts. Until it reaches pegHoldMs the
 * rate may stretch the interval (B2).
 *
 * @example
 * // pegBps 100, 250 bps off: each second counts 250 · 100 / 100 = 250, i.e. 2.5 s
 */
export function holdPeg(
  memory: FeedMemory,
  { fires, active, byFew }: Activity,
  { clock, thresholds, facts, pegTarget }: Hold & { readonly pegTarget: bigint | undefined },
): FeedMemory {
  const { pegHeld } = memory;
  const disagreeing = fires & DISAGREES;
  if (!hasBit(active, "peg") || (disagreeing & ~byFew) !== 0) return pegHeld === 0n ? memory : { ...memory, pegHeld: 0n };
  if (disagreeing !== 0 || pegTarget === undefined) return memory;
  const speed = Math.max(100, Math.floor((moveBps(facts.price, pegTarget) * 100) / thresholds.pegBps));
  return { ...memory, pegHeld: saturateTimer(pegHeld + BigInt(clock.tickMs) * BigInt(speed)) };
}

/** Whether the redemption rate may stretch the interval in this round (B2): active, trusted, and not yet outweighed by agreement. */
export function joinsInterval({ pegHeld }: FeedMemory, { active }: Activity, { pegTrust, pegHoldMs }: Thresholds): boolean {
  return hasBit(active, "peg") && pegTrust === "rate" && pegHeld < 100n * BigInt(pegHoldMs);
}
