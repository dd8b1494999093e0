import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { PromiseName } from "../promises/checker.ts";
import {
  addTrials,
  type Campaign,
  exitCodeOf,
  headline,
  NO_TRIALS,
  progressLine,
  type RunFacts,
  SEEN_BEYOND,
  summaryLines,
} from "../trial/campaign.ts";
import { coverageMarkdown, reachedLines, replaceCoverage } from "../trial/coverage-table.ts";
import type { Plan } from "../trial/plan.ts";
import { parsePlan } from "../trial/plan-file.ts";
import { seconds } from "../trial/story-lines.ts";
import { MODES, type Mode, SIGNATURES, type Signatures, type TrialResult } from "../trial/work.ts";
import type { Crew } from "./crew.ts";
import { createProgress } from "./progress.ts";

/** Seeds of one order: few enough that the progress moves, enough that asking costs nothing. */
const BATCH = 4;
const MAX_SEEDS = 10_000_000;
const MAX_WORKERS = 64;
/** Bounds of minimising one failure; so many failures, of different promises, are minimised. */
const MINIMISE_TRIALS = 400;
const MINIMISED = 3;
/** Failing seeds that get a line of their own while the campaign runs. */
const MAX_ANNOUNCED = 20;

/** What the command needs of the process around it; a test passes its own. */
export type SimulatePorts = {
  readonly createCrew: (size: number) => Crew;
  readonly out: (line: string) => void;
  readonly stderr: { readonly isTTY: boolean; readonly write: (text: string) => void };
  /** Ms of a clock that only goes forward. */
  readonly now: () => number;
  readonly cores: number;
  readonly commit: () => string;
  readonly interrupted: AbortSignal;
  readonly readText: (file: string) => string;
  readonly writeText: (file: string, text: string) => void;
  /** Where minimised plans go: a new file of this name, whose path it gives. */
  readonly keepPlan: (name: string, text: string) => string;
};

type Options = {
  readonly seeds: number;
  readonly from: number;
  readonly workers: number;
  readonly mode: Mode;
  readonly bail: boolean;
  readonly seed?: number;
  readonly plan?: string;
  readonly signatures: Signatures;
  readonly minimise: number;
  readonly json?: string;
  readonly markdown?: string;
};

/** 0: as promised. 1: a violation, or beyond f none that had to be seen. 2: asked wrongly. 130: interrupted, so nothing is shown. */
type ExitCode = 0 | 1 | 2 | 130;
/** The commit is read once: the checkout may move on while the trials run. */
type Desk = Omit<SimulatePorts, "commit"> & { readonly commit: string; readonly options: Options; readonly command: string };

/** `npm run simulate -- …`: seeded trials of whole networks, in which nothing may be violated. `args` without node and script. */
export async function simulate(args: readonly string[], ports: SimulatePorts): Promise<ExitCode> {
  const program = describe(ports);
  try {
    program.parse(args, { from: "user" });
    const options = program.opts<Options>();
    const commit = ports.commit();
    const desk = { ...ports, commit, options, command: ["npm run simulate --", ...args].join(" ") };
    if (options.markdown !== undefined) placeFor(desk, options.markdown, "");
    return options.seed === undefined && options.plan === undefined ? await runCampaign(desk) : await runOne(desk);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0 && error.code === "simulate.usage") ports.stderr.write(`simulate: ${error.message}\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
}

function describe({ cores, out, stderr }: SimulatePorts): Command {
  return new Command("simulate")
    .description("Runs seeded trials of whole networks under every fault, and judges the promises P1 to P9 by what is true")
    .option("--seeds <count>", "how many seeds", wholeNumber(1, MAX_SEEDS), 1_000)
    .option("--from <seed>", "the first of them", wholeNumber(0, Number.MAX_SAFE_INTEGER - MAX_SEEDS), 1)
    .option("--workers <count>", "threads", wholeNumber(1, MAX_WORKERS), cores)
    .addOption(new Option("--mode <mode>", "at most f byzantine nodes, or f + 1 of them").choices(MODES).default("within"))
    .option("--bail", "end at the first violation", false)
    .addOption(new Option("--seed <seed>", "one trial, and its story").argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)))
    .addOption(new Option("--plan <file>", "one trial from a plan in a file, and its story").conflicts("seed"))
    .addOption(new Option("--signatures <kind>", "rows of a table, or secp256k1").choices(SIGNATURES).default("table"))
    .option("--minimise <seconds>", "the longest to minimise one failure; 0 for not at all", wholeNumber(0, 86_400), 120)
    .option("--json <file>", "write the outcome there")
    .option("--markdown <file>", "write the coverage between the markers of this document")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: (text) => stderr.write(text) });
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

async function runOne(desk: Desk): Promise<ExitCode> {
  const { options, out } = desk;
  const { seed, mode, signatures } = options;
  const plan = options.plan === undefined ? { seed: seed ?? 0, mode } : readPlan(desk, options.plan);
  const crew = openCrew(desk, 1);
  const reply = await crew.ask<"tell">({ kind: "tell", plan, signatures });
  await crew.end();
  if (reply === undefined) return 130;
  const { result, story, coverage } = reply;
  for (const line of story) out(line);
  out(`${result.rounds} rounds certified, ${result.violations.length} violations, trace ${result.traceHash}`);
  for (const line of reachedLines(coverage)) out(line);
  writeJson(desk, { command: desk.command, commit: desk.commit, ...result, coverage });
  return exitCodeOf(addTrials(NO_TRIALS, asTrials(reply)), mode);
}

function asTrials({ result, coverage }: { readonly result: TrialResult; readonly coverage: Campaign["coverage"] }) {
  const failed = result.violations.length > 0 ? [result] : [];
  return { kind: "trials", trials: 1, rounds: result.rounds, failed, coverage } as const;
}

async function runCampaign(desk: Desk): Promise<ExitCode> {
  const { options, out, now } = desk;
  const startedAt = now();
  const crew = openCrew(desk, options.workers);
  const campaign = await runTrials(desk, crew, startedAt);
  const facts: RunFacts = {
    command: desk.command,
    commit: desk.commit,
    elapsedMs: now() - startedAt,
    workers: crew.size,
    mode: options.mode,
  };
  if (options.minimise > 0 && !desk.interrupted.aborted) await explainFailures(desk, crew, campaign);
  await crew.end();
  for (const line of summaryLines(campaign, facts)) out(line);
  if (desk.interrupted.aborted) out("interrupted: the seeds above are all that ran");
  writeJson(desk, { ...facts, ...campaign, firsts: Object.fromEntries(campaign.firsts) });
  const code = exitCodeOf(campaign, options.mode);
  // What was violated until then stays violated.
  if (desk.interrupted.aborted) return options.mode === "within" && code === 1 ? 1 : 130;
  if (options.markdown !== undefined) {
    const said = `\`${facts.command}\` at commit ${facts.commit}: ${headline(campaign, facts)}`;
    desk.writeText(options.markdown, placeFor(desk, options.markdown, coverageMarkdown(campaign.coverage, said)));
  }
  return code;
}

async function runTrials(desk: Desk, crew: Crew, startedAt: number): Promise<Campaign> {
  const { options, now, interrupted, out } = desk;
  const progress = createProgress(desk.stderr, now);
  const end = options.from + options.seeds;
  let next = options.from;
  let campaign = NO_TRIALS;
  let announced = 0;
  const goesOn = () => next < end && !interrupted.aborted && !(options.bail && campaign.failures > 0);
  const work = async (): Promise<void> => {
    while (goesOn()) {
      const seeds = Array.from({ length: Math.min(BATCH, end - next) }, (_, index) => next + index);
      next += seeds.length;
      const reply = await crew.ask<"trials">({ kind: "trials", seeds, mode: options.mode, signatures: options.signatures });
      if (reply === undefined) return;
      campaign = addTrials(campaign, reply);
      for (const failed of reply.failed) {
        announced += 1;
        progress.clear();
        if (announced <= MAX_ANNOUNCED) out(announce(failed));
        if (announced === MAX_ANNOUNCED) out("further failing seeds are only counted");
      }
      progress.show(() => progressLine(campaign, { total: options.seeds, elapsedMs: now() - startedAt }));
    }
  };
  await Promise.all(Array.from({ length: crew.size }, work));
  progress.clear();
  return campaign;
}

/** @example announce(failed); // "seed 42: P2 violated +12.345 s into the trial: …" */
function announce({ plan, violations }: TrialResult): string {
  const [first, ...others] = violations;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `seed ${plan.seed}: ${first?.promise} violated ${seconds(first?.at ?? 0)} into the trial: ${first?.what}${more}`;
}

/** One failure of each promise, minimised and told; beyond f, of those that must be seen to break. */
async function explainFailures(desk: Desk, crew: Crew, { firsts }: Campaign): Promise<void> {
  const { mode } = desk.options;
  const told = [...firsts].filter(([promise]) => mode === "within" || SEEN_BEYOND.some((seen) => seen === promise));
  const chosen = told.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MINIMISED);
  await Promise.all(chosen.map(([promise, failed]) => explain(desk, crew, promise, failed.plan)));
}

async function explain(desk: Desk, crew: Crew, promise: PromiseName, plan: Plan): Promise<void> {
  const { options, out } = desk;
  const reply = await crew.ask<"minimise">({
    kind: "minimise",
    plan,
    promise,
    signatures: options.signatures,
    maxTrials: MINIMISE_TRIALS,
    maxMs: options.minimise * 1_000,
  });
  if (reply === undefined) return;
  const file = desk.keepPlan(`seed-${plan.seed}-${promise}.json`, `${JSON.stringify(reply.plan, undefined, 2)}\n`);
  const mode = options.mode === "within" ? "" : ` --mode ${options.mode}`;
  const signatures = options.signatures === "table" ? "" : ` --signatures ${options.signatures}`;
  out("");
  out(`${promise} of seed ${plan.seed}, minimised in ${reply.trials} trials: ${sizeOf(reply.plan)} of ${sizeOf(plan)}`);
  for (const line of reply.story) out(line);
  out(`commit ${desk.commit}; again: npm run simulate -- --plan ${file}${signatures}`);
  out(`the whole trial: npm run simulate -- --seed ${plan.seed}${mode}${signatures}`);
  out("");
}

function sizeOf({ faults, byzantine, safetyMs, healMs }: Plan): string {
  return `${faults.length} faults, ${byzantine.length} byzantine nodes, ${(safetyMs + healMs) / 1_000} s`;
}

function openCrew(desk: Desk, size: number): Crew {
  const crew = desk.createCrew(size);
  desk.interrupted.addEventListener("abort", () => void crew.end(), { once: true });
  return crew;
}

function readPlan(desk: Desk, file: string): Plan {
  const plan = parsePlan(readOrRefuse(desk, file));
  if (!plan.ok) throw usage(`${file}: ${plan.error}`);
  return plan.value;
}

function placeFor(desk: Desk, file: string, markdown: string): string {
  const replaced = replaceCoverage(readOrRefuse(desk, file), markdown);
  if (replaced === undefined) throw usage(`${file} has no place between <!-- coverage --> and <!-- /coverage -->`);
  return replaced;
}

function readOrRefuse(desk: Desk, file: string): string {
  try {
    return desk.readText(file);
  } catch {
    throw usage(`cannot read ${file}`);
  }
}

function usage(message: string): CommanderError {
  return new CommanderError(2, "simulate.usage", message);
}

function writeJson({ options, writeText }: Desk, outcome: unknown): void {
  if (options.json !== undefined) writeText(options.json, `${JSON.stringify(outcome, undefined, 2)}\n`);
}
