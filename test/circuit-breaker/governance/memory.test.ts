import fc from "fast-check";
import { encodeAbiParameters } from "viem";
import { expect, test } from "vitest";
import { MAX_KEYHOLDERS, MAX_PAUSES } from "../../../circuit-breaker/governance-memory.ts";
import { decodeMemory, encodeMemory } from "../../../circuit-breaker/memory.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { anyGovernance } from "./arbitrary.ts";
import { addressOf, BTC, ETH } from "./council.ts";

const DIGEST = `0x${"5e".repeat(32)}` as const;
const PREVIOUS = `0x${"01".repeat(32)}` as const;
const NEXT = `0x${"ff".repeat(32)}` as const;

/** Every field another number. */
const NUMBERED = {
  keyholders: [
    { address: addressOf(11), nonce: 12, usedMs: 13, usedAt: 14 },
    { address: addressOf(21), nonce: 22, usedMs: 23, usedAt: 24 },
  ],
  pauses: [
    {
      ...{ feed: "*" as const, action: "robust" as const, until: 31, power: "guardian" as const },
      refundUntil: 32,
      keyholders: [addressOf(33)],
    },
    {
      ...{ feed: ETH, action: "none" as const, until: 41, power: "governors" as const },
      refundUntil: 0,
      keyholders: [42, 43].map(addressOf),
    },
  ],
  pending: {
    ...{ configDigest: DIGEST, activation: 51 },
    feeds: [
      { feed: BTC, agreedAt: 52, accepted: true },
      { feed: ETH, agreedAt: 53, accepted: false },
    ],
  },
  previous: PREVIOUS,
  next: NEXT,
  droppedAt: 60,
  certified: 61n,
};

const textWord = (text: string) => BigInt(`0x${Buffer.from(text).toString("hex").padEnd(64, "0")}`);
const NUMBERED_WORDS = [
  ...[2, 11, 12, 13, 14, 21, 22, 23, 24],
  ...[2, 0, 1, 31, 0, 32, 1, 33, textWord("ETH/USD"), 2, 41, 2, 0, 2, 42, 43],
  ...[1, BigInt(DIGEST), 51, 2, textWord("BTC/USD"), 52, 1, textWord("ETH/USD"), 53, 0],
  ...[BigInt(PREVIOUS), BigInt(NEXT), 60, 61],
].map(BigInt);

test("governance is the memory's int256[] tail, every field in its place", () => {
  const expected = encodeAbiParameters(
    [{ type: "tuple[]", components: [{ type: "bytes32" }, { type: "int256[53]" }] }, { type: "int256[]" }],
    [[], NUMBERED_WORDS.map((word) => BigInt.asIntN(256, word))],
  );
  expect(toHex(encodeMemory({ feeds: [], governance: NUMBERED }))).toBe(expected);
});

test("what was encoded decodes to itself", () => {
  expect(decodeMemory(encodeMemory({ feeds: [], governance: NUMBERED }))).toEqual({
    ok: true,
    value: { feeds: [], governance: NUMBERED },
  });
  fc.assert(
    fc.property(anyGovernance, (governance) => {
      expect(decodeMemory(encodeMemory({ feeds: [], governance }))).toEqual({ ok: true, value: { feeds: [], governance } });
    }),
    { numRuns: 300 },
  );
});

test("changed words either are refused or are the encoding of what they decode to", () => {
  const bytes = encodeMemory({ feeds: [], governance: NUMBERED });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const decoded = decodeMemory(changed);
      if (decoded.ok) expect(encodeMemory(decoded.value)).toEqual(changed);
    }),
    { numRuns: 1_000 },
  );
});

/** Head: two offsets, no feeds, then the number of words; what follows is governance's. */
const HEAD = 4;
function withWord(index: number, word: bigint): Uint8Array {
  const bytes = encodeMemory({ feeds: [], governance: NUMBERED });
  const hex = BigInt.asUintN(256, word).toString(16).padStart(64, "0");
  bytes.set(Buffer.from(hex, "hex"), (HEAD + index) * 32);
  return bytes;
}

test.each([
  ["another number of words than it says", withWord(-1, 38n), /another number of globals/],
  ["more keyholders than there may be", withWord(0, BigInt(MAX_KEYHOLDERS) + 1n), /word 4: expected 0 to 256/],
  ["an address of 21 bytes", withWord(1, 1n << 160n), /word 5: no address/],
  ["keyholders out of order", withWord(5, 3n), /not in ascending order/],
  ["more pauses than there may be", withWord(9, BigInt(MAX_PAUSES) + 1n), /expected 0 to 256/],
  ["a pause of no feed's name", withWord(10, 1n), /word 14/],
  ["a withdrawal as a pause", withWord(11, 0n), /word 15: expected 1 to 2/],
  ["an end before 1970", withWord(12, -1n), /word 16: expected 0/],
  ["a fourth power", withWord(13, 3n), /word 17: expected 0 to 2/],
  ["signers out of order", withWord(24, 1n), /not in ascending order/],
  ["two pending configs", withWord(25, 2n), /expected 0 to 1/],
  ["all feeds as one changed feed", withWord(29, 0n), /no feed/],
  ["changed feeds out of order", withWord(32, textWord("AAA/USD")), /not in ascending order/],
  ["acceptance that is neither yes nor no", withWord(34, 2n), /expected 0 to 1/],
  ["a drop before 1970", withWord(37, -1n), /expected 0 to/],
  ["a sixty-first round", withWord(38, 2n ** 60n), /expected 0 to 1152921504606846975/],
])("refuses %s", (_, bytes, error) => {
  const decoded = decodeMemory(bytes);
  expect(decoded.ok ? "" : decoded.error).toMatch(error);
});
