import { keccak_256 } from "@noble/hashes/sha3.js";
import { hexToBytes as bytesOf, bytesToHex as hexOf, utf8ToBytes } from "@noble/hashes/utils.js";

/** Lower-case hex with `0x`: digests, addresses and signatures are compared and used as keys in this form only. */
export type Hex = `0x${string}`;
/** 20 bytes. */
export type Address = Hex;
/** 32 bytes. */
export type Digest = Hex;

export const ZERO_DIGEST: Digest = `0x${"00".repeat(32)}`;

/** Of more bytes a text that is put together digit by digit takes seconds and a gigabyte at the size of the largest body. */
const SHORT_BYTES = 256;
const DIGITS = utf8ToBytes("0123456789abcdef");

export function toHex(bytes: Uint8Array): Hex {
  return bytes.length <= SHORT_BYTES ? `0x${hexOf(bytes)}` : longHex(bytes);
}

function longHex(bytes: Uint8Array): Hex {
  const text = new Uint8Array(2 * bytes.length);
  let at = 0;
  for (const byte of bytes) {
    text[at] = DIGITS[byte >> 4] ?? 0;
    text[at + 1] = DIGITS[byte & 15] ?? 0;
    at += 2;
  }
  return `0x${new TextDecoder().decode(text)}`;
}

/** The caller has checked the text (see {@link isHex}); anything else is a bug and throws. */
export function fromHex(hex: Hex): Uint8Array {
  return bytesOf(hex.slice(2));
}

/** Lower-case hex of exactly `length` bytes. */
export function isHex(text: unknown, length: number): text is Hex {
  return typeof text === "string" && text.length === 2 + 2 * length && /^0x[0-9a-f]*$/.test(text);
}

export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}

export function keccak(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes);
}

export function keccakHex(bytes: Uint8Array): Digest {
  return toHex(keccak_256(bytes));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Byte order: negative when `a` sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
