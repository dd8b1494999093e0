import type { Random } from "../../simulator/random.ts";

/** Where lengths, counts and instants go wrong: around powers of two, the sizes of fields, and 2⁵³. */
const BOUNDARIES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 16n, 20n, 31n, 32n, 33n, 64n, 65n, 127n, 128n, 129n, 255n, 256n, 257n, 4095n, 4096n, 4097n],
  ...[16n, 31n, 32n, 48n, 53n, 63n, 64n].flatMap((bits) => [(1n << bits) - 1n, 1n << bits, (1n << bits) + 1n]),
];
const WIDTHS = [1, 2, 4, 8] as const;
const MAX_RUN = 256;
const MAX_REPEATS = 64;

export type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Every way in which plain bytes are changed; `other` is a second member of the corpus. */
export const BYTE_MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  writeBoundary,
  writeBoundary,
  tamperLength,
  truncate,
  removeRun,
  insertRun,
  repeatRun,
  copyRun,
  splice,
  swapRuns,
];

function flipBit(input: Uint8Array, random: Random): Uint8Array {
  if (input.length === 0) return input;
  const changed = input.slice();
  const at = random.below(input.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
}

function setByte(input: Uint8Array, random: Random): Uint8Array {
  if (input.length === 0) return input;
  const changed = input.slice();
  const extremes = [0, 1, 0x7f, 0x80, 0xff, random.below(256)];
  changed[random.below(input.length)] = extremes[random.below(extremes.length)] ?? 0;
  return changed;
}

/** A big-endian integer of a field's width, at a boundary. */
function writeBoundary(input: Uint8Array, random: Random): Uint8Array {
  const width = WIDTHS[random.below(WIDTHS.length)] ?? 1;
  if (input.length < width) return input;
  const changed = input.slice();
  let value = BOUNDARIES[random.below(BOUNDARIES.length)] ?? 0n;
  const at = random.below(input.length - width + 1);
  for (let i = width - 1; i >= 0; i--) {
    changed[at + i] = Number(value & 0xffn);
    value >>= 8n;
  }
  return changed;
}

/** A byte that may be a length or a count, a little more or less than it was. */
function tamperLength(input: Uint8Array, random: Random): Uint8Array {
  if (input.length === 0) return input;
  const changed = input.slice();
  const at = random.below(input.length);
  changed[at] = ((changed[at] ?? 0) + random.below(9) - 4) & 0xff;
  return changed;
}

function truncate(input: Uint8Array, random: Random): Uint8Array {
  return input.slice(0, random.below(input.length + 1));
}

function removeRun(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = runOf(input, random);
  return joined(input.subarray(0, from), input.subarray(to));
}

function insertRun(input: Uint8Array, random: Random): Uint8Array {
  const run = Uint8Array.from({ length: 1 + random.below(32) }, () => random.below(256));
  const at = random.below(input.length + 1);
  return joined(input.subarray(0, at), run, input.subarray(at));
}

function repeatRun(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = runOf(input, random);
  const run = input.subarray(from, to);
  const times = 1 + random.below(MAX_REPEATS);
  return joined(input.subarray(0, to), ...Array.from({ length: times }, () => run), input.subarray(to));
}

function copyRun(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = runOf(input, random);
  const changed = input.slice();
  changed.set(input.subarray(from, to), random.below(input.length - (to - from) + 1));
  return changed;
}

function splice(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  return joined(input.subarray(0, random.below(input.length + 1)), other.subarray(random.below(other.length + 1)));
}

function swapRuns(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = runOf(input, random);
  const middle = from + random.below(to - from + 1);
  return joined(input.subarray(0, from), input.subarray(middle, to), input.subarray(from, middle), input.subarray(to));
}

function runOf(input: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1);
  return [from, from + random.below(Math.min(MAX_RUN, input.length - from) + 1)];
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
