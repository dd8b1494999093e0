import type { LiquidateLevel, RuleName } from "../protocol/report.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import { BPS } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { forbidsAll } from "./rules/manual.ts";
import { BIT, hasBit } from "./rules/rule.ts";
import { LEVEL_NONE } from "./rules.ts";

/** Of a consumer's own limit, at the beginning of half-open. */
const BUDGET_FLOOR_BPS = 1_000;

export type Permits = { readonly liquidate: LiquidateLevel; readonly borrow: boolean; readonly budgetBps: number };

/** What a leaf's config says of its permits: a feed's thresholds, or a chain's terms. */
type PermitTerms = Pick<Thresholds, "probeMs" | "seasonMs" | "liquidateNone">;
type PermitRound = { readonly timestamp: number; readonly priced: boolean; readonly thresholds: PermitTerms };

/**
 * What may be done with the price (B9), from the state and the rules of the round. "No reasons" is "no active rule": `config` is
 * information and takes no action (B3), and a carried price is asked about by itself. A level below `any` permits no disputed
 * liquidation, so it has no budget either: a consumer that only looked at the budget would be wrong in the safe direction.
 */
export function permit(
  memory: FeedMemory,
  { active, passing }: Pick<Activity, "active" | "passing">,
  round: PermitRound,
): Permits {
  const { state, firstAt } = memory;
  const liquidate = levelOf(memory, { active, passing }, round);
  const seasoned = round.timestamp - firstAt >= round.thresholds.seasonMs;
  return {
    liquidate,
    borrow: state === "closed" && active === 0 && round.priced && seasoned,
    budgetBps: liquidate === "any" ? budgetOf(memory, round.thresholds) : 0,
  };
}

function levelOf(
  memory: FeedMemory,
  { active, passing }: Pick<Activity, "active" | "passing">,
  { priced, thresholds }: Omit<PermitRound, "timestamp">,
): LiquidateLevel {
  if ((active & (LEVEL_NONE | bitsOf(thresholds.liquidateNone))) !== 0) return "none";
  if (hasBit(active, "manual") && forbidsAll(memory)) return "none";
  return memory.state === "open" || !priced || passing !== 0 ? "robust" : "any";
}

/** 1000 → 10000 through half-open, rounded down. @example // half-way through the probe: 1000 + 9000 · ½ = 5500 */
function budgetOf({ state, agree }: FeedMemory, { probeMs }: PermitTerms): number {
  if (state === "closed") return BPS;
  if (state === "open") return 0;
  return BUDGET_FLOOR_BPS + Math.floor(((BPS - BUDGET_FLOOR_BPS) * agree) / probeMs);
}

function bitsOf(rules: readonly RuleName[]): number {
  return rules.reduce((bits, rule) => bits | BIT[rule], 0);
}
