import { describe, expect, test } from "vitest";
import { decimal, during, everywhere, flat, line, quoteAt, shifted, steps, times } from "../../../simulator/incidents/quotes.ts";

const AT = Date.UTC(2026, 0, 1);

test("a line is straight between its points and flat beyond them", () => {
  const path = line([
    [10, "1"],
    [20, "2"],
    [40, "1.5"],
  ]);
  const seen = [-5, 10, 15, 20, 30, 40, 99].map((second) => path(second));
  expect(seen).toEqual(["1", "1", "1.5", "2", "1.75", "1.5", "1.5"].map(decimal));
});

test("steps hold until the next", () => {
  const path = steps([
    [0, "1"],
    [5, "3"],
  ]);
  expect([-1, 0, 4.9, 5, 60].map((second) => path(second))).toEqual(["1", "1", "1", "3", "3"].map(decimal));
});

test("paths are shifted, multiplied and exchanged for a span that ends before its end", () => {
  expect(shifted(flat("100"), -25)(0)).toBe(decimal("99.75"));
  expect(times(flat("41000"), 1n, 100_000_000n)(0)).toBe(decimal("0.00041"));
  const path = during({ from: 10, to: 20 }, flat("2"), flat("1"));
  expect([9, 10, 19, 20].map((second) => path(second))).toEqual(["1", "2", "2", "1"].map(decimal));
});

describe("what a venue answers", () => {
  const path = line([
    [0, "100"],
    [100, "200"],
  ]);

  test("a book of two basis points around the mid, 200 ms old", () => {
    expect(quoteAt({ mid: flat("100") }, 0, AT)).toEqual({
      bid: decimal("99.99"),
      ask: decimal("100.01"),
      bookAt: AT - 200,
      sentAt: AT,
    });
  });

  test("frozen, it repeats the price and the time it had", () => {
    const script = { mid: path, spreadBps: 0, frozen: [{ from: 40, to: 60 }] };
    expect(quoteAt(script, 50, AT)).toMatchObject({ bid: decimal("140"), bookAt: AT - 10_200 });
    expect(quoteAt(script, 60, AT)).toMatchObject({ bid: decimal("160"), bookAt: AT - 200 });
  });

  test("silent, or without a price above zero, it says nothing", () => {
    expect(quoteAt({ mid: path, silent: [{ from: 0, to: 10 }] }, 5, AT)).toBeUndefined();
    expect(quoteAt({ mid: () => 0n }, 5, AT)).toBeUndefined();
    expect(quoteAt({ mid: () => undefined }, 5, AT)).toBeUndefined();
  });
});

test("the same market at several venues lies a basis point apart", () => {
  const quotes = everywhere(["a", "b", "c", "d"], "X/USD", flat("100"));
  expect(Object.entries(quotes).map(([key, { mid }]) => [key, mid(0)])).toEqual([
    ["a X/USD", decimal("99.99")],
    ["b X/USD", decimal("100")],
    ["c X/USD", decimal("100.01")],
    ["d X/USD", decimal("99.99")],
  ]);
});
