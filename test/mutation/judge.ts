import { ALL_SEEDS, type CheckResult, hasSimulator, runSeeds, runTests } from "./checks.ts";
import { type Mutant, mutate } from "./mutant.ts";
import type { Scratch } from "./scratch.ts";

/**
 * - `caught`: a test's assertion or a promise of the simulator failed; `by` names it.
 * - `survived`: nothing noticed.
 * - `out-of-date`: the guard's text is not in its file exactly once.
 * - `broken`: the mutant, or the code without it, does not run: that says nothing about the guard.
 */
export type Outcome = {
  readonly mutant: Mutant;
  readonly kind: "caught" | "survived" | "out-of-date" | "broken";
  readonly by: string;
  readonly seconds: number;
};

/** What the code as it is answers, and whether seeds are run at all. */
export type Baseline = {
  /** Of one test file, run once; `scratch` holds no mutant when it is asked. */
  readonly test: (file: string, scratch: Scratch) => Promise<CheckResult>;
  readonly seeds: boolean;
};

/** Who fails without a mutant can catch none. */
export function createBaseline(seeds: boolean): Baseline {
  const answers = new Map<string, Promise<CheckResult>>();
  const ask = async (file: string, scratch: Scratch): Promise<CheckResult> =>
    scratch.has(file) ? await runTests(scratch, [file]) : { kind: "broken", why: "no such file" };
  return {
    test: (file, scratch) => {
      const answer = answers.get(file) ?? ask(file, scratch);
      answers.set(file, answer);
      return answer;
    },
    seeds,
  };
}

/** One mutant in this scratch copy, which is as it was when the promise settles. */
export async function judgeMutant(mutant: Mutant, scratch: Scratch, baseline: Baseline): Promise<Outcome> {
  const startedAt = performance.now();
  const { kind, by } = await tryMutant(mutant, scratch, baseline);
  return { mutant, kind, by, seconds: (performance.now() - startedAt) / 1000 };
}

type Tried = Pick<Outcome, "kind" | "by">;

async function tryMutant(mutant: Mutant, scratch: Scratch, baseline: Baseline): Promise<Tried> {
  const source = scratch.read(mutant.file);
  const mutated = mutate(source, mutant);
  if (mutated === undefined) return { kind: "out-of-date", by: `${mutant.file} does not hold its text exactly once` };
  for (const file of mutant.tests) {
    const healthy = await baseline.test(file, scratch);
    if (healthy.kind !== "passed") return { kind: "broken", by: `${file} without the mutant: ${describe(healthy)}` };
  }
  const narrow =
    mutant.tests.length === 0 ? undefined : await withFile(scratch, mutant, mutated, () => runTests(scratch, mutant.tests));
  if (narrow !== undefined && narrow.kind !== "passed") return verdictOf(narrow);
  return trySeeds(mutant, mutated, scratch, baseline);
}

/** A seed that fails without the mutant as well has caught nothing. */
async function trySeeds(mutant: Mutant, mutated: string, scratch: Scratch, { seeds }: Baseline): Promise<Tried> {
  if (!seeds || !hasSimulator(scratch)) return { kind: "survived", by: "tests passed, seeds not run" };
  const seeded = await withFile(scratch, mutant, mutated, () => runSeeds(scratch, ALL_SEEDS));
  if (seeded.kind === "passed") return { kind: "survived", by: "tests and seeds passed" };
  if (seeded.kind !== "failed") return verdictOf(seeded);
  const healthy = await runSeeds(scratch, { from: seeded.seed, count: 1 });
  if (healthy.kind === "passed") return verdictOf(seeded);
  return { kind: "broken", by: `seed ${seeded.seed} without the mutant: ${describe(healthy)}` };
}

async function withFile<T>(scratch: Scratch, { file }: Mutant, text: string, work: () => Promise<T>): Promise<T> {
  const source = scratch.read(file);
  scratch.write(file, text);
  try {
    return await work();
  } finally {
    scratch.write(file, source);
  }
}

function verdictOf(result: Exclude<CheckResult, { readonly kind: "passed" }>): Tried {
  return result.kind === "failed" ? { kind: "caught", by: result.by } : { kind: "broken", by: describe(result) };
}

function describe(result: CheckResult): string {
  if (result.kind === "failed") return `fails: ${result.by}`;
  return result.kind === "broken" ? result.why : result.kind;
}
