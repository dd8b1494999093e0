import { secp256k1 } from "@noble/curves/secp256k1.js";
import { assert } from "./assert.ts";
import { type Address, concat, fromHex, type Hex, isHex, keccak, toHex } from "./bytes.ts";

export const SIGNATURE_BYTES = 65;
const DIGEST_BYTES = 32;
const HALF_ORDER = secp256k1.Point.CURVE().n >> 1n;

/**
 * ECDSA over secp256k1 on 32-byte digests, as Ethereum uses it: 65 bytes r‖s‖v with v 27/28 and low s, RFC 6979 nonces, so two
 * implementations give the same bytes. (Not for a digest beyond the group's order, one in 2¹²⁸: RFC 6979 reduces it before it makes
 * the nonce, libsecp256k1 does not. Both signatures are valid.)
 */
export type Secp256k1 = {
  readonly name: "noble" | "libsecp256k1";
  /** 32-byte private key → 33-byte compressed public key. */
  readonly publicKey: (privateKey: Uint8Array) => Uint8Array;
  /** Throws unless the digest and the key are 32 bytes each and the key is a valid scalar: that is a bug of the caller. */
  readonly sign: (digest: Uint8Array, privateKey: Uint8Array) => Hex;
  /** The signer's address; undefined for a wrong length, a high s, a v other than 27/28, or no such point. Never throws. */
  readonly recover: (digest: Uint8Array, signature: Hex) => Address | undefined;
};

export const noble: Secp256k1 = {
  name: "noble",
  publicKey: (privateKey) => secp256k1.getPublicKey(privateKey, true),
  sign: (digest, privateKey) => {
    // noble signs a message of any length once it is told not to hash it.
    assert(digest.length === DIGEST_BYTES, "a digest has 32 bytes");
    const signature = secp256k1.sign(digest, privateKey, { prehash: false, lowS: true, format: "recovered" });
    return toHex(concat(signature.subarray(1), Uint8Array.of(27 + (signature[0] ?? 0))));
  },
  recover: (digest, signature) => {
    const parts = splitSignature(signature);
    if (parts === undefined || digest.length !== DIGEST_BYTES) return undefined;
    try {
      const recovered = concat(Uint8Array.of(parts.recovery), parts.compact);
      const compressed = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
      return addressOfPoint(secp256k1.Point.fromBytes(compressed).toBytes(false));
    } catch {
      return undefined;
    }
  },
};

/** r‖s and the recovery bit of a well-formed, low-s signature; undefined for anything else. Shared by both implementations. */
export function splitSignature(signature: Hex): { readonly compact: Uint8Array; readonly recovery: 0 | 1 } | undefined {
  if (!isHex(signature, SIGNATURE_BYTES)) return undefined;
  const bytes = fromHex(signature);
  const v = bytes[64];
  if (v !== 27 && v !== 28) return undefined;
  if (BigInt(toHex(bytes.subarray(32, 64))) > HALF_ORDER) return undefined;
  return { compact: bytes.subarray(0, 64), recovery: v === 27 ? 0 : 1 };
}

/** Ethereum address of a 65-byte uncompressed public key: the last 20 bytes of keccak of its coordinates. */
export function addressOfPoint(uncompressed: Uint8Array): Address {
  return toHex(keccak(uncompressed.subarray(1)).subarray(12));
}

/** Ethereum address of a 33-byte compressed public key; throws on bytes that are no point of the curve. */
export function addressOfPublicKey(compressed: Uint8Array): Address {
  return addressOfPoint(secp256k1.Point.fromBytes(compressed).toBytes(false));
}
