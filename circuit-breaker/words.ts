import { WORD, writeWord } from "../protocol/abi.ts";

/** Words one after the other into a buffer of known size. */
export type WordWriter = {
  readonly put: (value: bigint | number) => void;
  /** A whole number of words. */
  readonly putBytes: (words: Uint8Array) => void;
  readonly bytes: Uint8Array;
};

export function createWordWriter(size: number): WordWriter {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  return {
    put: (value) => {
      // The buffer is zero already, and most of a quiet feed's memory is.
      if (value !== 0 && value !== 0n) writeWord(view, at, value);
      at += WORD;
    },
    putBytes: (words) => {
      bytes.set(words, at);
      at += words.length;
    },
    bytes,
  };
}

/**
 * Reads int256 words within bounds. The first fault sticks and names its word; from then on every read gives the lowest value allowed,
 * so that a decoder checks once at its end instead of throwing.
 */
export type WordReader = {
  readonly bytes: () => Uint8Array;
  readonly expect: (value: number) => void;
  /** 0 … max. */
  readonly count: (max: number) => number;
  readonly integer: (min: number, max: number) => number;
  readonly amount: (min: bigint, max: bigint) => bigint;
  readonly refuse: (why: string) => void;
  readonly fault: () => string | undefined;
  /** Call last: words left over are a fault as well. */
  readonly end: () => string | undefined;
};

export function createWordReader(source: Uint8Array): WordReader {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let at = 0;
  let fault: string | undefined;
  const refuse = (why: string): void => {
    fault ??= `word ${at / WORD - 1}: ${why}`;
  };
  const bytes = (): Uint8Array => {
    at += WORD;
    if (at <= source.length) return source.subarray(at - WORD, at);
    refuse("truncated");
    return new Uint8Array(WORD);
  };
  const amount = (min: bigint, max: bigint): bigint => {
    at += WORD;
    if (at > source.length) refuse("truncated");
    if (fault !== undefined) return min;
    const offset = at - WORD;
    const high = (view.getBigInt64(offset) << 64n) | view.getBigUint64(offset + 8);
    const value = (high << 128n) | (view.getBigUint64(offset + 16) << 64n) | view.getBigUint64(offset + 24);
    if (value >= min && value <= max) return value;
    refuse(`expected ${min} to ${max}`);
    return min;
  };
  const integer = (min: number, max: number): number => Number(amount(BigInt(min), BigInt(max)));
  return {
    bytes,
    expect: (value) => void integer(value, value),
    count: (max) => integer(0, max),
    integer,
    amount,
    refuse,
    fault: () => fault,
    end: () => {
      if (fault === undefined && at !== source.length) refuse(`${source.length - at} bytes left over`);
      return fault;
    },
  };
}
