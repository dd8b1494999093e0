import { z } from "zod";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { BEHAVIOURS } from "../byzantine/index.ts";
import { ACT_KINDS } from "../cluster/act.ts";
import { FAULT_KINDS } from "../cluster/fault.ts";
import { SIZES } from "./coverage.ts";
import { type Plan, SETTINGS } from "./plan.ts";

/** Bounds of a plan that somebody wrote or a minimisation left: a trial ends. */
const MAX_MS = 48 * 3_600_000;
const MAX_FAULTS = 10_000;

const ms = z.int().min(0).max(MAX_MS);
const node = z
  .int()
  .min(0)
  .max(Math.max(...SIZES) - 1);
const nodes = z.array(node);

/** Which fields a fault has follows from its kind; a field too few shows in the trial at once. */
const fault = z.looseObject({ kind: z.enum(FAULT_KINDS) });

const planSchema = z.strictObject({
  seed: z.int(),
  n: z.literal(SIZES),
  setting: z.enum(SETTINGS),
  byzantine: z.array(z.strictObject({ node, behaviour: z.enum(Object.keys(BEHAVIOURS)) })),
  skewsMs: z.array(z.int()),
  delayMs: z.tuple([ms, ms]),
  startsMs: z.array(ms),
  faults: z.array(z.strictObject({ at: ms, until: ms, fault })).max(MAX_FAULTS),
  /** Plans of before there were any have none. */
  acts: z
    .array(
      z.strictObject({
        at: ms,
        nodes,
        act: z.strictObject({ kind: z.enum(ACT_KINDS), who: z.int().min(0), feed: z.string(), forMs: ms }),
      }),
    )
    .max(MAX_FAULTS)
    .default([]),
  safetyMs: ms,
  healsByzantine: z.boolean(),
  downAfterHeal: nodes,
  healMs: ms,
});

/** A plan from a file: JSON as a minimisation writes it; the fault names the field and what was expected there. */
export function parsePlan(text: string): Result<Plan, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail("expected JSON");
  }
  const parsed = planSchema.safeParse(json);
  if (parsed.success) return ok(parsed.data as unknown as Plan);
  const issue = parsed.error.issues[0];
  return fail(`${issue?.path.join(".") || "plan"}: ${issue?.message ?? "not a plan"}`);
}
