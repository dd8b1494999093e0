import { keccak, utf8 } from "../protocol/bytes.ts";
import { loadSecp256k1 } from "../protocol/io/libsecp256k1.ts";
import { noble, type Secp256k1 } from "../protocol/secp256k1.ts";
import { formatCount, formatRatio, type Outcome, type Row, timeInTurns } from "./measure.ts";

const REPETITIONS = 7;
const TURN_MS = 100;

/** noble against libsecp256k1, through the one interface that the network uses. */
export function benchSignatures(): Outcome {
  const native = loadSecp256k1();
  if (native.name === "noble") {
    return {
      rows: [],
      notes: [
        "libsecp256k1 did not load on this machine: every node here signs and verifies with noble, and there is nothing to compare.",
      ],
    };
  }
  const privateKey = new Uint8Array(32).fill(7);
  const signing = timeInTurns(
    { native: signer(native, privateKey), noble: signer(noble, privateKey) },
    { repetitions: REPETITIONS, minMs: TURN_MS },
  );
  const recovering = timeInTurns(
    { native: recoverer(native, privateKey), noble: recoverer(noble, privateKey) },
    { repetitions: REPETITIONS, minMs: TURN_MS },
  );
  const row = (what: string, ms: typeof signing): Row => ({
    what,
    ours: `${formatCount(1_000 / ms.native)}/s libsecp256k1`,
    other: `${formatCount(1_000 / ms.noble)}/s noble`,
    ratio: formatRatio(ms.noble / ms.native),
  });
  return {
    rows: [row("sign a digest", signing), row("recover a signer", recovering)],
    notes: ["Through protocol/secp256k1.ts: hex, low-s check and the address of the recovered key included, on both sides."],
  };
}

/** A digest of its own for each call. */
function digests(): () => Uint8Array {
  let count = 0;
  return () => {
    count += 1;
    return keccak(utf8(`digest ${count}`));
  };
}

function signer(scheme: Secp256k1, privateKey: Uint8Array): () => unknown {
  const next = digests();
  return () => scheme.sign(next(), privateKey);
}

function recoverer(scheme: Secp256k1, privateKey: Uint8Array): () => unknown {
  const next = digests();
  const signed = Array.from({ length: 64 }, () => next()).map((digest) => ({
    digest,
    signature: scheme.sign(digest, privateKey),
  }));
  let turn = 0;
  return () => {
    const item = signed[turn % signed.length];
    turn += 1;
    return item === undefined ? undefined : scheme.recover(item.digest, item.signature);
  };
}
