import { CARRIED_BIT } from "../protocol/report.ts";
import type { FeedVerdict } from "../protocol/round.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import { type Activity, judgeActivity } from "./activity.ts";
import { reanchor } from "./anchor.ts";
import type { Market } from "./basket.ts";
import type { RoundClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import { holdJump, holdPeg, joinsInterval } from "./hold.ts";
import { serveInterval } from "./interval.ts";
import { learn, volatilityOf } from "./learning.ts";
import type { FeedMemory } from "./memory.ts";
import { meterHull } from "./meter.ts";
import { spendOpenTime, unwaiveReversal } from "./open-time.ts";
import { asksForHull } from "./rules/manual.ts";
import { countRound } from "./rules/restart.ts";
import { BIT, hasBit } from "./rules/rule.ts";
import { INFORMATION, type Readings, readRules, reasonsOf } from "./rules.ts";
import { nextState } from "./state-machine.ts";
import { permit } from "./verdict.ts";

export type FeedRound = {
  readonly clock: RoundClock;
  readonly thresholds: Thresholds;
  /** The parent's, or the genesis of a feed that begins in this round; its pause is this round's. */
  readonly memory: FeedMemory;
  readonly facts: Facts;
  readonly market: Market;
  readonly inBasket: boolean;
  /** What the feed is redeemable for; undefined without a peg, or without a fresh rate. */
  readonly pegTarget: bigint | undefined;
  /** By how much a pending config's price differs, where that keeps the config out (B7). */
  readonly refusalBps: number | undefined;
};

export type FeedOutcome = { readonly memory: FeedMemory; readonly verdict: FeedVerdict };

/** One round of one feed; pure and total. */
export function stepFeed(round: FeedRound): FeedOutcome {
  const judged = judgeFeed(round);
  return { memory: judged.memory, verdict: giveVerdict(round, judged) };
}

/** The same without the leaf, which costs as much again. The order of these steps is part of the definition (BREAKER.md B3). */
export function judgeFeed(round: FeedRound): JudgedFeed {
  const { clock, thresholds, facts, market, pegTarget, refusalBps } = round;
  const timing = { clock, thresholds, facts, pegTarget, marketVolatility: market.volatility };
  const parent = countRound(round.memory, clock);
  const readings = readRules({
    timestamp: clock.timestamp,
    thresholds,
    restartRounds: clock.restartRounds,
    memory: parent,
    facts,
    systemicBps: market.systemicBps,
    pegTarget,
    refusalBps,
  });
  const latched = takeGap(takePrice(parent, facts), facts, readings.fires & ~INFORMATION);
  const { memory: judged, activity } = judgeActivity(latched.memory, latched.fires, round);
  const held = holdPeg(holdJump(judged, activity, timing), activity, timing);
  const spent = spendOpenTime(unwaiveReversal(held, activity, timing), activity, timing);
  const decided = nextState(spent, activity, round);
  const { memory: metered, jumpHull } = meterHull(decided, activity, timing);
  const memory = learn(metered, activity, { clock, thresholds, priced: facts.priced, inBasket: round.inBasket });
  return { readings, activity, metered, memory, jumpHull };
}

function takePrice(memory: FeedMemory, { price, pricedAt, observedAt, rawLow, rawHigh }: Facts): FeedMemory {
  return { ...memory, price, pricedAt, observedAt, rawLow, rawHigh };
}

/** A gap that was accepted, or ran out: what jump saw against the anchor it held is void as well. */
function takeGap(memory: FeedMemory, { gap }: Facts, fires: number): { readonly memory: FeedMemory; readonly fires: number } {
  if (gap.accepted) return { memory: { ...reanchor(memory), gapAt: 0 }, fires: fires & ~BIT.jump };
  return { memory: gap.gapAt === memory.gapAt ? memory : { ...memory, gapAt: gap.gapAt }, fires };
}

export type JudgedFeed = {
  readonly readings: Readings;
  readonly activity: Activity;
  /** Before learning: its variance is the leaf's, its anchor the hull's. */
  readonly metered: FeedMemory;
  readonly memory: FeedMemory;
  readonly jumpHull: boolean;
};

function giveVerdict(
  { clock, thresholds, facts, pegTarget }: FeedRound,
  { readings, activity, metered, memory, jumpHull }: JudgedFeed,
): FeedVerdict {
  const { timestamp, validUntil } = clock;
  const volatility = volatilityOf(metered, thresholds);
  const anchor = jumpHull || stretchesToAnchor(metered, activity) ? metered.anchor : undefined;
  const rate = joinsInterval(metered, activity, thresholds) ? pegTarget : undefined;
  const interval = serveInterval(facts, { anchor, rate, volatility, forMs: validUntil - facts.observedAt });
  const told = toldBy({ readings, activity });
  return {
    report: {
      feed: memory.feed,
      price: facts.price,
      ...interval,
      ema: memory.ema,
      volatility,
      observedAt: facts.observedAt,
      state: memory.state,
      ...permit(memory, activity, { timestamp, priced: facts.priced, thresholds }),
      reasons: told + (facts.priced ? 0 : 2 ** CARRIED_BIT),
      since: memory.since,
    },
    reasons: reasonsOf(told, readings),
  };
}

/** The bits that a leaf's reasons name, a carried price apart: what is active, and what is only said. */
export function toldBy({ readings, activity }: Pick<JudgedFeed, "readings" | "activity">): number {
  return activity.active | (readings.fires & INFORMATION);
}

/** B2, what no meter counts: an open feed in a gap, or paused to robust. */
function stretchesToAnchor(memory: FeedMemory, { active }: Activity): boolean {
  return memory.state === "open" && (hasBit(active, "gap") || (hasBit(active, "manual") && asksForHull(memory)));
}
