import type { Hex } from "../../protocol/bytes.ts";

/** Hex digits of an ABI word, and where the first feed's fields begin: `0x`, two offsets and a length. */
const DIGITS = 64;
const HEAD_DIGITS = 2 + 3 * DIGITS;
/** A feed's name and its 53 fields. */
const FEED_WORDS = 54;

/** Where a field stands behind the feed's name, in the order of BREAKER.md B1. */
const FIELD = { pricedAt: 2, anchor: 7, v: 8, sysEma: 53 } as const;

/** The part of a feed's memory that no leaf shows and a doubt depends on. */
export type Remembered = { readonly pricedAt: number; readonly anchor: bigint; readonly v: bigint; readonly sysEma: bigint };

/**
 * Reads a parent's memory straight from the ABI words that its `stateRoot` commits to, by feed; a second reading of BREAKER.md B1,
 * beside the breaker's own.
 */
export function readMemory(memory: Hex): ReadonlyMap<string, Remembered> {
  const feeds = new Map<string, Remembered>();
  const count = memory === "0x" ? 0 : Number(BigInt(`0x${memory.slice(HEAD_DIGITS - DIGITS, HEAD_DIGITS)}`));
  for (let index = 0; index < count; index++) {
    const start = HEAD_DIGITS + index * FEED_WORDS * DIGITS;
    const word = (position: number) => BigInt(`0x${memory.slice(start + position * DIGITS, start + (position + 1) * DIGITS)}`);
    feeds.set(textOf(memory.slice(start, start + DIGITS)), {
      pricedAt: Number(word(FIELD.pricedAt)),
      anchor: word(FIELD.anchor),
      v: word(FIELD.v),
      sysEma: word(FIELD.sysEma),
    });
  }
  return feeds;
}

function textOf(digits: string): string {
  let text = "";
  for (let at = 0; at < digits.length; at += 2) {
    const code = Number.parseInt(digits.slice(at, at + 2), 16);
    if (code === 0) break;
    text += String.fromCharCode(code);
  }
  return text;
}
