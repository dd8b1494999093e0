import { describe, expect, test } from "vitest";
import { coverageFaults, SIZES } from "../../../simulator/trial/coverage.ts";
import { createLaboratory } from "../../../simulator/trial/laboratory.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";
import { carryOut } from "../../../simulator/trial/work.ts";
import { REGRESSIONS } from "./regressions.ts";

/** Enough to notice in every run what is badly broken; the thousands are `npm run simulate`'s. */
const LAST_SEED = 50;
const BATCH = 5;
/** Trials of large committees on a busy machine. */
const TIMEOUT_MS = 120_000;

const laboratory = createLaboratory();

/** What was violated, with the seed to look at it. */
function violationsOf(plan: Plan): readonly string[] {
  const { violations } = laboratory.run(plan, { witness: () => undefined, signatures: "table" });
  return violations.map(({ promise, what }) => `seed ${plan.seed}: ${promise}: ${what}`);
}

describe("no promise is broken", () => {
  const firsts = Array.from({ length: LAST_SEED / BATCH }, (_, index) => 1 + index * BATCH);

  test.each(firsts)("by the five seeds from %i on", { timeout: TIMEOUT_MS }, (first) => {
    const seeds = Array.from({ length: BATCH }, (_, index) => first + index);
    const reply = carryOut({ kind: "trials", seeds, mode: "within", signatures: "table" }, laboratory, () => 0);
    if (reply.kind !== "trials") throw new Error("trials are answered by trials");
    const broken = reply.failed.flatMap(({ plan, violations }) =>
      violations.map(({ promise, what }) => `seed ${plan.seed}: ${promise}: ${what}`),
    );
    expect(broken).toEqual([]);
    expect(coverageFaults(reply.coverage).forbidden).toEqual([]);
    expect(reply.trials).toBe(BATCH);
    expect(reply.rounds).toBeGreaterThan(BATCH * 10);
  });

  test.each(REGRESSIONS)("again: $name", ({ plan }) => {
    expect(violationsOf(plan)).toEqual([]);
  });
});

test("plans are drawn in the sizes that coverage expects", () => {
  const drawn = new Set(Array.from({ length: 300 }, (_, index) => laboratory.draw(index, "within").n));
  expect([...drawn].sort((a, b) => a - b)).toEqual(SIZES);
});
