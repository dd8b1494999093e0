import { assert } from "./assert.ts";
import { concat } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * Canonical bytes: big-endian fixed-width integers, minimal-length amounts. One value has exactly one encoding; a value that does not
 * fit its field is a bug and throws, since a silent cut would give two values one digest.
 */
export type Writer = {
  readonly u8: (value: number) => void;
  readonly u16: (value: number) => void;
  readonly u32: (value: number) => void;
  readonly u64: (value: number) => void;
  /** A length byte and the shortest big-endian form of an unsigned integer; zero is the empty form. */
  readonly amount: (value: bigint) => void;
  /** A length byte and printable ASCII text, never empty. */
  readonly text: (value: string) => void;
  readonly bytes: (value: Uint8Array) => void;
  readonly finish: () => Uint8Array;
};

/** An amount never needs more: MAX_AMOUNT has 191 bits. */
const MAX_AMOUNT_BYTES = 24;
const PRINTABLE = /^[\x21-\x7e]+$/;

export function createWriter(): Writer {
  const parts: Uint8Array[] = [];
  const integer = (value: number, width: number): void => {
    assert(Number.isSafeInteger(value) && value >= 0 && value < 256 ** width, `${value} fits ${width} bytes`);
    const bytes = new Uint8Array(width);
    let rest = value;
    for (let i = width - 1; i >= 0; i--) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    parts.push(bytes);
  };
  return {
    u8: (value) => integer(value, 1),
    u16: (value) => integer(value, 2),
    u32: (value) => integer(value, 4),
    u64: (value) => integer(value, 8),
    amount: (value) => {
      assert(value >= 0n, "an amount is unsigned");
      const bytes: number[] = [];
      for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
      integer(bytes.length, 1);
      parts.push(Uint8Array.from(bytes));
    },
    text: (value) => {
      assert(PRINTABLE.test(value), "a text is printable ASCII");
      integer(value.length, 1);
      parts.push(Uint8Array.from(value, (character) => character.charCodeAt(0)));
    },
    bytes: (value) => {
      parts.push(value);
    },
    finish: () => concat(...parts),
  };
}

/**
 * Reads what {@link createWriter} wrote. The first fault sticks: from then on every read gives zero or empty, and `fault()` says
 * what was wrong, so that a decoder checks once per item of a loop and once at its end instead of throwing.
 */
export type Reader = {
  readonly u8: () => number;
  readonly u16: () => number;
  readonly u32: () => number;
  readonly u64: () => number;
  readonly amount: (max: bigint) => bigint;
  readonly text: (maxBytes: number) => string;
  readonly bytes: (length: number) => Uint8Array;
  readonly remaining: () => number;
  readonly refuse: (why: string) => void;
  readonly fault: () => string | undefined;
  /** Call last: bytes left over are a fault as well. */
  readonly end: () => string | undefined;
};

export function createReader(source: Uint8Array): Reader {
  let at = 0;
  let fault: string | undefined;
  const refuse = (why: string): void => {
    fault ??= why;
  };
  const take = (length: number): Uint8Array => {
    if (fault !== undefined || at + length > source.length) {
      refuse(`truncated at byte ${at}`);
      return new Uint8Array(length);
    }
    at += length;
    return source.subarray(at - length, at);
  };
  const integer = (width: number): number => {
    let value = 0;
    for (const byte of take(width)) value = value * 256 + byte;
    if (value > Number.MAX_SAFE_INTEGER) refuse(`integer beyond 2^53 at byte ${at}`);
    return fault === undefined ? value : 0;
  };
  const sized = (maxBytes: number): Uint8Array => {
    const length = integer(1);
    if (length > maxBytes) refuse(`expected at most ${maxBytes} bytes at byte ${at}`);
    return fault === undefined ? take(length) : new Uint8Array(0);
  };
  return {
    u8: () => integer(1),
    u16: () => integer(2),
    u32: () => integer(4),
    u64: () => integer(8),
    amount: (max) => {
      const bytes = sized(MAX_AMOUNT_BYTES);
      if (bytes[0] === 0) refuse(`amount not in shortest form at byte ${at}`);
      let value = 0n;
      for (const byte of bytes) value = (value << 8n) | BigInt(byte);
      if (value > max) refuse(`amount beyond its bound at byte ${at}`);
      return fault === undefined ? value : 0n;
    },
    text: (maxBytes) => {
      const bytes = sized(maxBytes);
      if (bytes.length === 0) refuse(`empty text at byte ${at}`);
      if (bytes.some((byte) => byte < 0x21 || byte > 0x7e)) refuse(`text not printable ASCII at byte ${at}`);
      return fault === undefined ? String.fromCharCode(...bytes) : "";
    },
    bytes: take,
    remaining: () => source.length - at,
    refuse,
    fault: () => fault,
    end: () => {
      if (fault === undefined && at < source.length) refuse(`${source.length - at} bytes left over`);
      return fault;
    },
  };
}

/** A byte of 0 or 1. */
export function readFlag(reader: Reader): boolean {
  const flag = reader.u8();
  if (flag > 1) reader.refuse(`expected a flag of 0 or 1, found ${flag}`);
  return flag === 1;
}

/** A declared length is a stranger's word: no room is made for more than is there. */
export function readSized(reader: Reader, length: number, maxBytes: number): Uint8Array {
  if (length > maxBytes) reader.refuse(`expected at most ${maxBytes} bytes, found ${length}`);
  else if (length > reader.remaining()) reader.refuse(`truncated: ${length} bytes declared, ${reader.remaining()} left`);
  return reader.fault() === undefined ? reader.bytes(length) : new Uint8Array(0);
}

/** The value, unless the reader met a fault or bytes are left. */
export function ended<T>(reader: Reader, value: T): Result<T, string> {
  const fault = reader.end();
  return fault === undefined ? ok(value) : fail(fault);
}
