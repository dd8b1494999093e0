import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, type Hex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { encodeReport, type ReportDocument } from "../../protocol/document.ts";
import { buildMerkleTree, foldProof } from "../../protocol/merkle.ts";
import { leafHash, REPORT_TYPES, type Report, reportTuple } from "../../protocol/report.ts";
import { present, reports } from "./fixtures.ts";

/** OpenZeppelin's own package over the same leaves. */
function oracleOf(texts: readonly ReportDocument[]) {
  const values = texts.map((tuple) => tuple.map((text, index) => (REPORT_TYPES[index] === "bool" ? text === "1" : text)));
  return StandardMerkleTree.of(values, [...REPORT_TYPES]);
}

function sample(count: number): readonly Report[] {
  const unique = fc.uniqueArray(reports, { minLength: count, maxLength: count, selector: ({ feed }) => feed });
  return present(fc.sample(unique, { numRuns: 1, seed: 7 + count })[0]);
}

test.each([1, 2, 3, 7, 100])("%i leaves: root and every proof are OpenZeppelin's", (count) => {
  const items = sample(count);
  expect(items.length).toBe(count);
  const hashes = items.map((report) => leafHash(reportTuple(report)));
  const tree = buildMerkleTree(hashes);
  const oracle = oracleOf(items.map(encodeReport));
  expect(tree.root).toBe(oracle.root);
  for (const [index, hash] of hashes.entries()) {
    const path = tree.proof(hash);
    expect(path).toEqual(oracle.getProof(index));
    expect(foldProof(hash, path.map(fromHex))).toBe(tree.root);
  }
});

test("the golden round's root and paths", () => {
  type Leaf = { readonly tuple: ReportDocument; readonly hash: Hex; readonly path: readonly Hex[] };
  const file = join(import.meta.dirname, "vectors", "reports.json");
  const { root, leaves } = JSON.parse(readFileSync(file, "utf8")) as { readonly root: Hex; readonly leaves: readonly Leaf[] };
  const oracle = oracleOf(leaves.map(({ tuple }) => tuple));
  const tree = buildMerkleTree(leaves.map(({ hash }) => fromHex(hash)));
  expect(tree.root).toBe(root);
  expect(oracle.root).toBe(root);
  for (const [index, { hash, path }] of leaves.entries()) {
    expect(tree.proof(fromHex(hash))).toEqual(path);
    expect(oracle.getProof(index)).toEqual(path);
  }
});

test("the order of leaves does not change the root", () => {
  const hashes = sample(7).map((report) => leafHash(reportTuple(report)));
  fc.assert(
    fc.property(fc.shuffledSubarray(hashes, { minLength: 7 }), (shuffled) => {
      expect(buildMerkleTree(shuffled).root).toBe(buildMerkleTree(hashes).root);
    }),
    { numRuns: 20 },
  );
});

test("no leaves: the root is zero; a proof for a stranger is a bug", () => {
  expect(buildMerkleTree([]).root).toBe(ZERO_DIGEST);
  expect(() => buildMerkleTree([new Uint8Array(32)]).proof(new Uint8Array(32).fill(1))).toThrow("assertion failed");
});

test("another leaf, or any changed byte of a path, leads to another root", () => {
  const hashes = sample(7).map((report) => leafHash(reportTuple(report)));
  const tree = buildMerkleTree(hashes);
  const [leaf, other] = [present(hashes[0]), present(hashes[1])];
  const path = tree.proof(leaf).map(fromHex);
  expect(foldProof(other, path)).not.toBe(tree.root);
  for (const [step, sibling] of path.entries()) {
    for (let byte = 0; byte < sibling.length; byte++) {
      const changed = path.map((item) => Uint8Array.from(item));
      present(changed[step])[byte] = (sibling[byte] ?? 0) ^ 1;
      expect(foldProof(leaf, changed)).not.toBe(tree.root);
    }
  }
});
