import { createHash } from "node:crypto";
import { createRandom } from "../../simulator/random.ts";
import type { Coverage } from "./coverage.ts";
import { type Measured, measure } from "./measure.ts";
import { minimise } from "./minimise.ts";
import { mutate } from "./mutate.ts";
import type { Harness, Target } from "./target.ts";

const MAX_CORPUS = 4_000;
/** Different faults told of one target; after that many something is broken altogether. */
const MAX_FINDINGS = 12;

export type Finding = {
  readonly target: string;
  readonly kind: "thrown" | "slow" | "allocation";
  readonly what: string;
  /** The execution of this run that found it. */
  readonly execution: number;
  readonly input: Uint8Array;
  readonly minimised: Uint8Array;
};

export type Outcome = {
  readonly target: string;
  readonly executions: number;
  readonly corpus: number;
  /** Different outcomes seen: codes and kinds of faults. */
  readonly outcomes: number;
  /** Blocks of the target's source reached by inputs beyond the seeds included; 0 without coverage. */
  readonly blocks: number;
  readonly slowest: { readonly ms: number; readonly input: Uint8Array };
  readonly greediest: { readonly bytes: number; readonly input: Uint8Array };
  readonly findings: readonly Finding[];
  /** Hash of every input in order: the same seed gives the same executions. */
  readonly trace: string;
};

export type FuzzOptions = {
  readonly seed: number;
  /** Asked between two executions. */
  readonly isOver: (executions: number) => boolean;
  /** Without it, inputs are kept for new outcomes only. */
  readonly coverage?: Coverage;
  /** `outcome` costs a little: it is for now and then. */
  readonly onBatch?: (run: { readonly outcome: () => Outcome }) => void;
  /** Told before each execution, for a watchdog. */
  readonly onInput?: (input: Uint8Array) => void;
};

/** One target, from its seeds on, until `isOver`. An input stays in the corpus when it gives a new outcome or reaches a new block. */
export async function fuzz(target: Target, harness: Harness, options: FuzzOptions): Promise<Outcome> {
  const run = createRun(target, harness, options);
  for (const seed of harness.seeds) {
    await run.execute(seed);
    run.keep(seed);
  }
  await options.coverage?.take(true);
  const random = createRandom(options.seed, target.name);
  const isOver = () => options.isOver(run.executions());
  while (!isOver()) {
    const batch: Uint8Array[] = [];
    while (batch.length < target.batch && !isOver()) {
      const input = mutate(run.corpus, random, target);
      batch.push(input);
      if (await run.execute(input)) run.keep(input);
    }
    options.onBatch?.(run);
    if (options.coverage !== undefined) await keepReaching(options.coverage, run, batch);
  }
  return run.outcome();
}

type Run = {
  readonly corpus: readonly Uint8Array[];
  /** True for an outcome never seen before. */
  readonly execute: (input: Uint8Array) => Promise<boolean>;
  readonly again: (input: Uint8Array) => Promise<void>;
  readonly keep: (input: Uint8Array) => void;
  readonly executions: () => number;
  readonly outcome: () => Outcome;
};

function createRun(target: Target, harness: Harness, options: FuzzOptions): Run {
  const corpus: Uint8Array[] = [];
  const seen = new Set<string>();
  const findings = new Map<string, Finding>();
  const trace = createHash("sha256");
  let executions = 0;
  let slowest: Outcome["slowest"] = { ms: 0, input: new Uint8Array(0) };
  let greediest: Outcome["greediest"] = { bytes: 0, input: new Uint8Array(0) };
  const measured = (input: Uint8Array): Promise<Measured> => {
    options.onInput?.(input);
    return measure(target, harness, input);
  };
  const found = async ({ kind, what }: NonNullable<Measured["fault"]>, input: Uint8Array): Promise<void> => {
    const key = `${kind} ${what}`;
    if (findings.has(key) || findings.size >= MAX_FINDINGS) return;
    const finding = { target: target.name, kind, what, execution: executions, input };
    findings.set(key, { ...finding, minimised: input });
    const same = async (smaller: Uint8Array) => {
      const { fault } = await measured(smaller);
      return fault?.kind === kind && fault.what === what;
    };
    findings.set(key, { ...finding, minimised: kind === "slow" ? input : await minimise(input, same) });
  };
  return {
    corpus,
    execute: async (input) => {
      executions += 1;
      trace.update(input);
      const { signature, ms, allocated, fault } = await measured(input);
      if (ms > slowest.ms) slowest = { ms, input };
      if (allocated > greediest.bytes) greediest = { bytes: allocated, input };
      if (fault !== undefined) await found(fault, input);
      // What is kept must not hang on what was measured: a collection in the middle of an execution hides what it allocated.
      const isNew = fault?.kind !== "thrown" && !seen.has(signature);
      if (isNew) seen.add(signature);
      return isNew;
    },
    again: async (input) => void (await measured(input)),
    keep: (input) => {
      if (corpus.length < MAX_CORPUS) corpus.push(input);
    },
    executions: () => executions,
    outcome: () => ({
      ...{ target: target.name, executions, corpus: corpus.length, outcomes: seen.size, slowest, greediest },
      ...{ blocks: options.coverage?.blocks() ?? 0, findings: [...findings.values()], trace: trace.copy().digest("hex") },
    }),
  };
}

/** A batch that reached something new is halved until the inputs that did it stand alone. */
async function keepReaching(coverage: Coverage, run: Run, batch: readonly Uint8Array[]): Promise<void> {
  const [first] = batch;
  if (batch.length === 1 && first !== undefined) {
    if ((await coverage.take(true)) > 0) run.keep(first);
    return;
  }
  if ((await coverage.take(false)) === 0) return;
  const locate = async (inputs: readonly Uint8Array[]): Promise<void> => {
    for (const input of inputs) await run.again(input);
    const isAlone = inputs.length === 1;
    if ((await coverage.take(isAlone)) === 0) return;
    const [only] = inputs;
    if (isAlone && only !== undefined) {
      run.keep(only);
      return;
    }
    await locate(inputs.slice(0, inputs.length >> 1));
    await locate(inputs.slice(inputs.length >> 1));
  };
  await locate(batch.slice(0, batch.length >> 1));
  await locate(batch.slice(batch.length >> 1));
  // What only the batch as a whole reaches would be looked for again and again.
  for (const input of batch) await run.again(input);
  await coverage.take(true);
}
