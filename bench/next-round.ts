import { nextRound, type RoundInput } from "../aggregator/round.ts";
import { encodeMemory } from "../circuit-breaker/memory.ts";
import { keccak } from "../protocol/bytes.ts";
import { REPORT_TYPES } from "../protocol/report.ts";
import { type BenchChain, foldChain } from "./chain.ts";
import { atMost, formatMs, formatRatio, type Outcome, type Row, timeInTurns } from "./measure.ts";

const FEEDS = [100, 1_000] as const;
const NODES = [4, 7, 13] as const;
const REPETITIONS = 7;
const TURN_MS = 60;
const LIMIT_MS = 100;
/** A linear cost is proportional at most; what is fixed makes it less. A tenth is for caches that a larger round no longer fits. */
const ALLOWANCE = 1.1;

const WORD_BYTES = 32;
/** EIP-712 of the header: the struct of a type hash and eight words, then prefix, separator and struct hash. */
const HEADER_BYTES = [9 * WORD_BYTES, 2 + 2 * WORD_BYTES] as const;

type Shape = `${(typeof FEEDS)[number]} feeds × ${(typeof NODES)[number]}`;

/** The fold with its roots, by feeds and nodes, beside the keccak hashing that its three roots cannot do without. */
export function benchNextRound(): Outcome {
  const folds: Partial<Record<Shape | `hashes of ${Shape}`, () => unknown>> = {};
  let closed = 0;
  for (const feeds of FEEDS) {
    for (const nodes of NODES) {
      const chain = foldChain({ feeds, nodes, rounds: 4 });
      const shape: Shape = `${feeds} feeds × ${nodes}`;
      folds[shape] = inTurn(chain.inputs);
      folds[`hashes of ${shape}`] = () => hashOnly(chain);
      closed = chain.last.feeds.filter(({ report }) => report.state === "closed").length;
    }
  }
  const ms = timeInTurns(folds as Required<typeof folds>, { repetitions: REPETITIONS, minMs: TURN_MS });
  const rows = FEEDS.flatMap((feeds) =>
    NODES.map((nodes): Row => {
      const ours = ms[`${feeds} feeds × ${nodes}`];
      const hashes = ms[`hashes of ${feeds} feeds × ${nodes}`];
      return {
        what: `nextRound, ${feeds} feeds × ${nodes} nodes`,
        ours: formatMs(ours),
        other: `${formatMs(hashes)} its hashes alone`,
        ratio: formatRatio(ours / hashes),
        ...(feeds === 1_000 && nodes === 7 ? { aim: atMost(ours, LIMIT_MS, `${LIMIT_MS} ms`) } : {}),
      };
    }),
  );
  const growth = (what: string, long: Shape, short: Shape, linear: number): Row => ({
    what,
    ours: formatMs(ms[long]),
    other: formatMs(ms[short]),
    ratio: formatRatio(ms[long] / ms[short]),
    aim: atMost(ms[long] / ms[short], ALLOWANCE * linear, `${linear} × + 10 %`),
  });
  return {
    rows: [
      ...rows,
      growth("  1 000 feeds against 100, 7 nodes", "1000 feeds × 7", "100 feeds × 7", 10),
      growth("  13 nodes against 4, 1 000 feeds", "1000 feeds × 13", "1000 feeds × 4", 13 / 4),
    ],
    notes: [
      `CPU ms of one thread. Every node's observation is in the proposal; ${closed} of 1000 feeds are closed in the largest shape.`,
      "The hashes: two per leaf, one per inner node of the tree, the memory of every feed, the header; by the network's own keccak.",
    ],
  };
}

/** One round after the other, so that no call sees the inputs of the one before. */
export function inTurn(inputs: readonly RoundInput[]): () => unknown {
  let next = 0;
  return () => {
    const input = inputs[next % inputs.length];
    next += 1;
    return input === undefined ? undefined : nextRound(input);
  };
}

/** The same number of hashes over inputs of the same lengths, and nothing else. */
export function hashOnly({ last, keys }: BenchChain): void {
  const leaf = new Uint8Array(REPORT_TYPES.length * WORD_BYTES);
  const pair = new Uint8Array(2 * WORD_BYTES);
  for (let index = 0; index < last.feeds.length; index++) {
    keccak(keccak(leaf));
    if (index > 0) keccak(pair);
  }
  keccak(new Uint8Array(memoryBytes(last)));
  keccak(new Uint8Array(keys.length * WORD_BYTES));
  for (const bytes of HEADER_BYTES) keccak(new Uint8Array(bytes));
}

const sizes = new WeakMap<object, number>();

function memoryBytes({ memory }: BenchChain["last"]): number {
  const known = sizes.get(memory) ?? encodeMemory(memory).length;
  sizes.set(memory, known);
  return known;
}
