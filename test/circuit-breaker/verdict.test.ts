import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { type Permits, permit } from "../../circuit-breaker/verdict.ts";
import { CARRIED_BIT, hasReason, type RuleName } from "../../protocol/report.ts";
import { resolveThresholds } from "../../protocol/thresholds.ts";
import { cents, closedChain, createChain, ETH, networkWith, PRICE, quiet } from "./chain.ts";

const NOTHING = { fires: 0, active: 0, passing: 0 };

type Case = readonly [
  name: string,
  memory: Partial<FeedMemory>,
  activity: Partial<typeof NOTHING>,
  round: { readonly priced?: boolean; readonly ageMs?: number; readonly liquidateNone?: readonly RuleName[] },
  expected: Permits,
];

/** B9; probe 300 s, season one hour. */
const CASES: readonly Case[] = [
  ["closed", { state: "closed" }, {}, {}, { liquidate: "any", borrow: true, budgetBps: 10_000 }],
  [
    "closed, not yet seasoned",
    { state: "closed" },
    {},
    { ageMs: 3_599_999 },
    { liquidate: "any", borrow: false, budgetBps: 10_000 },
  ],
  [
    "closed while a rule is active, which the state machine never lets happen",
    { state: "closed" },
    { active: BIT.divergence },
    {},
    { liquidate: "any", borrow: false, budgetBps: 10_000 },
  ],
  [
    "closed and carried, likewise",
    { state: "closed" },
    {},
    { priced: false },
    { liquidate: "robust", borrow: false, budgetBps: 0 },
  ],
  ["open on a soft rule", { state: "open" }, { active: BIT.jump }, {}, { liquidate: "robust", borrow: false, budgetBps: 0 }],
  ["open on a gap", { state: "open" }, { active: BIT.gap }, {}, { liquidate: "robust", borrow: false, budgetBps: 0 }],
  ["open on stale", { state: "open" }, { active: BIT.stale }, {}, { liquidate: "none", borrow: false, budgetBps: 0 }],
  [
    "open on restart and more",
    { state: "open" },
    { active: BIT.restart | BIT.thin },
    {},
    { liquidate: "none", borrow: false, budgetBps: 0 },
  ],
  ["half-open, just begun", { state: "half-open" }, {}, {}, { liquidate: "any", borrow: false, budgetBps: 1_000 }],
  ["half-open, half-way", { state: "half-open", agree: 150_000 }, {}, {}, { liquidate: "any", borrow: false, budgetBps: 5_500 }],
  [
    "half-open, rounded down",
    { state: "half-open", agree: 299_999 },
    {},
    {},
    { liquidate: "any", borrow: false, budgetBps: 9_999 },
  ],
  [
    "half-open under a waived rule",
    { state: "half-open", waived: BIT.thin },
    { active: BIT.thin },
    {},
    { liquidate: "any", borrow: false, budgetBps: 1_000 },
  ],
  [
    "half-open, a firing that passes",
    { state: "half-open", agree: 150_000 },
    { active: BIT.dispersion, passing: BIT.dispersion },
    {},
    { liquidate: "robust", borrow: false, budgetBps: 0 },
  ],
  [
    "half-open and carried",
    { state: "half-open", waived: BIT.thin },
    { active: BIT.thin },
    { priced: false },
    { liquidate: "robust", borrow: false, budgetBps: 0 },
  ],
  [
    "a rule that governance raised",
    { state: "open" },
    { active: BIT.divergence },
    { liquidateNone: ["divergence"] },
    { liquidate: "none", borrow: false, budgetBps: 0 },
  ],
  [
    "a raised rule, waived",
    { state: "half-open", waived: BIT.divergence },
    { active: BIT.divergence },
    { liquidateNone: ["divergence"] },
    { liquidate: "none", borrow: false, budgetBps: 0 },
  ],
  [
    "another rule than the raised one",
    { state: "open" },
    { active: BIT.jump },
    { liquidateNone: ["divergence"] },
    { liquidate: "robust", borrow: false, budgetBps: 0 },
  ],
];

test.each(CASES)("%s", (_name, memory, activity, { priced = true, ageMs = 3_600_000, liquidateNone = [] }, expected) => {
  const thresholds = resolveThresholds("major", { liquidateNone: [...liquidateNone] as never });
  const seen = { ...quiet(), ...memory };
  const round = { timestamp: seen.firstAt + ageMs, priced, thresholds };
  expect(permit(seen, { ...NOTHING, ...activity }, round)).toEqual(expected);
});

describe("a carried price", () => {
  test("permits less from its first round, and nothing once it is stale", () => {
    const chain = closedChain();
    const { observedAt } = chain.memoryOf();
    const first = chain.eth(undefined);
    expect(first.report).toMatchObject({
      price: PRICE,
      observedAt,
      state: "open",
      liquidate: "robust",
      borrow: false,
      budgetBps: 0,
    });
    expect(hasReason(first.report.reasons, CARRIED_BIT)).toBe(true);
    expect(first.report.reasons % 2 ** CARRIED_BIT).toBe(BIT.thin);
    while (chain.timestamp() + 1_000 - observedAt <= 60_000) expect(chain.eth(undefined).report.liquidate).toBe("robust");
    expect(chain.eth(undefined).report).toMatchObject({ liquidate: "none", borrow: false, observedAt });
  });

  test("widens with its age", () => {
    const chain = closedChain();
    const first = chain.eth(undefined).report;
    const later = chain.eth(undefined, 20).report;
    expect(later.low < first.low && later.high > first.high).toBe(true);
    expect(chain.memoryOf().rawLow).toBe(PRICE - PRICE / 10_000n);
  });

  test("does not move its averages", () => {
    const chain = closedChain();
    chain.eth({ price: cents(180_100) });
    const before = chain.memoryOf();
    chain.eth(undefined, 30);
    const { anchor, ema, v, sampleP } = chain.memoryOf();
    expect({ anchor, ema, v, sampleP }).toEqual({ anchor: before.anchor, ema: before.ema, v: before.v, sampleP: before.sampleP });
  });
});

test("a raised rule permits nothing while it is active, through its quiet time too", () => {
  const chain = closedChain(networkWith({ [ETH]: { preset: "large", thresholds: { liquidateNone: ["jump"] } } }));
  expect(chain.eth({ price: cents(160_000) }).report.liquidate).toBe("none");
  expect(chain.eth({ price: PRICE }).report.liquidate).toBe("none");
});

test("a feed that was never priced has neither memory nor leaf", () => {
  const chain = createChain(networkWith({ [ETH]: { preset: "major" }, "SOL/USD": { preset: "large" } }));
  expect(chain.step({ [ETH]: { price: PRICE } }).map(({ report }) => report.feed)).toEqual([ETH]);
  expect(chain.step({ "SOL/USD": { price: PRICE } }).map(({ report }) => report.feed)).toEqual([ETH, "SOL/USD"]);
  expect(chain.memory().feeds.map(({ feed, state }) => [feed, state])).toEqual([
    [ETH, "open"],
    ["SOL/USD", "open"],
  ]);
});
