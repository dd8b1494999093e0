import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom, GAUSSIAN_SD, splitmix64, xoshiro128 } from "../../simulator/random.ts";

describe("the generator", () => {
  // The outputs of the authors' C code for the state {1, 2, 3, 4}.
  test("is xoshiro128**", () => {
    const next = xoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  // The outputs of splitmix64.c for the seed 1234567.
  test("is seeded by splitmix64", () => {
    const next = splitmix64(1_234_567n);
    expect([next(), next(), next(), next()]).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
    ]);
  });

  test("gives the same stream for the same seed and label, another for another", () => {
    const firstFour = (seed: number, label: string) => {
      const { u32 } = createRandom(seed, label);
      return [u32(), u32(), u32(), u32()].join();
    };
    expect(firstFour(7, "ETH/USD")).toBe(firstFour(7, "ETH/USD"));
    const streams = [firstFour(7, "ETH/USD"), firstFour(8, "ETH/USD"), firstFour(7, "BTC/USD"), firstFour(-7, "ETH/USD")];
    expect(new Set(streams).size).toBe(4);
  });

  test("below is below, and reaches every value", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
        const drawn = createRandom(seed, "").below(bound);
        return Number.isInteger(drawn) && drawn >= 0 && drawn < bound;
      }),
    );
    const { below } = createRandom(1, "");
    expect(new Set(Array.from({ length: 200 }, () => below(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  test("gaussian has mean 0 and the deviation it names", () => {
    const { gaussian } = createRandom(1, "");
    const drawn = Array.from({ length: 20_000 }, () => Number(gaussian()) / Number(GAUSSIAN_SD));
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    const variance = drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(Math.max(...drawn.map(Math.abs))).toBeLessThanOrEqual(6);
  });
});
