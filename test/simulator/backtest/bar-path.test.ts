import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeBars, stepPrice, worseOrder } from "../../../simulator/backtest/bar-path.ts";
import type { Bar } from "../../../simulator/backtest/bars.ts";

const bar = (open: bigint, high: bigint, low: bigint, close: bigint, at = 0): Bar => ({ at, open, high, low, close });
const path = (item: Bar, order: "OLHC" | "OHLC", steps = 4) =>
  Array.from({ length: steps }, (_, step) => stepPrice(item, order, { step, steps }));

const bars = fc
  .array(fc.bigInt({ min: 1_000_000n, max: 9_000_000n }), { minLength: 4, maxLength: 4 })
  .map((prices) => [...prices].sort((a, b) => (a < b ? -1 : 1)))
  .chain(([low = 1n, a = 1n, b = 1n, high = 1n]) => fc.constantFrom(bar(a, high, low, b), bar(b, high, low, a)));

describe("the order of a bar's corners", () => {
  it.each([
    ["a fall", bar(100n, 101n, 90n, 92n), "OLHC"],
    ["a rise", bar(92n, 101n, 90n, 100n), "OHLC"],
    ["no move, the low farther", bar(100n, 101n, 90n, 100n), "OLHC"],
    ["no move, the high farther", bar(100n, 110n, 99n, 100n), "OHLC"],
    ["nothing at all", bar(100n, 100n, 100n, 100n), "OHLC"],
  ] as const)("%s", (_, item, order) => {
    expect(worseOrder([item])).toBe(order);
  });

  it("is the longer way, whatever the bar", () => {
    const length = (item: Bar, order: "OLHC" | "OHLC") => {
      const corners = path(item, order);
      return corners.reduce((sum, price, index) => {
        const step = price - (corners[index - 1] ?? price);
        return sum + (step < 0n ? -step : step);
      }, 0n);
    };
    fc.assert(
      fc.property(bars, (item) => {
        const worse = worseOrder([item]);
        expect(length(item, worse)).toBeGreaterThanOrEqual(length(item, worse === "OLHC" ? "OHLC" : "OLHC"));
      }),
    );
  });

  it("is one for all venues, by their moves as shares of the price", () => {
    // −5 % at one venue outweighs +2 % at another whose price is a thousand times as large.
    expect(worseOrder([bar(1_000n, 1_000n, 950n, 950n), bar(1_000_000n, 1_020_000n, 1_000_000n, 1_020_000n)])).toBe("OLHC");
  });
});

describe("the steps of a bar", () => {
  it("are its corners when there are four", () => {
    expect(path(bar(100n, 101n, 90n, 92n), "OLHC")).toEqual([100n, 90n, 101n, 92n]);
    expect(path(bar(100n, 101n, 90n, 92n), "OHLC")).toEqual([100n, 101n, 90n, 92n]);
  });

  it("are straight lines between them when there are more", () => {
    expect(path(bar(100n, 101n, 90n, 92n), "OLHC", 7)).toEqual([100n, 95n, 90n, 95n, 101n, 97n, 92n]);
    expect(path(bar(100n, 160n, 40n, 100n), "OLHC", 40)).toContain(40n);
  });

  it("begin at the open, end at the close and stay within the bar", () => {
    fc.assert(
      fc.property(bars, fc.integer({ min: 4, max: 50 }), fc.constantFrom("OLHC", "OHLC"), (item, steps, order) => {
        const prices = path(item, order, steps);
        expect([prices[0], prices.at(-1)]).toEqual([item.open, item.close]);
        for (const price of prices) expect(price >= item.low && price <= item.high).toBe(true);
      }),
    );
  });

  it("come of shorter bars merged on the grid", () => {
    const seconds = [bar(10n, 12n, 9n, 11n, 0), bar(11n, 15n, 11n, 14n, 2_000), bar(14n, 14n, 5n, 6n, 4_000)];
    expect(mergeBars(seconds, 4_000)).toEqual([bar(10n, 15n, 9n, 14n, 0), bar(14n, 14n, 5n, 6n, 4_000)]);
  });
});
