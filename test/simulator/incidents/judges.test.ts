import { describe, expect, test } from "vitest";
import { decimal, everywhere, flat, steps } from "../../../simulator/incidents/quotes.ts";
import { runScenario } from "../../../simulator/incidents/run.ts";
import type { Expected, Scenario } from "../../../simulator/incidents/scenario.ts";
import { TOY_FEED, TOY_VENUES, toy, toyLoan } from "./toy.ts";

const WHOLE = { feed: TOY_FEED, from: 0, to: 60, because: "a test" } as const;
const JUMPED = everywhere(
  TOY_VENUES,
  TOY_FEED,
  steps([
    [0, "100"],
    [10, "80"],
  ]),
);
const AFTER = { ...WHOLE, from: 10, to: 20 };

describe("an expectation is met or says why not", () => {
  test("a quiet minute is closed at 100", () => {
    const expected: Expected = {
      ...WHOLE,
      state: ["closed"],
      liquidate: ["any"],
      borrow: true,
      carried: false,
      price: ["99.9", "100.1"],
    };
    expect(runScenario(toy({ expected: [expected] }))).toMatchObject({ outcome: "caught", faults: [], roundsLate: 0 });
  });

  test.each<readonly [what: string, expected: Partial<Expected>, outcome: string, late: number, fault: string]>([
    ["open", { state: ["open"] }, "missed", 60, "expected open, found closed, any, []"],
    ["half-open or open", { state: ["open", "half-open"] }, "missed", 60, "expected open or half-open"],
    ["robust", { liquidate: ["robust"] }, "missed", 60, "expected liquidate robust"],
    ["no borrowing", { borrow: false }, "missed", 0, "expected borrow false"],
    ["a rule", { rules: ["jump"] }, "missed", 60, "expected jump"],
    ["a carried price", { carried: true }, "missed", 0, "expected carried true"],
    ["a higher price", { price: ["101", "102"] }, "missed", 0, "expected a price of at least 101, found 100"],
    ["a lower price", { price: ["98", "99"] }, "missed", 0, "expected a price of at most 99"],
    ["a lower low", { lowAtMost: "90" }, "missed", 0, "expected a low of at most 90"],
    ["a higher low", { lowAtLeast: "101" }, "missed", 0, "expected a low of at least 101"],
    ["a higher high", { highAtLeast: "110" }, "missed", 0, "expected a high of at least 110"],
    ["a lower high", { highAtMost: "99" }, "missed", 0, "expected a high of at most 99"],
    [
      "a dropped source",
      { drops: { source: `one ${TOY_FEED}`, code: "outlier" } },
      "missed",
      0,
      "dropped as outlier, found used",
    ],
    ["a feed that is not there", { feed: "NOT/USD" }, "missed", 0, "no report"],
    ["a span without rounds", { from: 100, to: 200 }, "missed", 0, "no round between 100 s and 200 s"],
  ])("quiet, though %s was expected", (_, overrides, outcome, late, fault) => {
    const result = runScenario(toy({ expected: [{ ...WHOLE, ...overrides }] }));
    expect(result).toMatchObject({ outcome, roundsLate: late, asExpected: false });
    expect(result.summary).toContain(fault);
  });

  test.each<readonly [what: string, expected: Partial<Expected>, fault: string]>([
    ["closed", { state: ["closed"] }, "expected closed, found open, robust, [jump]"],
    ["any", { liquidate: ["any"] }, "expected liquidate any"],
    ["borrowing", { borrow: true }, "expected borrow true"],
    ["no such rule", { without: ["jump"] }, "expected no jump"],
  ])("a jump, though %s was expected", (_, overrides, fault) => {
    const moved = { quotes: JUMPED, truth: {}, expected: [{ ...AFTER, ...overrides }] };
    expect(runScenario(toy(moved))).toMatchObject({
      outcome: "false pause",
      roundsLate: 0,
      summary: expect.stringContaining(fault),
    });
  });

  test("rounds late are those until the first that agreed", () => {
    const expected = { ...WHOLE, from: 7, to: 20, state: ["open"] as const };
    const result = runScenario(toy({ quotes: JUMPED, truth: {}, expected: [expected] }));
    expect(result).toMatchObject({ outcome: "missed", roundsLate: 3 });
  });
});

describe("promises that no scenario has to state", () => {
  test("no certificate says closed at a price that the market did not have", () => {
    const { summary, outcome } = runScenario(toy({ truth: { [TOY_FEED]: flat("94") } }));
    expect(outcome).toBe("missed");
    expect(summary).toMatch(
      /^closed-at-disputed-price in \d+ rounds, first at -?\d+ s: TOY\/USD closed, 638 bps from the market$/,
    );
    expect(runScenario(toy({ truth: { [TOY_FEED]: flat("95.3") } })).outcome, "493 bps is within 500").toBe("caught");
  });

  test("no loan that is healthy in truth is liquidated", () => {
    const truth = { [TOY_FEED]: flat("104") };
    expect(runScenario(toy({ truth, loans: [toyLoan("82")] })).summary).toMatch(
      /^healthy-loan-liquidated in 61 rounds, first at 0 s/,
    );
    expect(runScenario(toy({ truth, loans: [toyLoan("79")] })).outcome).toBe("caught");
    expect(runScenario(toy({ truth, loans: [toyLoan("84")] })).outcome, "it is under water in truth as well").toBe("caught");
  });

  test("no loan that is insolvent at both ends waits while data is fresh", () => {
    const moved = toy({ quotes: JUMPED, truth: {}, loans: [toyLoan("90")] });
    expect(runScenario(moved).outcome).toBe("caught");
    const forbidding = runScenario(moved, () => ({ liquidateNone: ["jump"] }));
    expect(forbidding.outcome).toBe("false pause");
    expect(forbidding.summary).toMatch(/^insolvent-loan-waits in \d+ rounds, first at 10 s/);
  });

  test("silence may hold an insolvent loan: it is not fresh data", () => {
    const silent = Object.fromEntries(
      Object.entries(everywhere(TOY_VENUES, TOY_FEED, flat("100"))).map(([key, script]) => [
        key,
        { ...script, frozen: [{ from: 10, to: 400 }] },
      ]),
    );
    const result = runScenario(
      toy({
        until: 300,
        quotes: silent,
        loans: [toyLoan("90", [{ from: 80, to: 300, answers: ["refused"], because: "stale" }])],
        expected: [{ ...WHOLE, from: 80, to: 300, rules: ["stale"], liquidate: ["none"] }],
      }),
    );
    expect(result.faults).toEqual([]);
  });

  test("nobody borrows more than the market's prices bear", () => {
    const borrower = { ...toyLoan("79"), takes: "USD", expected: [] };
    const result = runScenario(toy({ truth: { [TOY_FEED]: flat("97") }, borrowers: [borrower] }));
    expect(result.summary).toMatch(/^unsound-borrowing in 61 rounds/);
    expect(runScenario(toy({ borrowers: [borrower] })).outcome).toBe("caught");
  });
});

describe("answers, pauses and configs", () => {
  test("a liquidator's and a borrower's answers are compared round by round", () => {
    const refusedWanted = toyLoan("82", [{ from: 0, to: 60, answers: ["refused"], because: "a test" }]);
    const truth = { [TOY_FEED]: flat("100") };
    expect(runScenario(toy({ truth, loans: [refusedWanted] }))).toMatchObject({ outcome: "missed" });
    const rightWanted = toyLoan("79", [{ from: 0, to: 60, answers: ["right"], because: "a test" }]);
    expect(runScenario(toy({ truth, loans: [rightWanted] }))).toMatchObject({ outcome: "false pause" });
    const borrower = { ...toyLoan("50"), takes: "USD" };
    const allowed = (value: boolean): Scenario =>
      toy({ borrowers: [{ ...borrower, expected: [{ from: 0, to: 60, allowed: value, because: "a test" }] }] });
    expect(runScenario(allowed(true)).outcome).toBe("caught");
    expect(runScenario(allowed(false))).toMatchObject({
      outcome: "missed",
      summary: "owes 50 at 0 s: expected refused (a test)",
    });
  });

  test("waiting is measured: the loan that only the new price sinks waits for confirmMs, the deep one not at all", () => {
    const truth = {
      [TOY_FEED]: steps([
        [0, "100"],
        [10, "80"],
      ]),
    };
    const { loans, feeds } = runScenario(toy({ until: 600, quotes: JUMPED, truth, loans: [toyLoan("70"), toyLoan("90")] }));
    expect(loans.map(({ longestWaitMs }) => longestWaitMs)).toEqual([59_000, 0]);
    expect(feeds).toEqual([{ feed: TOY_FEED, noneMs: 0, robustMs: 59_000, probingMs: 300_000, longestShutMs: 59_000, opens: 1 }]);
  });

  test("a pause longer than a scenario allows is a false pause", () => {
    const paused = (most: number) => toy({ until: 600, quotes: JUMPED, truth: {}, longestPauseMs: { [TOY_FEED]: most } });
    expect(runScenario(paused(59_000)).outcome).toBe("caught");
    expect(runScenario(paused(58_999))).toMatchObject({
      outcome: "false pause",
      summary: `${TOY_FEED}: disputed loans waited 59000 ms, at most 58999 ms`,
    });
  });

  test("a config that should not load and does is named", () => {
    const feeds = toy().feeds;
    const loads = runScenario(toy({ refusedConfigs: [{ what: "a sound config", feeds, path: "feeds" }] }));
    expect(loads).toMatchObject({
      outcome: "missed",
      summary: "a sound config: expected a config refused at feeds, found it loads",
    });
    const short = feeds.map((feed) => ({ ...feed, sources: feed.sources.slice(0, 2) }));
    const refused = toy({ refusedConfigs: [{ what: "two sources", feeds: short, path: `feeds[${TOY_FEED}].sources` }] });
    expect(runScenario(refused).outcome).toBe("caught");
  });
});

test("patches reach the nodes they name: one liar moves nothing, two of four are not outvoted", () => {
  const lie = (nodes: readonly number[]): Scenario =>
    toy({
      patches: [{ from: 10, to: 60, nodes, entry: (entry) => ({ ...entry, price: decimal("1"), low: decimal("1") }) }],
      expected: [{ ...WHOLE, price: ["99", "101"] }],
    });
  expect(runScenario(lie([3])).outcome).toBe("caught");
  expect(runScenario(lie([2, 3])).outcome, "rank m >> 1 of four is the third smallest").toBe("caught");
  expect(runScenario(lie([1, 2, 3])).outcome).toBe("missed");
});

test("what every node sees for a time is what is certified, and doubted", () => {
  const patch = { from: 10, to: 60, quotes: everywhere(TOY_VENUES, TOY_FEED, flat("200")) };
  const expected: readonly Expected[] = [
    { ...WHOLE, to: 10, state: ["closed"], price: ["99", "101"] },
    { ...WHOLE, from: 10, rules: ["gap"], price: ["199", "201"], lowAtMost: "100.1" },
  ];
  expect(runScenario(toy({ patches: [patch], expected })).faults).toEqual([]);
  expect(runScenario(toy({ expected })).outcome).toBe("missed");
});
