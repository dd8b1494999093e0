import { type CheckResult, hasSimulator, runSeeds, runTests } from "./checks.ts";
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

/** What the unmutated code answers, asked once for each test file and once for the seeds. */
export type Baseline = {
  readonly tests: ReadonlyMap<string, CheckResult>;
  readonly seeds: (scratch: Scratch) => Promise<CheckResult>;
};

/** Each named test file on the code as it is: who fails without a mutant can catch none. */
export async function testBaseline(
  scratch: Scratch,
  mutants: readonly Mutant[],
  options: { readonly seeds: boolean },
): Promise<Baseline> {
  const files = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
  const tests = new Map<string, CheckResult>();
  const whole = files.length === 0 ? { kind: "passed" as const } : await runTests(scratch, files);
  for (const file of files) {
    if (!scratch.has(file)) tests.set(file, { kind: "broken", why: "no such file" });
    else tests.set(file, whole.kind === "passed" ? whole : await runTests(scratch, [file]));
  }
  let seeds: Promise<CheckResult> | undefined;
  return {
    tests,
    seeds: async (own) => {
      if (!options.seeds) return { kind: "broken", why: "seeds not asked for" };
      if (!hasSimulator(own)) return { kind: "broken", why: "no simulator yet" };
      seeds ??= runSeeds(own);
      return await seeds;
    },
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
    const healthy = baseline.tests.get(file);
    if (healthy?.kind !== "passed") return { kind: "broken", by: `${file} without the mutant: ${describe(healthy)}` };
  }
  const narrow =
    mutant.tests.length === 0 ? undefined : await withFile(scratch, mutant, mutated, () => runTests(scratch, mutant.tests));
  if (narrow !== undefined && narrow.kind !== "passed") return verdictOf(narrow);
  const healthy = await baseline.seeds(scratch);
  if (healthy.kind !== "passed") return { kind: "survived", by: `seeds: ${describe(healthy)}` };
  const seeded = await withFile(scratch, mutant, mutated, () => runSeeds(scratch));
  return seeded.kind === "passed" ? { kind: "survived", by: "tests and seeds passed" } : verdictOf(seeded);
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

function describe(result: CheckResult | undefined): string {
  if (result === undefined) return "not run";
  if (result.kind === "failed") return `fails: ${result.by}`;
  return result.kind === "broken" ? result.why : result.kind;
}
