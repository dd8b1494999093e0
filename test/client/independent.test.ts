import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { type Hex, hashTypedData, hexToString, parseUnits, recoverTypedDataAddress } from "viem";
import { expect, it } from "vitest";
import { toFeedDocument } from "../../protocol/document.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";

const LEAF_TYPES = [
  ...["bytes32", "int192", "int192", "int192", "int192", "uint64", "uint64"],
  ...["uint8", "uint8", "bool", "uint16", "uint32", "uint64"],
];

const ROUND_TYPE = {
  Round: [
    { name: "round", type: "uint64" },
    { name: "timestamp", type: "uint64" },
    { name: "validUntil", type: "uint64" },
    { name: "parent", type: "bytes32" },
    { name: "reportsRoot", type: "bytes32" },
    { name: "stateRoot", type: "bytes32" },
    { name: "inputsRoot", type: "bytes32" },
    { name: "configDigest", type: "bytes32" },
  ],
} as const;

const FEEDS = ["BTC/USD", "ETH/USD", "LINK/USD"];
const network = networkOf(FEEDS, 7);

/** The document's text and the committee's public facts: all that a stranger holds. */
function saved() {
  const round = certify({ network, round: 1_795_300_123, verdicts: FEEDS.map((feed) => verdict(feed, 1_795_300_123_000)) });
  const text = JSON.stringify(toFeedDocument({ round, feed: feedId("ETH/USD") }));
  const members = network.committee.members.map(({ address }) => address.toLowerCase());
  return {
    document: JSON.parse(text),
    members,
    quorum: network.committee.quorum,
    salt: network.domain.salt,
    digest: round.digest,
  };
}

function leafOf(report: readonly string[]) {
  return report.map((value, index) => (LEAF_TYPES[index] === "bool" ? value === "1" : value));
}

it("a document verifies with nothing but viem and the Merkle package", async () => {
  const { document, members, quorum, salt, digest } = saved();
  const { report, path, header, signatures } = document.proof;

  expect(hexToString(report[0], { size: 32 })).toBe(document.feed);
  expect(BigInt(report[1])).toBe(parseUnits(document.price, 18));
  expect(StandardMerkleTree.verify(header.reportsRoot, LEAF_TYPES, leafOf(report), path)).toBe(true);

  const typed = {
    domain: { name: "Breakwater", version: "1", salt: salt as Hex },
    types: ROUND_TYPE,
    primaryType: "Round",
    message: {
      ...header,
      round: BigInt(header.round),
      timestamp: BigInt(header.timestamp),
      validUntil: BigInt(header.validUntil),
    },
  } as const;
  expect(hashTypedData(typed)).toBe(digest);
  const signers = new Set<string>();
  for (const { signer, signature } of signatures) {
    const recovered = (await recoverTypedDataAddress({ ...typed, signature })).toLowerCase();
    expect(recovered).toBe(signer);
    expect(members).toContain(recovered);
    signers.add(recovered);
  }
  expect(signers.size).toBe(quorum);
});

it("and the Merkle package refuses a changed leaf", () => {
  const { report, path, header } = saved().document.proof;
  const changed = leafOf(report).map((value, index) => (index === 1 ? `${BigInt(report[1]) + 1n}` : value));
  expect(StandardMerkleTree.verify(header.reportsRoot, LEAF_TYPES, changed, path)).toBe(false);
});
