import { describe, expect, it } from "vitest";
import type { WhatIf, WhatIfOutcome } from "../../dashboard/data/api.ts";
import {
  changesOf,
  DRAWN,
  fromPosition,
  readValue,
  SLIDER_STEPS,
  sayMissing,
  sayOutcome,
  sayShare,
  sayTrip,
  stepFrom,
  toPosition,
  toYaml,
  UNDRAWN,
} from "../../dashboard/view/what-if.ts";
import { resolveThresholds, THRESHOLDS } from "../../protocol/thresholds.ts";

const TUNED = [...DRAWN, ...UNDRAWN];

describe("a threshold's slider", () => {
  it.each(TUNED)("%s reaches floor and ceiling, and every place has a value within them that grows", (name) => {
    const { floor, ceiling } = THRESHOLDS[name];
    expect([fromPosition(name, 0), fromPosition(name, SLIDER_STEPS)]).toEqual([floor, ceiling]);
    let before = floor;
    for (let position = 0; position <= SLIDER_STEPS; position++) {
      const value = fromPosition(name, position);
      expect(Number.isInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(before);
      expect(value).toBeLessThanOrEqual(ceiling);
      before = value;
    }
    expect([toPosition(name, floor), toPosition(name, ceiling)]).toEqual([0, SLIDER_STEPS]);
  });

  it.each(TUNED)("%s: an arrow always changes the value, until there is no further", (name) => {
    const { floor, ceiling } = THRESHOLDS[name];
    let value: number = floor;
    for (let pressed = 0; value < ceiling; pressed++) {
      const next = stepFrom(name, value, 1);
      expect(next).toBeGreaterThan(value);
      expect(pressed).toBeLessThanOrEqual(SLIDER_STEPS);
      value = next;
    }
    expect(stepFrom(name, ceiling, 1)).toBe(ceiling);
    while (value > floor) {
      const next = stepFrom(name, value, -1);
      expect(next).toBeLessThan(value);
      value = next;
    }
    expect(stepFrom(name, floor, -1)).toBe(floor);
  });

  it("takes numbers as they are written, within floor and ceiling, and says else what it expects", () => {
    expect(readValue("jumpBps", "150")).toEqual({ value: 150 });
    for (const text of ["", "9", "10001", "1e3", "-20", "150.5", "12abc"]) {
      expect(readValue("jumpBps", text), text).toEqual({ expected: "a whole number from 10 to 10,000" });
    }
  });

  it("asks only for what differs", () => {
    expect(changesOf(resolveThresholds("major"), { jumpBps: 300, staleMs: 30_000 })).toEqual({ staleMs: 30_000 });
  });
});

const quiet: WhatIfOutcome = {
  ...{ tripCount: 0, trips: [], rounds: { closed: 100, halfOpen: 0, open: 0 }, noneRounds: 0, longestPauseMs: 0, stretches: [] },
};
const paused: WhatIfOutcome = { ...quiet, tripCount: 2, longestPauseMs: 65_000, rounds: { closed: 20, halfOpen: 15, open: 65 } };
const changed = [{ threshold: "jumpBps", from: 300, to: 150 }] as const;
const all: Pick<WhatIf, "missing" | "notReplayed" | "looked"> = {
  missing: { uncertified: 0, bodies: 0, resumed: 0, begins: null },
  notReplayed: [],
  looked: { from: 1, to: 100, fromAt: 0, toAt: 3_600_000, rounds: 100 },
};

describe("an outcome in words", () => {
  it("says what would have been beside what was", () => {
    const feed = "ETH/USD";
    expect(sayOutcome({ feed, before: quiet, after: paused, changed: [...changed] })).toBe(
      "With jumpBps at 1.5 %: 2 pauses, the longest of 1 min 5 s; as certified: no pause.",
    );
    expect(sayOutcome({ feed, before: quiet, after: quiet, changed: [...changed] })).toBe(
      "With jumpBps at 1.5 % nothing changes: no pause.",
    );
    expect(sayOutcome({ feed, before: { ...paused, tripCount: 1 }, after: paused, changed: [] })).toBe(
      "ETH/USD had one pause, the longest of 1 min 5 s.",
    );
  });

  it("names a trip's own rule first, with how far it went", () => {
    const worst = [
      { rule: "dispersion", measuredBps: 110, limitBps: 100 },
      { rule: "jump", measuredBps: 420, limitBps: 300 },
    ] as const;
    expect(sayTrip({ openedBy: ["jump"], worst: [...worst] })).toBe(
      "Price moved off its average: 4.2 %, limit 3 %; Nodes disagree: 1.1 %, limit 1 %",
    );
  });

  it("never shows a little as nothing, nor almost all as all", () => {
    expect([sayShare(0, 10_000), sayShare(1, 10_000), sayShare(9_999, 10_000), sayShare(10_000, 10_000), sayShare(0, 0)]).toEqual(
      [...["0 %", "< 0.1 %", "> 99.9 %", "100 %", "–"]],
    );
  });

  it("is silent about what is whole and names each thing that is not", () => {
    expect(sayMissing(all)).toEqual([]);
    const missing = { uncertified: 12, bodies: 3, resumed: 1, begins: "with the oldest body here" } as const;
    const said = sayMissing({ ...all, missing, notReplayed: ["tolBps"] });
    expect(said).toHaveLength(5);
    expect(said[0]).toBe("Only 1 h could be looked at: the rounds begin with the oldest body here.");
    expect(said.at(-1)).toContain("tolBps acts before nodes sign");
  });
});

it("a proposal's lines are YAML that a config takes", () => {
  expect(toYaml("ETH/USD", [...changed], "major")).toBe(
    ["  - feed: ETH/USD", "    thresholds:", "      jumpBps: 150 # in force: 300, preset major: 300"].join("\n"),
  );
});
