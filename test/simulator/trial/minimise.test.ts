import { describe, expect, test } from "vitest";
import type { PlannedFault } from "../../../simulator/cluster/fault.ts";
import { minimisePlan, shrinkList } from "../../../simulator/trial/minimise.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";

const FAULTS: readonly PlannedFault[] = Array.from({ length: 20 }, (_, index) => ({
  at: index * 1_000,
  until: index * 1_000 + 500,
  fault: { kind: "crash", node: index % 4 },
}));

const PLAN: Plan = {
  seed: 7,
  n: 4,
  setting: "one-feed",
  byzantine: [{ node: 1, behaviour: "silent" }],
  skewsMs: [3, -4, 0, 9],
  delayMs: [5, 40],
  startsMs: [0, 100, 200, 300],
  faults: FAULTS,
  acts: [],
  safetyMs: 40_000,
  healsByzantine: true,
  downAfterHeal: [2],
  healMs: 30_000,
};

/** Fails while both of these faults are in the plan and end before healing. */
function needs(...indices: readonly number[]): (plan: Plan) => boolean {
  const needed = indices.flatMap((index) => FAULTS[index] ?? []);
  return ({ faults, safetyMs }) => needed.every((fault) => faults.includes(fault) && fault.until <= safetyMs);
}

describe("minimising a plan", () => {
  test("of 20 faults the two that matter are left, and nothing else", () => {
    const minimal = minimisePlan(PLAN, needs(3, 11), () => true);
    expect(minimal.faults).toEqual([FAULTS[3], FAULTS[11]]);
    expect(minimal.byzantine).toEqual([]);
    expect(minimal.downAfterHeal).toEqual([]);
    expect(minimal.skewsMs).toEqual([0, 0, 0, 0]);
    expect(minimal.startsMs).toEqual([0, 0, 0, 0]);
    expect(minimal.safetyMs).toBeGreaterThanOrEqual(11_500);
    expect(minimal.safetyMs).toBeLessThan(12_000);
    expect(minimal.healMs).toBe(0);
  });

  test("what the failure needs stays: the byzantine node, the difference of the clocks, the time it takes", () => {
    const fails = ({ byzantine, skewsMs, healMs }: Plan) => byzantine.length === 1 && skewsMs[3] === 9 && healMs >= 17_000;
    const minimal = minimisePlan(PLAN, fails, () => true);
    expect(minimal).toMatchObject({ faults: [], byzantine: PLAN.byzantine, skewsMs: PLAN.skewsMs });
    expect(minimal.healMs).toBeGreaterThanOrEqual(17_000);
    expect(minimal.healMs).toBeLessThan(17_200);
  });

  test("every plan it gives fails, however early it has to stop, and no plan is tried twice", () => {
    const fails = needs(0, 9, 19);
    for (let limit = 0; limit < 60; limit += 7) {
      const tried: string[] = [];
      const counted = (plan: Plan) => {
        tried.push(JSON.stringify(plan));
        return fails(plan);
      };
      const minimal = minimisePlan(PLAN, counted, () => tried.length < limit);
      expect(fails(minimal)).toBe(true);
      expect(tried.length).toBeLessThanOrEqual(limit);
      expect(new Set(tried).size).toBe(tried.length);
    }
  });

  test("a plan that cannot be smaller is given back as it is", () => {
    const whole = JSON.stringify(PLAN);
    expect(
      minimisePlan(
        PLAN,
        (plan) => JSON.stringify(plan) === whole,
        () => true,
      ),
    ).toBe(PLAN);
  });
});

describe("shrinking a list", () => {
  test.each([
    [[2, 5], 8],
    [[0], 1],
    [[0, 1, 2, 3], 4],
    [[], 6],
    [[0, 31], 32],
    [[4, 5, 6, 17], 33],
  ])("%j of %i items", (needed, length) => {
    const items = Array.from({ length }, (_, index) => index);
    expect(shrinkList(items, (kept) => needed.every((item) => kept.includes(item)))).toEqual(needed);
  });

  test("equal items are counted each by itself", () => {
    expect(shrinkList(["a", "a", "a", "b", "a"], (kept) => kept.filter((item) => item === "a").length >= 2)).toEqual(["a", "a"]);
  });
});
