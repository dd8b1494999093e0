import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  cutHex,
  formatBps,
  formatChange,
  formatClock,
  formatCount,
  formatCountdown,
  formatDay,
  formatExact,
  formatNamed,
  formatPrice,
  formatSpan,
  formatVolatility,
  formatWidth,
  placeOf,
} from "../../dashboard/view/format.ts";
import { formatAmount, MAX_AMOUNT } from "../../protocol/amount.ts";

describe("prices are cut texts, never rounded and never floats", () => {
  test.each([
    ["1801.551234", "1,801.55"],
    ["1801.559999", "1,801.55"],
    ["60018.4", "60,018.40"],
    ["130.19545", "130.195"],
    ["12.4866105126375", "12.4866"],
    ["9.5", "9.50"],
    ["0.42002155", "0.420021"],
    ["0.0000123456789", "0.000012345"],
    ["0", "0.00"],
    ["123456789012345678901234.000000000000000001", "123,456,789,012,345,678,901,234.00"],
  ])("%s is shown as %s", (text, shown) => expect(formatPrice(text)).toBe(shown));

  it("what is shown is a beginning of what was signed", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT }), (amount) => {
        const text = formatAmount(amount);
        const shown = formatPrice(text).replaceAll(",", "");
        expect(`${text}${text.includes(".") ? "" : "."}00`.startsWith(shown.replace(/0+$/, ""))).toBe(true);
        expect(formatExact(text).replaceAll(",", "")).toBe(text);
      }),
    );
  });
});

test.each([
  ["1010", "1000", "+1.00 %", 1],
  ["990", "1000", "−1.00 %", -1],
  ["1000.09", "1000", "0.00 %", 0],
  ["999.91", "1000", "0.00 %", 0],
  ["900", "30", "+2,900.00 %", 1],
] as const)("%s against %s is %s", (price, reference, text, sign) =>
  expect(formatChange(price, reference)).toEqual({ text, sign }),
);

test("there is no change against nothing, nor a width of nothing", () => {
  expect(formatChange("1", "0")).toBeUndefined();
  expect(formatChange("x", "1")).toBeUndefined();
  expect(formatWidth({ price: "0", low: "0", high: "1" })).toBeUndefined();
  expect(formatWidth({ price: "1800", low: "1799.1", high: "1800.9" })).toBe("10.0");
});

test.each([
  [-5, "0.0 s"],
  [9_999, "9.9 s"],
  [10_000, "10 s"],
  [61_000, "1 min 1 s"],
  [3_600_000, "1 h"],
  [3_725_000, "1 h 2 min"],
  [90_000_000, "1 d 1 h"],
])("%d ms are %s", (ms, text) => expect(formatSpan(ms)).toBe(text));

test("a countdown ends at nought and is whole seconds", () => {
  expect([14_001, 14_000, 1, 0, -900, 240_000].map(formatCountdown)).toEqual(["15 s", "14 s", "1 s", "0 s", "0 s", "4 min"]);
});

test("small things", () => {
  expect([42, 100, 420, 30_000].map(formatBps)).toEqual(["42 bps", "1 %", "4.2 %", "300 %"]);
  expect(formatCount(1_795_368_817)).toBe("1,795,368,817");
  expect(cutHex("0x1f1b6d3aff3309cb483a5664fdcc3ce0af36e0df")).toBe("0x1f1b6d…e0df");
  expect(cutHex("0x12")).toBe("0x12");
  expect(formatVolatility("0.62")).toBe("62 %");
  expect(formatVolatility("18")).toBe("1,800 %");
  expect(formatNamed("clearMs", 30_000)).toBe("30 s");
  expect(formatNamed("pegHoldMs", 0)).toBe("0");
  expect(formatNamed("jumpBps", 300)).toBe("3 %");
  expect(formatNamed("beta", 2)).toBe("2");
});

test("times are of the zone that is given", () => {
  expect(formatClock(1_763_800_000_000, 0)).toBe("08:26:40");
  expect(formatClock(1_763_800_000_000, 3_600_000)).toBe("09:26:40");
  expect(formatDay(1_763_800_000_000, 0)).toBe("2025-11-22 08:26");
});

test("a place between two ends stays between them", () => {
  expect([placeOf("5", "0", "10"), placeOf("-1", "0", "10"), placeOf("11", "0", "10")]).toEqual([500, 500, 1_000]);
  expect(placeOf("0.5", "1", "2")).toBe(0);
  expect(placeOf("1", "1", "1")).toBe(500);
});
