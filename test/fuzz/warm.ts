import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { parse, stringify } from "yaml";
import { z } from "zod";

const YAML = 'a: &a [1, "two", {three: 4.5}]\nb:\n  - c: |\n      text\n  - *a\n';

/** What is compiled before the counters start carries none: block counters make keccak twenty times slower, and YAML. */
export function warmUp(): void {
  const key = new Uint8Array(32).fill(7);
  let digest = key;
  for (let i = 0; i < 2_000; i++) digest = keccak_256(digest);
  for (let i = 0; i < 20; i++) {
    const signature = secp256k1.sign(digest, key, { prehash: false, lowS: true, format: "recovered" });
    secp256k1.Point.fromBytes(secp256k1.recoverPublicKey(signature, digest, { prehash: false })).toBytes(false);
    secp256k1.getPublicKey(key, true);
  }
  const schema = z.strictObject({
    a: z.array(z.union([z.int().min(0), z.string().regex(/^x/)])).max(4),
    b: z.string().optional(),
  });
  for (let i = 0; i < 300; i++) {
    const text = stringify(parse(YAML, { maxAliasCount: 100 }));
    schema.safeParse({ a: [i, text, `x${i}`], b: i, c: text });
  }
}
