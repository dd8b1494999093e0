import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Participation, Source } from "../../dashboard/data/api.ts";
import { cellOf, judgeMember, sayPart } from "../../dashboard/view/attendance.ts";
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

describe("who took part", () => {
  type Round = Participation["rounds"][number];
  const round = (number: number, signers: readonly string[], observers: readonly string[] | null): Round =>
    ({ round: number, leader: "0xaa", certified: signers.length > 0, observers, signers }) as unknown as Round;
  const over = (rounds: readonly Round[]) => ({ rounds }) as unknown as Participation;
  const many = (count: number, at: (index: number) => Round) => over(Array.from({ length: count }, (_, index) => at(index)));

  it("is told round by round, and a missed number counts against nobody", () => {
    expect(cellOf(round(1, ["a", "b"], ["a", "b", "c"]), "a")).toBe("signed");
    expect(cellOf(round(1, ["a", "b"], ["a", "b", "c"]), "c")).toBe("observed");
    expect(cellOf(round(1, ["a", "b"], ["a", "b", "c"]), "d")).toBe("out");
    expect(cellOf(round(1, ["a", "b"], null), "c")).toBe("out");
    expect(cellOf(round(1, [], null), "a")).toBe("missed");
  });

  it("tells a member that is never quick enough to sign from one that is late and one that is down", () => {
    const quick = many(60, (index) => round(index, ["a", "b", "c"], index < 58 ? ["a", "b", "c", "d"] : ["a", "b", "c"]));
    expect([judgeMember(quick, "a"), judgeMember(quick, "d")]).toEqual(["there", "there"]);
    const gone = (rounds: number) =>
      many(60, (index) => round(index, ["a", "b"], index < 60 - rounds ? ["a", "b", "d"] : ["a", "b"]));
    expect(judgeMember(gone(10), "d")).toBe("late");
    expect(judgeMember(gone(40), "d")).toBe("absent");
    expect(judgeMember(gone(60), "d")).toBe("absent");
    expect(
      judgeMember(
        many(3, (index) => round(index, ["a"], ["a"])),
        "d",
      ),
    ).toBe("late");
    expect(judgeMember(undefined, "a")).toBe("unknown");
    expect(
      judgeMember(
        many(9, (index) => round(index, [], null)),
        "a",
      ),
    ).toBe("unknown");
  });

  it("is a share that is whole only when all is", () => {
    expect([sayPart(59, 60), sayPart(60, 60), sayPart(0, 60), sayPart(0, 0), sayPart(undefined, 60)]).toEqual([
      ...["98 %", "100 %", "0 %", "–", "–"],
    ]);
  });
});
