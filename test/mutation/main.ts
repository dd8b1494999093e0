import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAll } from "./child.ts";
import { createBaseline, judgeMutant, type Outcome } from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { createScratch, type Scratch } from "./scratch.ts";
import { placeTable, tableOf } from "./table.ts";

const PROJECT = join(import.meta.dirname, "..", "..");
const MAX_WORKERS = 16;
const USAGE = `npm run mutate -- [--list] [--only <name,…>] [--workers <n>] [--no-seeds] [--markdown <file>]
Breaks one guard at a time in a scratch copy; each must be caught by a test, or by the simulator's seeds.
  --list      the guards, and nothing else
  --only      these guards
  --workers   scratch copies at work at once (1)
  --no-seeds  the named tests alone
  --markdown  writes the table between <!-- mutants --> and <!-- /mutants --> of this file`;

type Options = {
  readonly mutants: readonly Mutant[];
  readonly list: boolean;
  readonly workers: number;
  readonly seeds: boolean;
  readonly markdown: string | undefined;
};

class UsageFault extends Error {}

function readOptions(): Options {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      list: { type: "boolean", default: false },
      only: { type: "string" },
      workers: { type: "string", default: "1" },
      seeds: { type: "boolean", default: true },
      markdown: { type: "string" },
    },
  });
  const { list, only, seeds, markdown } = values;
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) throw new UsageFault(`--workers: 1 to ${MAX_WORKERS}`);
  const names = only?.split(",");
  const unknown = names?.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new UsageFault(`--only: no guard is named "${unknown}", see --list`);
  if (names !== undefined && markdown !== undefined) throw new UsageFault("--markdown: a part of the table is not the table");
  if (markdown !== undefined && placeTable(readFileSync(markdown, "utf8"), "") === undefined) {
    throw new UsageFault(`--markdown: ${markdown} does not hold the two markers once each`);
  }
  const mutants = names === undefined ? MUTANTS : MUTANTS.filter(({ name }) => names.includes(name));
  return { mutants, list, workers, seeds, markdown };
}

/** Each copy takes the next mutant that nobody has taken; the outcomes are in the order of the list. */
async function judgeAll(scratches: readonly Scratch[], { mutants, seeds }: Options): Promise<readonly Outcome[]> {
  const baseline = createBaseline(seeds);
  const outcomes: Outcome[] = [];
  let taken = 0;
  const work = async (scratch: Scratch): Promise<void> => {
    for (let index = taken++; index < mutants.length; index = taken++) {
      const mutant = mutants[index];
      if (mutant === undefined) return;
      const outcome = await judgeMutant(mutant, scratch, baseline);
      outcomes[index] = outcome;
      console.log(
        `${index + 1}/${mutants.length} ${outcome.kind} ${mutant.name}: ${outcome.by} (${outcome.seconds.toFixed(1)} s)`,
      );
    }
  };
  await Promise.all(scratches.map(work));
  return outcomes;
}

function reportAll(outcomes: readonly Outcome[], markdown: string | undefined): boolean {
  const table = tableOf(outcomes);
  console.log(`\n${table}\n`);
  if (markdown !== undefined) {
    const placed = placeTable(readFileSync(markdown, "utf8"), table);
    if (placed !== undefined) writeFileSync(markdown, placed);
  }
  const uncaught = outcomes.filter(({ kind }) => kind !== "caught");
  for (const { kind, mutant, by } of uncaught) console.log(`${kind}: ${mutant.name} (${mutant.file}): ${by}`);
  console.log(`${outcomes.length - uncaught.length} of ${outcomes.length} guards hold: without them something fails`);
  return uncaught.length === 0;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.list) {
    for (const { name, promise, file } of options.mutants) console.log(`${promise} ${name} (${file})`);
    return 0;
  }
  const scratches = Array.from({ length: Math.min(options.workers, options.mutants.length) }, () => createScratch(PROJECT));
  const cleanUp = (): void => {
    endAll();
    for (const scratch of scratches) scratch.remove();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      cleanUp();
      process.exit(130);
    });
  }
  try {
    return reportAll(await judgeAll(scratches, options), options.markdown) ? 0 : 1;
  } finally {
    cleanUp();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageFault ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = 2;
}
