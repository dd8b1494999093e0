import { fail, ok, type Result } from "../../protocol/result.ts";
import type { RunResult } from "./result.ts";
import type { RunSnapshot } from "./run.ts";

const FORMAT = "breakwater-backtest-checkpoint/1";

/** A backtest that was stopped: the runs that are finished and where the next one stands. `inputs` names everything it depends on. */
export type Checkpoint = {
  readonly inputs: string;
  readonly finished: readonly RunResult[];
  readonly running: RunSnapshot | null;
};

export function writeCheckpoint(checkpoint: Checkpoint): string {
  return `${JSON.stringify({ format: FORMAT, ...checkpoint })}\n`;
}

/**
 * A checkpoint of the same inputs. It is the operator's own file on his own disk, so its shape is taken on trust beyond its format; of
 * other inputs it is refused, because going on from it would mix two records.
 */
export function readCheckpoint(text: string, inputs: string): Result<Checkpoint, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail("not a checkpoint: no JSON");
  }
  const found = (parsed ?? {}) as Partial<Checkpoint> & { readonly format?: unknown };
  if (found.format !== FORMAT || !Array.isArray(found.finished) || found.running === undefined) {
    return fail(`not a checkpoint: expected format ${FORMAT}`);
  }
  if (found.inputs !== inputs) return fail("made from other files, thresholds or options; remove it to begin afresh");
  return ok({ inputs, finished: found.finished, running: found.running });
}
