import { assert } from "../protocol/assert.ts";

const MASK64 = (1n << 64n) - 1n;

/** Four words of 32 bits, not all zero. */
export type Xoshiro128State = readonly [number, number, number, number];

export type Random = {
  /** Uniform in 0 … 2³² − 1. */
  readonly u32: () => number;
  /** Uniform in 0 … bound − 1, for 1 ≤ bound ≤ 2³², without modulo bias. */
  readonly below: (bound: number) => number;
  /** Near-normal integer with mean 0 and standard deviation {@link GAUSSIAN_SD}, never beyond six of them. */
  readonly gaussian: () => bigint;
};

/** One standard deviation of {@link Random.gaussian}. */
export const GAUSSIAN_SD = 65_536n;

/**
 * xoshiro128** 1.1 by Blackman and Vigna (https://prng.di.unimi.it/xoshiro128starstar.c): the next word at each call.
 *
 * @example xoshiro128([1, 2, 3, 4])(); // 11520
 */
export function xoshiro128(state: Xoshiro128State): () => number {
  let [a, b, c, d] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/**
 * A stream of its own for each label: the path of ETH does not change because another asset is added.
 * The state is filled by splitmix64 (https://prng.di.unimi.it/splitmix64.c), as xoshiro's authors ask, from the seed and the
 * FNV-1a hash of the label.
 */
export function createRandom(seed: number, label: string): Random {
  assert(Number.isSafeInteger(seed), "a seed is a safe integer");
  const next64 = splitmix64(BigInt.asUintN(64, BigInt(seed)) ^ fnv1a64(label));
  const [first, second] = [next64(), next64()];
  const next = xoshiro128([word(first), word(first >> 32n), word(second), word(second >> 32n)]);
  return {
    u32: next,
    below: (bound) => {
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let drawn = next();
      while (drawn >= limit) drawn = next();
      return drawn % bound;
    },
    gaussian: () => irwinHall(next),
  };
}

/** The sum of twelve uniforms of 16 bits, less its mean: variance 12 · (2¹⁶)²/12. Integers only, the same on every machine. */
function irwinHall(next: () => number): bigint {
  let sum = 0;
  for (let i = 0; i < 6; i++) {
    const drawn = next();
    sum += (drawn >>> 16) + (drawn & 0xffff);
  }
  return BigInt(sum - 6 * 0xffff);
}

/** @example splitmix64(1234567n)(); // 6457827717110365317n */
export function splitmix64(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK64;
    return z ^ (z >> 31n);
  };
}

function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK64;
  return hash;
}

function word(value: bigint): number {
  return Number(value & 0xffffffffn);
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
