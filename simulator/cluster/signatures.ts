import { type Address, toHex } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import { addressOfPublicKey, noble, type Secp256k1, SIGNATURE_BYTES } from "../../protocol/secp256k1.ts";
import { bytesOfHash, createHash } from "./hash.ts";

export type Key = { readonly privateKey: Uint8Array; readonly address: Address };

/** Private keys 1 … count with their real addresses, in committee order. */
export function createKeys(count: number): readonly Key[] {
  const keys = Array.from({ length: count }, (_, index) => keyFrom(index + 1));
  return keys.sort((a, b) => compareText(a.address, b.address));
}

/** The private key of a small number, with its real address. */
export function keyFrom(number: number): Key {
  const privateKey = new Uint8Array(32);
  privateKey[31] = number;
  return { privateKey, address: addressOfPublicKey(noble.publicKey(privateKey)) };
}

/**
 * Signatures that nobody can forge because each is a row of a table: a trial's time goes into the code under trial, not into curves.
 * Keys and addresses are the real ones; a signature has its 65 bytes and a v, and the same digest and key always give the same.
 *
 * @param keys whose addresses need not be worked out again
 */
export function createTableScheme(keys: readonly Key[]): Secp256k1 {
  const signers = new Map<string, Address>();
  const addresses = new Map(keys.map(({ privateKey, address }) => [toHex(privateKey), address]));
  const addressOf = (privateKey: Uint8Array): Address => {
    const key = toHex(privateKey);
    const address = addresses.get(key) ?? addressOfPublicKey(noble.publicKey(privateKey));
    addresses.set(key, address);
    return address;
  };
  return {
    ...noble,
    sign: (digest, privateKey) => {
      const text = toHex(digest);
      const address = addressOf(privateKey);
      const signature = new Uint8Array(SIGNATURE_BYTES);
      const hash = createHash();
      hash.add(address);
      for (let at = 0; at < SIGNATURE_BYTES - 1; at += 8) {
        hash.add(text);
        signature.set(bytesOfHash(hash), at);
      }
      signature[SIGNATURE_BYTES - 1] = 27;
      const written = toHex(signature);
      signers.set(text + written, address);
      return written;
    },
    recover: (digest, signature) => signers.get(toHex(digest) + signature),
  };
}
