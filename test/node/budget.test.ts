import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBudget } from "../../node/budget.ts";

describe("a budget", () => {
  it("lets a burst pass, then says how long the debt lasts", () => {
    const budget = createBudget({ perSecond: 100, burst: 10 }, 0);
    budget.charge(10, 0);
    expect(budget.debtMs(0)).toBe(0);
    budget.charge(5, 0);
    expect(budget.debtMs(0)).toBe(50);
    expect(budget.debtMs(49)).toBe(1);
    expect(budget.debtMs(50)).toBe(0);
  });

  it("saves up no more than its burst", () => {
    const budget = createBudget({ perSecond: 100, burst: 10 }, 0);
    budget.charge(11, 60_000);
    expect(budget.debtMs(60_000)).toBe(10);
  });

  it("is not moved by a clock that steps back", () => {
    const budget = createBudget({ perSecond: 100, burst: 0 }, 1_000);
    budget.charge(10, 1_000);
    expect(budget.debtMs(0)).toBe(100);
    expect(budget.debtMs(1_050)).toBe(50);
  });

  it("lets nobody who waits out his debts have more than burst and rate allow", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ cost: fc.nat(50), pause: fc.nat(500) }), { maxLength: 60 }), (steps) => {
        const [perSecond, burst] = [100, 40];
        const budget = createBudget({ perSecond, burst }, 0);
        let [now, spent] = [0, 0];
        for (const { cost, pause } of steps) {
          now += pause + budget.debtMs(now + pause);
          budget.charge(cost, now);
          spent += cost;
          expect(spent).toBeLessThanOrEqual(burst + (now * perSecond) / 1000 + 50);
        }
      }),
    );
  });
});
