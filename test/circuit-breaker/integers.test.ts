import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clamp,
  ema,
  fractionOf,
  isqrt,
  MAX_UINT32,
  moveBps,
  saturateAmount,
  saturateCount,
  saturateMs,
  sd,
  varianceOf,
} from "../../circuit-breaker/integers.ts";
import { serveInterval } from "../../circuit-breaker/interval.ts";
import { openCapMs } from "../../circuit-breaker/open-time.ts";
import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";

const amount = fc.bigInt({ min: 1n, max: MAX_AMOUNT });

test.each([
  ["a fifth down is a quarter of the smaller", 80n, 100n, 2_500],
  ["the same, the other way round", 100n, 80n, 2_500],
  ["nothing", 7n, 7n, 0],
  ["rounded down: 3334 / 10000 of 3 is less than 1", 10_000n, 10_001n, 1],
  ["less than one", 10_001n, 10_002n, 0],
  ["×1/1900", 1_900n, 1n, 18_990_000],
  ["saturated", MAX_AMOUNT, 1n, MAX_UINT32],
  ["the last value that is not", 429_496n * ONE, ONE, 4_294_950_000],
  ["from zero everything is infinitely far", 0n, 1n, MAX_UINT32],
] as const)("moveBps: %s", (_name, a, b, expected) => {
  expect(moveBps(a, b)).toBe(expected);
});

test.each([
  ["a quarter of the way", 100n, 200n, 1_000, 3_000, 125n],
  ["truncated going up", 0n, 10n, 1, 2, 3n],
  ["truncated going down, towards the mean as well", 10n, 0n, 1, 2, 7n],
  ["no time, no move", 100n, 200n, 0, 3_000, 100n],
] as const)("ema: %s", (_name, mean, sample, dtMs, tauMs, expected) => {
  expect(ema(mean, sample, { dtMs, tauMs })).toBe(expected);
});

test("ema stays between the mean and the sample", () => {
  fc.assert(
    fc.property(amount, amount, fc.nat(10 ** 13), fc.integer({ min: 1, max: 10 ** 9 }), (mean, sample, dtMs, tauMs) => {
      const next = ema(mean, sample, { dtMs, tauMs });
      const [low, high] = mean < sample ? [mean, sample] : [sample, mean];
      expect(next >= low && next <= high).toBe(true);
    }),
  );
});

test("isqrt is the floor of the root, up to what a memory can hold", () => {
  for (const [n, root] of [
    [-1n, 0n],
    [0n, 0n],
    [1n, 1n],
    [3n, 1n],
    [4n, 2n],
    [99n, 9n],
    [2n ** 106n - 1n, 2n ** 53n - 1n],
  ] as const) {
    expect(isqrt(n)).toBe(root);
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT * ONE }), (n) => {
      const root = isqrt(n);
      expect(root * root <= n && (root + 1n) * (root + 1n) > n).toBe(true);
    }),
  );
});

describe("one standard deviation", () => {
  test("of 80 % over a minute is 11 bps", () => {
    // √(60000 / 31557600000) = 0.00137887101… of a year's root, times 0.8
    expect(isqrt((60_000n * ONE * ONE) / 31_557_600_000n)).toBe(1_378_871_012_401_717n);
    expect(sd((8n * ONE) / 10n, 60_000)).toBe(1_103_096_809_921_373n);
  });

  test.each([
    ["80 %", 8_000, 33n],
    ["400 %", 40_000, 165n],
    ["1200 %", 120_000, 496n],
  ] as const)("three of %s over a lease of 60 s: %s bps", (_name, volatilityBps, expected) => {
    expect((3n * sd(fractionOf(volatilityBps), 60_000)) / fractionOf(1)).toBe(expected);
  });

  test("no time, no deviation", () => expect(sd(ONE, 0)).toBe(0n));
});

describe("the interval is widened outwards", () => {
  const raw = { rawLow: 100n * ONE, rawHigh: 101n * ONE };

  test("by h = 3 · 1103096809921373", () => {
    const { low, high } = serveInterval(raw, { anchor: undefined, volatility: (8n * ONE) / 10n, forMs: 60_000 });
    expect(low).toBe(99_669_070_957_023_588_100n);
    expect(high).toBe(101_334_238_333_406_176_019n);
  });

  test("the low end rounds down, the high end up", () => {
    const tiny = serveInterval({ rawLow: 1n, rawHigh: 1n }, { anchor: undefined, volatility: ONE, forMs: 1 });
    expect(tiny).toEqual({ low: 0n, high: 2n });
  });

  test("nothing is left to widen for past the lease", () => {
    expect(serveInterval(raw, { anchor: undefined, volatility: ONE, forMs: -5 })).toEqual({ low: raw.rawLow, high: raw.rawHigh });
  });

  test("by the whole price at most, within an amount", () => {
    const widest = serveInterval(
      { rawLow: 1n, rawHigh: MAX_AMOUNT },
      { anchor: undefined, volatility: 18n * ONE, forMs: 10 ** 13 },
    );
    expect(widest).toEqual({ low: 0n, high: MAX_AMOUNT });
  });

  test.each([
    ["below", 90n, { low: 90n * ONE, high: 101n * ONE }],
    ["within", 100n, { low: 100n * ONE, high: 101n * ONE }],
    ["above", 110n, { low: 100n * ONE, high: 110n * ONE }],
  ] as const)("it reaches an anchor %s", (_name, anchor, expected) => {
    expect(serveInterval(raw, { anchor: anchor * ONE, volatility: 0n, forMs: 60_000 })).toEqual(expected);
  });
});

describe("the cap of an open feed", () => {
  const t = { sdCapBps: 400, beta: 1, minOpenMs: 120_000, maxOpenMs: 1_800_000 };

  test.each([
    ["(4 % / 12)² of a year at 1200 %", t, 12n * ONE, 350_640],
    ["β counts: (4 % / 24)² is below the least", { ...t, beta: 2 }, 12n * ONE, 120_000],
    ["β counts: (4 % / 12)² at 600 %", { ...t, beta: 2 }, 6n * ONE, 350_640],
    ["never more than the most: (4 % / 0.8)² is 21 h", t, (8n * ONE) / 10n, 1_800_000],
    ["no β, no market", { ...t, beta: 0 }, 12n * ONE, 1_800_000],
    ["an unknown market", t, 0n, 1_800_000],
  ] as const)("%s", (_name, thresholds, volatility, expected) => {
    expect(openCapMs(thresholds, volatility)).toBe(expected);
  });
});

test("bounds", () => {
  expect([clamp(1n, 2n, 3n), clamp(2n, 1n, 3n), clamp(4n, 2n, 3n)]).toEqual([2n, 2n, 3n]);
  expect(saturateAmount(MAX_AMOUNT + 1n)).toBe(MAX_AMOUNT);
  expect(saturateCount(MAX_UINT32 + 1)).toBe(MAX_UINT32);
  expect(saturateMs(Number.MAX_SAFE_INTEGER + 1)).toBe(Number.MAX_SAFE_INTEGER);
  expect(varianceOf(fractionOf(8_000))).toBe((64n * ONE) / 100n);
});
