import { assert } from "./assert.ts";
import { compareBytes, concat, type Digest, keccak, toHex, ZERO_DIGEST } from "./bytes.ts";

/**
 * The tree that OpenZeppelin's StandardMerkleTree builds with default options: leaf hashes sorted, laid from the end of an array of
 * 2n−1 nodes, each parent the keccak of its two children in byte order. Source: openzeppelin/merkle-tree, src/core.ts.
 */
export type MerkleTree = {
  readonly root: Digest;
  /** Sibling hashes from the leaf to the root. `leaf` must be one of the tree's hashes. */
  readonly proof: (leaf: Uint8Array) => readonly Digest[];
};

export function buildMerkleTree(leaves: readonly Uint8Array[]): MerkleTree {
  if (leaves.length === 0) return { root: ZERO_DIGEST, proof: () => [] };
  const sorted = [...leaves].sort(compareBytes);
  const nodes: Uint8Array[] = new Array(2 * sorted.length - 1);
  const positions = new Map<string, number>();
  sorted.forEach((leaf, index) => {
    const position = nodes.length - 1 - index;
    nodes[position] = leaf;
    positions.set(toHex(leaf), position);
  });
  for (let i = nodes.length - 1 - sorted.length; i >= 0; i--) {
    nodes[i] = hashPair(node(nodes, 2 * i + 1), node(nodes, 2 * i + 2));
  }
  return {
    root: toHex(node(nodes, 0)),
    proof: (leaf) => {
      const position = positions.get(toHex(leaf));
      assert(position !== undefined, "a proof is asked for a leaf of the tree");
      const path: Digest[] = [];
      for (let i = position; i > 0; i = (i - 1) >> 1) path.push(toHex(node(nodes, i % 2 === 0 ? i - 1 : i + 1)));
      return path;
    },
  };
}

/** Root that a leaf and its path lead to. */
export function foldProof(leaf: Uint8Array, path: readonly Uint8Array[]): Digest {
  return toHex(path.reduce(hashPair, leaf));
}

function hashPair(a: Uint8Array, b: Uint8Array): Uint8Array {
  return keccak(compareBytes(a, b) < 0 ? concat(a, b) : concat(b, a));
}

function node(nodes: readonly Uint8Array[], index: number): Uint8Array {
  const found = nodes[index];
  assert(found !== undefined, "tree indices stay within the tree");
  return found;
}
