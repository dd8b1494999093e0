import type { PromiseName } from "../promises/checker.ts";
import { addCoverage, type CoverageCounts, coverageFaults, emptyCoverage } from "./coverage.ts";
import { coverageLines, formatCount } from "./coverage-table.ts";
import type { Mode, ReplyTo, TrialResult } from "./work.ts";

/** Seeds of failed trials that are listed; of the others only their number. */
const MAX_SEEDS = 100;
/** Beyond f what must be seen to break: the two promises that rest on a quorum's honesty alone. */
export const SEEN_BEYOND = ["P1", "P2"] as const satisfies readonly PromiseName[];

/** Many trials, as far as they have come. */
export type Campaign = {
  readonly trials: number;
  readonly rounds: number;
  readonly violations: number;
  /** Trials with a violation, and the first seeds of them. */
  readonly failures: number;
  readonly seeds: readonly number[];
  /** The failed trial of the lowest seed, for each promise. */
  readonly firsts: ReadonlyMap<PromiseName, TrialResult>;
  readonly coverage: CoverageCounts;
};

export const NO_TRIALS: Campaign = {
  trials: 0,
  rounds: 0,
  violations: 0,
  failures: 0,
  seeds: [],
  firsts: new Map(),
  coverage: emptyCoverage(),
};

export function addTrials(campaign: Campaign, { trials, rounds, failed, coverage }: ReplyTo<"trials">): Campaign {
  const firsts = new Map(campaign.firsts);
  for (const result of failed) {
    for (const { promise } of result.violations) {
      const known = firsts.get(promise);
      if (known === undefined || result.plan.seed < known.plan.seed) firsts.set(promise, result);
    }
  }
  const seeds = [...campaign.seeds, ...failed.map(({ plan }) => plan.seed)].sort((a, b) => a - b);
  return {
    trials: campaign.trials + trials,
    rounds: campaign.rounds + rounds,
    violations: campaign.violations + failed.reduce((sum, { violations }) => sum + violations.length, 0),
    failures: campaign.failures + failed.length,
    seeds: seeds.slice(0, MAX_SEEDS),
    firsts,
    coverage: addCoverage([campaign.coverage, coverage]),
  };
}

/** What a script is told: 0 as it should be, 1 not. Beyond f the mode exists to show that the checkers see what breaks. */
export function exitCodeOf({ failures, firsts, coverage }: Campaign, mode: Mode): 0 | 1 {
  if (mode === "beyond") return SEEN_BEYOND.every((promise) => firsts.has(promise)) ? 0 : 1;
  return failures === 0 && coverageFaults(coverage).forbidden.length === 0 ? 0 : 1;
}

export type RunFacts = {
  readonly command: string;
  readonly commit: string;
  readonly elapsedMs: number;
  readonly workers: number;
  readonly mode: Mode;
};

/** @example headline(campaign, facts); // "10 000 seeds in 27 min 40 s by 2 workers (6.0 seeds/s), 912 345 rounds certified: 0 violations." */
export function headline({ trials, rounds, violations, failures }: Campaign, { elapsedMs, workers }: RunFacts): string {
  const pace = `${duration(elapsedMs)} by ${workers} ${workers === 1 ? "worker" : "workers"} (${speed(trials, elapsedMs)})`;
  const where = failures === 0 ? "" : ` in ${formatCount(failures)} seeds`;
  const broken = `${formatCount(violations)} ${violations === 1 ? "violation" : "violations"}${where}`;
  return `${formatCount(trials)} seeds in ${pace}, ${formatCount(rounds)} rounds certified: ${broken}.`;
}

/** The end of a campaign, for a terminal. */
export function summaryLines(campaign: Campaign, facts: RunFacts): readonly string[] {
  const { seeds, failures, firsts } = campaign;
  const more = failures > seeds.length ? ` and ${failures - seeds.length} more` : "";
  return [
    `${facts.command} at commit ${facts.commit}`,
    headline(campaign, facts),
    ...(failures === 0 ? [] : [`violated: ${[...firsts.keys()].sort().join(", ")}; seeds ${seeds.join(", ")}${more}`]),
    ...(facts.mode === "beyond" ? [beyondLine(campaign)] : []),
    "coverage:",
    ...coverageLines(campaign.coverage),
  ];
}

/** @example progressLine({ ...campaign, trials: 120 }, { total: 1_000, elapsedMs: 20_000 }); // "120 of 1 000 seeds, 6.0 seeds/s, …" */
export function progressLine(
  campaign: Campaign,
  { total, elapsedMs }: { readonly total: number; readonly elapsedMs: number },
): string {
  const { trials, rounds, violations } = campaign;
  const leftMs = trials === 0 ? undefined : ((total - trials) * elapsedMs) / trials;
  const parts = [
    `${formatCount(trials)} of ${formatCount(total)} seeds`,
    speed(trials, elapsedMs),
    `${formatCount(rounds)} rounds certified`,
    `${formatCount(violations)} violations`,
    ...(leftMs === undefined ? [] : [`${duration(leftMs)} left`]),
  ];
  return parts.join(", ");
}

/** @example duration(1_660_000); // "27 min 40 s" */
export function duration(ms: number): string {
  const total = Math.round(ms / 1_000);
  const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds} s` : `${seconds} s`;
}

function beyondLine({ firsts }: Campaign): string {
  const unseen = SEEN_BEYOND.filter((promise) => !firsts.has(promise));
  if (unseen.length === 0) return "beyond f: the checkers reported broken promises P1 and P2, as they must";
  return `beyond f: no violation of ${unseen.join(" or ")} was reported; the checkers are blind or the seeds too few`;
}

function speed(trials: number, elapsedMs: number): string {
  return `${((trials * 1_000) / Math.max(1, elapsedMs)).toFixed(1)} seeds/s`;
}
