import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "../../simulator/backtest/checkpoint.ts";
import { type Judgement, type RunResult, summarize } from "../../simulator/backtest/result.ts";
import { createRun, type Run, type RunPlan, resumeRun } from "../../simulator/backtest/run.ts";
import { createProgress } from "../../simulator/io/progress.ts";

/** Rounds between two looks at the clock, the signals and the progress line: some 10 ms of one feed. */
const SLICE = 500;
const BAR_WIDTH = 24;

export type DriveParts = {
  readonly plans: readonly { readonly name: string; readonly plan: RunPlan }[];
  readonly judgement: Judgement;
  /** Names everything that the result depends on. */
  readonly inputs: string;
  readonly checkpoint: string | undefined;
  readonly checkpointEveryMs: number;
  readonly stderr: { readonly isTTY: boolean; readonly write: (text: string) => void };
  readonly note: (line: string) => void;
  readonly now: () => number;
  readonly interrupted: AbortSignal;
};

export type Driven = { readonly runs: readonly RunResult[]; readonly roundsFolded: number; readonly elapsedMs: number };

/**
 * Folds every plan to its end, from the checkpoint on when there is one. A run that is interrupted, or killed between two checkpoints,
 * ends in the same result when it is started again.
 *
 * @throws OperationalError `interrupted`, `bad-checkpoint`, `unwritable`
 */
export async function driveBacktest(parts: DriveParts): Promise<Driven> {
  const { plans, now } = parts;
  const startedAt = now();
  const from = openCheckpoint(parts);
  const finished = [...(from?.finished ?? [])];
  let folded = 0;
  for (const { name, plan } of plans.slice(finished.length)) {
    const run = takeUp(plan, finished.length === (from?.finished.length ?? 0) ? (from?.running ?? null) : null, parts);
    folded += await foldAll(run, finished, parts);
    const { network, record } = plan;
    finished.push(summarize(name, run.tallies(), { network, record, judgement: parts.judgement }));
  }
  if (parts.checkpoint !== undefined) rmSync(parts.checkpoint, { force: true });
  return { runs: finished, roundsFolded: folded, elapsedMs: now() - startedAt };
}

function openCheckpoint({ checkpoint, inputs, note }: DriveParts): Checkpoint | undefined {
  if (checkpoint === undefined || !existsSync(checkpoint)) return undefined;
  const read = readCheckpoint(readFileSync(checkpoint, "utf8"), inputs);
  if (!read.ok) throw new OperationalError(`${checkpoint}: ${read.error}`, { code: "bad-checkpoint" });
  note(`going on from ${checkpoint}`);
  return read.value;
}

function takeUp(plan: RunPlan, snapshot: Checkpoint["running"], { checkpoint }: DriveParts): Run {
  if (snapshot === null) return createRun(plan);
  const resumed = resumeRun(plan, snapshot);
  if (resumed.ok) return resumed.value;
  throw new OperationalError(`${checkpoint}: ${resumed.error}`, { code: "bad-checkpoint" });
}

async function foldAll(run: Run, finished: readonly RunResult[], parts: DriveParts): Promise<number> {
  const { plans, checkpointEveryMs, now, interrupted } = parts;
  const progress = createProgress(parts.stderr, now);
  const total = plans.reduce((sum, { plan: { record } }) => sum + (record.to - record.from) / record.stepMs, 0);
  const before = finished.reduce((sum, { rounds }) => sum + rounds, 0);
  const startedAt = now();
  let savedAt = startedAt;
  let folded = 0;
  while (!run.isDone()) {
    folded += run.advance(SLICE);
    const at = now();
    progress.show(() =>
      progressLine({ done: before + run.rounds(), total, perSecond: (1_000 * folded) / Math.max(1, at - startedAt) }),
    );
    await nextTurn();
    if (!interrupted.aborted && at - savedAt < checkpointEveryMs) continue;
    saveCheckpoint(run, finished, parts);
    savedAt = at;
    if (interrupted.aborted) {
      progress.clear();
      const kept = parts.checkpoint === undefined ? "nothing was kept" : "run the same command again to go on";
      throw new OperationalError(`interrupted; ${kept}`, { code: "interrupted" });
    }
  }
  progress.clear();
  return folded;
}

/** Renamed into place, so that a kill leaves the old one or the new one and never half of it. */
function saveCheckpoint(run: Run, finished: readonly RunResult[], { checkpoint, inputs }: DriveParts): void {
  if (checkpoint === undefined) return;
  try {
    writeFileSync(`${checkpoint}.part`, writeCheckpoint({ inputs, finished, running: run.snapshot() }));
    renameSync(`${checkpoint}.part`, checkpoint);
  } catch (error) {
    throw new OperationalError(`${checkpoint}: cannot write the checkpoint: ${reasonOf(error)}`, {
      code: "unwritable",
      cause: error,
    });
  }
}

/** @example progressLine({ done: 50, total: 100, perSecond: 10 }); // "████████████············  50 %  50 of 100 rounds  10/s  5.0 s left" */
function progressLine({
  done,
  total,
  perSecond,
}: {
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
}): string {
  const filled = Math.round((BAR_WIDTH * done) / total);
  const bar = `${"█".repeat(filled)}${"·".repeat(BAR_WIDTH - filled)}`;
  const left = perSecond > 0 ? `  ${formatDuration((1_000 * (total - done)) / perSecond)} left` : "";
  return `${bar}  ${Math.floor((100 * done) / total)} %  ${done} of ${total} rounds  ${Math.round(perSecond)}/s${left}`;
}
