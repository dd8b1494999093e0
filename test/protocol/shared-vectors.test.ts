import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getAddress, hashTypedData } from "viem";
import { expect, test } from "vitest";
import { concat, fromHex, type Hex, keccakHex, toHex } from "../../protocol/bytes.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { addressOfPublicKey, noble } from "../../protocol/secp256k1.ts";

/** Other projects' vectors, kept beside the checkout; they are not the project's to distribute. */
const DIRECTORY = join(import.meta.dirname, "../../../shared/data/vectors");
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const schemes = [noble, loadSecp256k1()];

if (!existsSync(DIRECTORY)) process.stdout.write(`no vectors of other projects at ${DIRECTORY}: their tests are skipped\n`);

/** A test over one file; skipped by name, so that the summary counts it, when the file is not there. */
function withVectors<T>(file: string, name: string, run: (vectors: T) => void): void {
  const path = join(DIRECTORY, file);
  test.skipIf(!existsSync(path))(`${file}: ${name}`, () => run(JSON.parse(readFileSync(path, "utf8")) as T));
}

withVectors<readonly { data: Hex; keccak256: Hex }[]>("keccak-hashes-ethers.json", "keccak", (vectors) => {
  expect(vectors.length).toBeGreaterThan(100);
  for (const { data, keccak256 } of vectors) expect(keccakHex(fromHex(data))).toBe(keccak256);
});

type AddressVector = { readonly address: Hex; readonly checksumAddress: Hex; readonly privateKey?: Hex };
withVectors<readonly AddressVector[]>("eth-addresses-ethers.json", "address of a key", (vectors) => {
  let keys = 0;
  for (const { address, checksumAddress, privateKey } of vectors) {
    expect(getAddress(address)).toBe(checksumAddress);
    if (privateKey === undefined) continue;
    keys++;
    for (const scheme of schemes) expect(addressOfPublicKey(scheme.publicKey(fromHex(privateKey)))).toBe(address);
  }
  expect(keys).toBeGreaterThan(100);
});

type EcdsaVectors = {
  readonly ecdsa: { readonly valid: readonly { readonly d: string; readonly m: string; readonly signature: string }[] };
};
withVectors<EcdsaVectors>("secp256k1-ecdsa.json", "RFC 6979 signatures", ({ ecdsa }) => {
  expect(ecdsa.valid.length).toBeGreaterThan(50);
  for (const { d, m, signature } of ecdsa.valid) {
    const [privateKey, digest] = [fromHex(`0x${d}`), fromHex(`0x${m}`)];
    for (const scheme of schemes) {
      const signed = fromHex(scheme.sign(digest, privateKey));
      const compact = toHex(signed.subarray(0, 64));
      // libsecp256k1 feeds a digest beyond the order into its nonce unreduced: another signature, valid for both.
      if (scheme === noble || BigInt(`0x${m}`) < ORDER) expect(compact).toBe(`0x${signature}`);
      for (const verifier of schemes) {
        expect(verifier.recover(digest, toHex(signed))).toBe(addressOfPublicKey(noble.publicKey(privateKey)));
      }
      const other = toHex(concat(signed.subarray(0, 64), Uint8Array.of(55 - (signed[64] ?? 0))));
      expect(scheme.recover(digest, other)).not.toBe(addressOfPublicKey(scheme.publicKey(privateKey)));
    }
  }
});

type TypedVector = {
  readonly domain: object;
  readonly types: object;
  readonly primaryType: string;
  readonly data: object;
  readonly digest: Hex;
};
withVectors<readonly TypedVector[]>("eip712-ethers.json", "viem, the oracle of our digests, agrees with ethers", (vectors) => {
  expect(vectors.length).toBeGreaterThan(100);
  for (const { domain, types, primaryType, data, digest } of vectors) {
    expect(hashTypedData({ domain, types, primaryType, message: data } as never)).toBe(digest);
  }
});
