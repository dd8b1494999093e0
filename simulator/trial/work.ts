import type { Network } from "../../protocol/config.ts";
import type { Witness } from "../cluster/occurrence.ts";
import type { PromiseName, Violation } from "../promises/checker.ts";
import { addCoverage, type CoverageCounts, createCoverage } from "./coverage.ts";
import { minimisePlan } from "./minimise.ts";
import type { Plan } from "./plan.ts";
import { createStoryteller } from "./story.ts";
import type { TrialOutcome } from "./trial.ts";

/** `within`: at most f byzantine nodes, nothing may be violated. `beyond`: f + 1 of them, and the checkers must see it. */
export const MODES = ["within", "beyond"] as const;
export type Mode = (typeof MODES)[number];

/** `table`: unforgeable rows of a table, fast. `real`: secp256k1. */
export const SIGNATURES = ["table", "real"] as const;
export type Signatures = (typeof SIGNATURES)[number];

/** Where trials are drawn and run. */
export type Laboratory = {
  readonly draw: (seed: number, mode: Mode) => Plan;
  readonly network: (plan: Plan) => Network;
  readonly run: (plan: Plan, options: { readonly witness: Witness; readonly signatures: Signatures }) => TrialOutcome;
};

/** What one trial gave; `at` of its violations is ms from the trial's start. */
export type TrialResult = {
  readonly plan: Plan;
  readonly traceHash: string;
  readonly rounds: number;
  readonly violations: readonly Violation[];
};

/** What a worker is asked, and what it answers: plain data both. */
export type Order =
  | { readonly kind: "trials"; readonly seeds: readonly number[]; readonly mode: Mode; readonly signatures: Signatures }
  | {
      readonly kind: "tell";
      readonly plan: Plan | { readonly seed: number; readonly mode: Mode };
      readonly signatures: Signatures;
    }
  | {
      readonly kind: "minimise";
      readonly plan: Plan;
      readonly promise: PromiseName;
      readonly signatures: Signatures;
      readonly maxTrials: number;
      readonly maxMs: number;
    };

export type Reply =
  | {
      readonly kind: "trials";
      readonly trials: number;
      readonly rounds: number;
      readonly failed: readonly TrialResult[];
      readonly coverage: CoverageCounts;
    }
  | { readonly kind: "tell"; readonly result: TrialResult; readonly story: readonly string[]; readonly coverage: CoverageCounts }
  | { readonly kind: "minimise"; readonly plan: Plan; readonly trials: number; readonly story: readonly string[] };

export type OrderOf<K extends Order["kind"]> = Extract<Order, { kind: K }>;
export type ReplyTo<K extends Order["kind"]> = Extract<Reply, { kind: K }>;

/** Carries an order out. `now`, in ms, bounds how long a minimisation takes; no trial depends on it. */
export function carryOut(order: Order, laboratory: Laboratory, now: () => number): Reply {
  switch (order.kind) {
    case "trials":
      return runTrials(order, laboratory);
    case "tell": {
      const plan = "mode" in order.plan ? laboratory.draw(order.plan.seed, order.plan.mode) : order.plan;
      return { kind: "tell", ...tellTrial(plan, laboratory, order.signatures) };
    }
    case "minimise":
      return minimise(order, laboratory, now);
  }
}

function runTrials({ seeds, mode, signatures }: OrderOf<"trials">, laboratory: Laboratory): Reply {
  const done = seeds.map((seed) => runCounted(laboratory.draw(seed, mode), laboratory, { signatures }));
  return {
    kind: "trials",
    trials: done.length,
    rounds: done.reduce((sum, { result }) => sum + result.rounds, 0),
    failed: done.flatMap(({ result }) => (result.violations.length > 0 ? [result] : [])),
    coverage: addCoverage(done.map(({ coverage }) => coverage)),
  };
}

function tellTrial(plan: Plan, laboratory: Laboratory, signatures: Signatures) {
  const storyteller = createStoryteller();
  const { result, coverage, startAt } = runCounted(plan, laboratory, { signatures, witness: storyteller.witness });
  const violations = result.violations.map((violation) => ({ ...violation, at: startAt + violation.at }));
  const story = storyteller.tell({ plan, network: laboratory.network(plan), startAt, violations });
  return { result, coverage, story };
}

function minimise(order: OrderOf<"minimise">, laboratory: Laboratory, now: () => number): Reply {
  const { promise, signatures, maxTrials, maxMs } = order;
  const until = now() + maxMs;
  let trials = 0;
  const fails = (plan: Plan): boolean => {
    trials += 1;
    const { result } = runCounted(plan, laboratory, { signatures });
    return result.violations.some((violation) => violation.promise === promise);
  };
  const plan = minimisePlan(order.plan, fails, () => trials < maxTrials && now() < until);
  return { kind: "minimise", plan, trials, story: tellTrial(plan, laboratory, signatures).story };
}

function runCounted(
  plan: Plan,
  laboratory: Laboratory,
  { signatures, witness }: { readonly signatures: Signatures; readonly witness?: Witness },
): { readonly result: TrialResult; readonly coverage: CoverageCounts; readonly startAt: number } {
  const counting = createCoverage(plan);
  const both: Witness = (occurrence) => {
    counting.witness(occurrence);
    witness?.(occurrence);
  };
  const { violations, traceHash, rounds, startAt } = laboratory.run(plan, { witness: both, signatures });
  const relative = violations.map((violation) => ({ ...violation, at: violation.at - startAt }));
  return {
    result: { plan, traceHash, rounds, violations: relative },
    coverage: counting.finish(laboratory.network(plan)),
    startAt,
  };
}
