import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, type Hex, toHex } from "../../protocol/bytes.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { addressOfPublicKey, noble } from "../../protocol/secp256k1.ts";
import { fixedKey } from "./fixtures.ts";

const native = loadSecp256k1();
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF = ORDER >> 1n;

/** The platforms for which the package ships its addon; there a fall back to noble would hide every comparison below. */
const PREBUILDS = join(import.meta.dirname, "../../node_modules/secp256k1/prebuilds");
const platform = `${process.platform}-${process.arch}`;

test("libsecp256k1 loads wherever it is prebuilt", () => {
  const expected = platform === "linux-x64" || existsSync(join(PREBUILDS, platform));
  if (!expected) process.stdout.write(`secp256k1 ships no addon for ${platform}: noble is compared with itself\n`);
  expect(native.name).toBe(expected ? "libsecp256k1" : "noble");
});

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const privateKeys = fc.bigInt({ min: 1n, max: ORDER - 1n }).map(word);

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, "0")}`);
}

function signature(r: bigint, s: bigint, v: number): Hex {
  return toHex(concat(word(r), word(s), Uint8Array.of(v)));
}

describe("noble and libsecp256k1 agree", () => {
  test("on keys, signatures and recoveries", () => {
    fc.assert(
      fc.property(bytes32, privateKeys, (digest, privateKey) => {
        const publicKey = noble.publicKey(privateKey);
        expect(toHex(native.publicKey(privateKey))).toBe(toHex(publicKey));
        const signed = noble.sign(digest, privateKey);
        expect(native.sign(digest, privateKey)).toBe(signed);
        const parts = fromHex(signed);
        expect([27, 28]).toContain(parts[64]);
        expect(BigInt(toHex(parts.subarray(32, 64))) <= HALF).toBe(true);
        const address = addressOfPublicKey(publicKey);
        expect(noble.recover(digest, signed)).toBe(address);
        expect(native.recover(digest, signed)).toBe(address);
      }),
      { numRuns: 60 },
    );
  });

  test("on random signatures", () => {
    const random = fc.tuple(bytes32, fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.constantFrom(27, 28));
    fc.assert(
      fc.property(random, ([digest, compact, v]) => {
        const candidate = toHex(concat(compact, Uint8Array.of(v)));
        expect(native.recover(digest, candidate)).toBe(noble.recover(digest, candidate));
      }),
      { numRuns: 60 },
    );
  });

  const { privateKey } = fixedKey(0x11);
  const digest = new Uint8Array(32).fill(0xab);
  const good = fromHex(noble.sign(digest, privateKey));
  const r = BigInt(toHex(good.subarray(0, 32)));
  const s = BigInt(toHex(good.subarray(32, 64)));
  const v = good[64] ?? 0;
  const changed = (at: number, value: number): Hex =>
    toHex(Uint8Array.from(good, (byte, index) => (index === at ? value : byte)));

  const refused: readonly (readonly [name: string, digest: Uint8Array, signature: Hex])[] = [
    ["64 bytes", digest, toHex(good.subarray(0, 64))],
    ["66 bytes", digest, toHex(concat(good, Uint8Array.of(0)))],
    ["no bytes", digest, "0x"],
    ["upper-case hex", digest, `0x${toHex(good).slice(2).toUpperCase()}`],
    ["no hex", digest, `0x${"zz".repeat(65)}`],
    ["v 0", digest, changed(64, 0)],
    ["v 1", digest, changed(64, 1)],
    ["v 26", digest, changed(64, 26)],
    ["v 29", digest, changed(64, 29)],
    ["high s, the other signature of the same key", digest, signature(r, ORDER - s, v === 27 ? 28 : 27)],
    ["s just above half the order", digest, signature(r, HALF + 1n, v)],
    ["r zero", digest, signature(0n, s, v)],
    ["s zero", digest, signature(r, 0n, v)],
    ["r the order", digest, signature(ORDER, s, v)],
    ["r beyond the field", digest, signature(2n ** 256n - 1n, s, v)],
    ["r no x of the curve", digest, signature(5n, s, v)],
    ["digest of 31 bytes", digest.subarray(1), toHex(good)],
    ["digest of 33 bytes", concat(digest, Uint8Array.of(0)), toHex(good)],
    ["no digest", new Uint8Array(0), toHex(good)],
  ];
  test.each(refused)("recovers nobody: %s", (_, hash, text) => {
    expect(noble.recover(hash, text)).toBeUndefined();
    expect(native.recover(hash, text)).toBeUndefined();
  });

  test("s of exactly half the order is low", () => {
    const edge = signature(r, HALF, v);
    expect(noble.recover(digest, edge)).toMatch(/^0x[0-9a-f]{40}$/);
    expect(native.recover(digest, edge)).toBe(noble.recover(digest, edge));
  });

  test("any changed byte recovers another address or nobody", () => {
    const { address } = fixedKey(0x11);
    for (let at = 0; at < good.length; at++) {
      const text = changed(at, (good[at] ?? 0) ^ 1);
      const recovered = native.recover(digest, text);
      expect(recovered).not.toBe(address);
      expect(noble.recover(digest, text)).toBe(recovered);
    }
  });

  const throwing: readonly (readonly [name: string, digest: Uint8Array, key: Uint8Array])[] = [
    ["digest of 31 bytes", digest.subarray(1), privateKey],
    ["digest of 33 bytes", concat(digest, Uint8Array.of(0)), privateKey],
    ["key of 31 bytes", digest, privateKey.subarray(1)],
    ["key of 33 bytes", digest, concat(privateKey, Uint8Array.of(0))],
    ["key zero", digest, new Uint8Array(32)],
    ["key the order", digest, word(ORDER)],
  ];
  test.each(throwing)("sign throws: %s", (_, hash, key) => {
    expect(() => noble.sign(hash, key)).toThrow();
    expect(() => native.sign(hash, key)).toThrow();
  });
});
