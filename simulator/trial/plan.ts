import type { PlannedAct } from "../cluster/act.ts";
import type { PlannedFault } from "../cluster/fault.ts";

/**
 * Everything a trial is, as plain data: the same plan gives the same trial to the last byte. It follows from the seed; a minimised
 * failure is the same plan with parts taken out. Times in ms of true time from the trial's start.
 */
export type Plan = {
  readonly seed: number;
  readonly n: number;
  /** Which network: its feeds, thresholds and round time, by name. */
  readonly setting: SettingName;
  /** Byzantine nodes and what each of them does, by name; at most f unless the trial is meant to fail. */
  readonly byzantine: readonly { readonly node: number; readonly behaviour: string }[];
  /** Honest clocks never agree quite: within maxSkewMs / 4. */
  readonly skewsMs: readonly number[];
  /** Shortest and longest time on a link while nothing is wrong. */
  readonly delayMs: readonly [number, number];
  /** When each node is started first. */
  readonly startsMs: readonly number[];
  readonly faults: readonly PlannedFault[];
  /** What keyholders do, and what pretends to be theirs. */
  readonly acts: readonly PlannedAct[];
  /** Any fault at all until then; from then on only the byzantine nodes misbehave, if `healsByzantine` is false. */
  readonly safetyMs: number;
  readonly healsByzantine: boolean;
  /** Nodes that stay down after healing: at most f together with the byzantine ones. */
  readonly downAfterHeal: readonly number[];
  /** How long the healed network is watched. */
  readonly healMs: number;
};

export const SETTINGS = ["second", "slow", "one-feed"] as const;
export type SettingName = (typeof SETTINGS)[number];
