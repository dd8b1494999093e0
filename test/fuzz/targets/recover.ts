import { concat, fromHex, keccak, toHex, utf8 } from "../../../protocol/bytes.ts";
import { loadSecp256k1 } from "../../../protocol/io/libsecp256k1.ts";
import { noble } from "../../../protocol/secp256k1.ts";
import { testKey } from "../../support/network.ts";
import { joined } from "../mutate-bytes.ts";
import { ensure, type Target } from "../target.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
const native = loadSecp256k1();

/** A digest of 32 bytes, then a signature of any length. */
export const recover: Target = {
  name: "recover",
  about: `signature recovery: noble and ${native.name} take and refuse the same signatures, and none has a twin`,
  covers: ["protocol/secp256k1.ts", "protocol/io/"],
  shape: "bytes",
  maxBytes: 160,
  batch: 64,
  limitMs: 500,
  maxAllocation: 4 * 2 ** 20,
  dictionary: ["\x1b", "\x1c"],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  const digest = keccak(utf8("a digest"));
  const signatures = [0, 1, 2].map((index) => fromHex(native.sign(digest, testKey(index).privateKey)));
  const [first = new Uint8Array(65)] = signatures;
  const scalars = [
    0n,
    1n,
    2n,
    ORDER >> 1n,
    (ORDER >> 1n) + 1n,
    ORDER - 1n,
    ORDER,
    ORDER + 1n,
    FIELD - ORDER,
    FIELD,
    2n ** 256n - 1n,
  ];
  const edges = scalars.flatMap((scalar) => {
    const word = wordOf(scalar);
    const v = first.subarray(64);
    return [concat(word, first.subarray(32, 64), v), concat(first.subarray(0, 32), word, v), concat(word, word, v)];
  });
  return [...signatures, ...edges].map((signature) => joined(digest, signature));
}

function execute(input: Uint8Array): string {
  const digest = input.subarray(0, 32);
  const bytes = input.subarray(32);
  const signature = toHex(bytes);
  const byNoble = noble.recover(digest, signature);
  const byNative = native.recover(digest, signature);
  ensure(byNoble === byNative, "both implementations give the same signer");
  if (byNative === undefined) return `refused ${bytes.length === 65} ${digest.length}`;
  const s = BigInt(toHex(bytes.subarray(32, 64)));
  const twin = concat(bytes.subarray(0, 32), wordOf(ORDER - s), Uint8Array.of(bytes[64] === 27 ? 28 : 27));
  ensure(native.recover(digest, toHex(twin)) === undefined, "the twin of a signature is refused");
  return "recovers";
}

function wordOf(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, "0")}`);
}
