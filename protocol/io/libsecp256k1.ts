import { createRequire } from "node:module";
import { concat, toHex } from "../bytes.ts";
import { addressOfPoint, noble, type Secp256k1, splitSignature } from "../secp256k1.ts";

type Binding = {
  readonly publicKeyCreate: (privateKey: Uint8Array, compressed: boolean) => Uint8Array;
  readonly ecdsaSign: (digest: Uint8Array, privateKey: Uint8Array) => { readonly signature: Uint8Array; readonly recid: number };
  readonly ecdsaRecover: (signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean) => Uint8Array;
};

/**
 * libsecp256k1 when its native addon loads, noble otherwise. The package's own entry falls back to elliptic in silence, which is
 * slower than noble and not constant-time, so its binding is loaded directly.
 */
export function loadSecp256k1(): Secp256k1 {
  try {
    return nativeScheme(createRequire(import.meta.url)("secp256k1/bindings.js") as Binding);
  } catch {
    return noble;
  }
}

function nativeScheme(binding: Binding): Secp256k1 {
  return {
    name: "libsecp256k1",
    publicKey: (privateKey) => binding.publicKeyCreate(privateKey, true),
    sign: (digest, privateKey) => {
      const { signature, recid } = binding.ecdsaSign(digest, privateKey);
      return toHex(concat(signature, Uint8Array.of(27 + recid)));
    },
    recover: (digest, signature) => {
      const parts = splitSignature(signature);
      if (parts === undefined || digest.length !== 32) return undefined;
      try {
        return addressOfPoint(binding.ecdsaRecover(parts.compact, parts.recovery, digest, false));
      } catch {
        return undefined;
      }
    },
  };
}
