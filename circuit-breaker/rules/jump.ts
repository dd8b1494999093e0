import { lastFired, type Reading, type RuleInput } from "./rule.ts";

/**
 * A move from the anchor that the market's own move does not explain: excess = move − β · min(|B|, sysCapBps) when B has the move's
 * sign. Letting go takes half the limit: within clearMs of the last firing `2 · excess > L` fires, which for integers is
 * `excess > ⌊L / 2⌋`, so that the reported limit is the one in use. Only a fresh quorum price can fire it.
 *
 * @example
 * // 15 % below the anchor (1764 bps of the smaller price) while the basket fell by 900 bps; β 2, L 300:
 * // excess = max(0, 1764 − 1800) = 0, no jump
 */
export function readJump({ timestamp, thresholds, memory, facts, systemicBps }: RuleInput): Reading {
  const { beta, sysCapBps, clearMs } = thresholds;
  const explained = Math.sign(systemicBps) === facts.direction ? beta * Math.min(Math.abs(systemicBps), sysCapBps) : 0;
  const measured = Math.max(0, facts.moveBps - explained);
  const firedAt = lastFired(memory, "jump");
  const hysteresis = firedAt !== 0 && timestamp - firedAt <= clearMs;
  const limit = hysteresis ? Math.floor(facts.jumpLimitBps / 2) : facts.jumpLimitBps;
  return { fires: facts.priced && measured > limit, unit: "Bps", measured, limit };
}
