import type { Plan } from "../../../simulator/trial/plan.ts";

/**
 * Failures that trials found, minimised, each with what it was. Plans and not seeds: another way of drawing plans would make something
 * else of a seed.
 */
export const REGRESSIONS: readonly { readonly name: string; readonly plan: Plan }[] = [
  {
    name: "a node that was stopped between its sample and its observation named the round's own certificate as its head (P8)",
    plan: {
      seed: 24,
      n: 4,
      setting: "slow",
      byzantine: [],
      skewsMs: [0, 0, 0, 0],
      delayMs: [2, 20],
      startsMs: [0, 0, 0, 0],
      faults: [{ at: 436_666, until: 450_573, fault: { kind: "pause", node: 2 } }],
      acts: [],
      safetyMs: 507_858,
      healsByzantine: true,
      downAfterHeal: [],
      healMs: 30_000,
    },
  },
  {
    name: "a node whose clock had been ahead stayed deaf for as long as that, after the clock was set right (P8)",
    plan: {
      seed: 489,
      n: 4,
      setting: "one-feed",
      byzantine: [],
      skewsMs: [0, 0, 0, 0],
      delayMs: [2, 20],
      startsMs: [0, 0, 0, 0],
      faults: [{ at: 21_565, until: 27_801, fault: { kind: "clock-step", node: 3, ms: 80_000 } }],
      acts: [],
      safetyMs: 27_801,
      healsByzantine: true,
      downAfterHeal: [],
      healMs: 40_000,
    },
  },
];
