import { fromHex, type Hex } from "./bytes.ts";

/** The static part of Solidity's ABI, which is all that the pinned bytes need: one value, one 32-byte big-endian word. */
export const WORD = 32;

/** Writes an integer as a two's-complement int256 / uint256 word at `offset`; the target there is zero. */
export function writeWord(target: DataView, offset: number, value: bigint | number): void {
  if (typeof value === "number" && value >= 0) {
    target.setUint32(offset + 24, Math.floor(value / 2 ** 32));
    target.setUint32(offset + 28, value % 2 ** 32);
    return;
  }
  const integer = BigInt(value);
  target.setBigUint64(offset, BigInt.asUintN(64, integer >> 192n));
  target.setBigUint64(offset + 8, BigInt.asUintN(64, integer >> 128n));
  target.setBigUint64(offset + 16, BigInt.asUintN(64, integer >> 64n));
  target.setBigUint64(offset + 24, BigInt.asUintN(64, integer));
}

/** Concatenated words: numbers and bigints as int256, hex as bytes32 (32 bytes) or right-aligned when shorter (an address). */
export function encodeWords(values: readonly (bigint | number | Hex | Uint8Array)[]): Uint8Array {
  const encoded = new Uint8Array(values.length * WORD);
  const view = new DataView(encoded.buffer);
  values.forEach((value, index) => {
    const offset = index * WORD;
    if (typeof value === "bigint" || typeof value === "number") writeWord(view, offset, value);
    else {
      const bytes = typeof value === "string" ? fromHex(value) : value;
      encoded.set(bytes, offset + WORD - bytes.length);
    }
  });
  return encoded;
}
