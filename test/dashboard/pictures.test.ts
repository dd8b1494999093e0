import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Source } from "../../dashboard/data/api.ts";
import { judge, mergeAttendance, standingOf, toGrid } from "../../dashboard/view/attendance.ts";
import { layoutDots, placeOnAxis } from "../../dashboard/view/dots.ts";
import { describeSeries, MAX_POINTS, mergePoints, type Point, toColumns, toRibbon } from "../../dashboard/view/series.ts";

const source = (price: string | undefined, status: "used" | "dropped" = "used"): Source =>
  ({ venue: "v", status, ...(price === undefined ? {} : { price }) }) as Source;

describe("the sources' dots", () => {
  it("span what counts, not what was dropped: that stands at the edge", () => {
    const axis = layoutDots([source("100"), source("101"), source("70", "dropped"), source("150", "dropped")], {
      ...{ low: "99.5", high: "101.5", gap: 20 },
    });
    expect(axis?.dots.map(({ index, beyond }) => [index, beyond])).toEqual([
      [2, "low"],
      [0, undefined],
      [1, undefined],
      [3, "high"],
    ]);
    expect(axis?.dots.map(({ x }) => x).slice(0, 1)).toEqual([0]);
    expect(axis?.dots.at(-1)?.x).toBe(1_000);
    if (axis !== undefined) expect(placeOnAxis("100.5", axis)).toBe(500);
  });

  it("never touch, whatever the prices", () => {
    const prices = fc.array(fc.integer({ min: 900, max: 1_100 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(prices, fc.integer({ min: 1, max: 100 }), (values, gap) => {
        const axis = layoutDots(
          values.map((value) => source(String(value))),
          { low: null, high: null, gap },
        );
        const dots = axis?.dots ?? [];
        expect(dots).toHaveLength(values.length);
        for (const [at, dot] of dots.entries()) {
          expect(dot.x >= 0 && dot.x <= 1_000 && dot.lane < (axis?.lanes ?? 0)).toBe(true);
          const mates = dots.slice(0, at).filter(({ lane }) => lane === dot.lane);
          for (const mate of mates) expect(Math.abs(mate.x - dot.x)).toBeGreaterThanOrEqual(gap);
        }
      }),
    );
  });

  it("are none where no source has a price, and are laid out where none counts", () => {
    expect(layoutDots([source(undefined)], { low: null, high: null, gap: 20 })).toBeUndefined();
    expect(layoutDots([source("5", "dropped")], { low: null, high: null, gap: 20 })?.dots[0]).toMatchObject({
      used: false,
      beyond: undefined,
    });
  });
});

const point = (round: number, state: Point["breaker"]["state"] = "closed", price = "100"): Point => ({
  ...{ round, timestamp: round * 1_000, price, low: "99", high: "101", ema: "100" },
  breaker: { state },
});

describe("the chart's rounds", () => {
  it("are each there once and in order, however they came", () => {
    const known = mergePoints([point(3), point(4)], [point(5)]);
    expect(mergePoints(known, [point(1), point(2), point(3)]).map(({ round }) => round)).toEqual([1, 2, 3, 4, 5]);
    expect(mergePoints(known, [])).toBe(known);
    expect(mergePoints([point(1, "closed", "1")], [point(1, "closed", "2")])[0]?.price).toBe("2");
  });

  it("are bounded: the oldest go", () => {
    const many = mergePoints(
      [],
      Array.from({ length: MAX_POINTS + 10 }, (_, round) => point(round)),
    );
    expect([many.length, many[0]?.round]).toEqual([MAX_POINTS, 10]);
  });

  it("have a hole where rounds are missing, which no line crosses", () => {
    const [seconds, price] = toColumns([point(1), point(2), point(9)]);
    expect(seconds).toEqual([1, 2, 3, 9]);
    expect(price).toEqual([100, 100, null, 100]);
  });

  it("take the length of a round from the rounds themselves", () => {
    const slow = [1, 2, 3].map((round) => ({ ...point(round), timestamp: round * 4_000 }));
    expect(toColumns(slow)[0]).toEqual([4, 8, 12]);
    expect(toRibbon(slow)).toEqual([{ state: "closed", from: 4_000, to: 16_000 }]);
  });

  it("make a ribbon of states that claims nothing about missing rounds", () => {
    const points = [point(1), point(2), point(3, "open"), point(4, "half-open"), point(9, "half-open")];
    expect(toRibbon(points)).toEqual([
      { state: "closed", from: 1_000, to: 3_000 },
      { state: "open", from: 3_000, to: 4_000 },
      { state: "half-open", from: 4_000, to: 5_000 },
      { state: "half-open", from: 9_000, to: 10_000 },
    ]);
  });

  it("are told to those who do not see them", () => {
    expect(describeSeries([])).toBe("No rounds yet.");
    expect(describeSeries([point(1, "closed", "100"), point(2, "open", "90"), point(3, "open", "95")])).toBe(
      "3 rounds: from 100 to 95, lowest 90, highest 100; breaker closed, open.",
    );
  });
});

describe("who signed", () => {
  const rounds = [1, 2, 4].map((round) => ({ round, signers: round === 2 ? ["a", "b"] : ["a", "c"] }));

  it("is a grid in which a round without a certificate counts against nobody", () => {
    const grid = toGrid(rounds, { newest: 4, count: 10 });
    expect(grid.map(({ round, signers }) => [round, signers === undefined])).toEqual([
      [1, false],
      [2, false],
      [3, true],
      [4, false],
    ]);
    expect(standingOf(grid, "a")).toEqual({ rounds: 3, signed: 3, behind: 0 });
    expect(standingOf(grid, "b")).toEqual({ rounds: 3, signed: 1, behind: 1 });
    expect(standingOf(grid, "x")).toEqual({ rounds: 3, signed: 0, behind: undefined });
  });

  it("tells a member left out now and then from one that is down", () => {
    const network = { members: 4, quorum: 3 };
    expect(judge({ rounds: 0, signed: 0, behind: undefined }, network)).toBe("signing");
    expect(judge({ rounds: 60, signed: 40, behind: 4 }, network)).toBe("signing");
    expect(judge({ rounds: 60, signed: 20, behind: 30 }, network)).toBe("quiet");
    expect(judge({ rounds: 60, signed: 0, behind: undefined }, network)).toBe("absent");
    expect(judge({ rounds: 5, signed: 0, behind: undefined }, network)).toBe("quiet");
  });

  it("keeps each round once, and a bounded number", () => {
    const many = Array.from({ length: 300 }, (_, round) => ({ round, signers: [] }));
    const kept = mergeAttendance(many, many);
    expect(kept.length).toBeLessThanOrEqual(120);
    expect(kept.at(-1)?.round).toBe(299);
  });
});
