import { describe, expect, it } from "vitest";
import { createDocumentPool, isValidUnder } from "../../node/documents.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { testNetwork } from "../support/network.ts";
import { GOVERNED, GOVERNORS, guardian, pauseBy, proposalOf, successorOf } from "./council.ts";

const network = testNetwork(GOVERNED);
const AT = 1_000_000_000_000;
const ROUND = 1_000_000_000;

function pauses(by: number, count: number, from = 0): readonly SignedDocument[] {
  return Array.from({ length: count }, (_, index) => pauseBy(network, [guardian(by)], { at: AT, nonce: 1 + from + index }));
}

/** Only its length matters: what it weighs. */
function heavy(signed: SignedDocument, mebibytes: number): SignedDocument {
  return { ...signed, bytes: new Uint8Array(mebibytes * 1024 * 1024) };
}

describe("documents in memory", () => {
  it("are kept once each, and found by their own digest and by a config's", () => {
    const pool = createDocumentPool();
    const [pause] = pauses(0, 1);
    const proposal = proposalOf(network, successorOf(network, { leaseMs: 61_000 }), AT);
    if (pause === undefined || proposal.document.kind !== "config") throw new Error("expected both");
    expect([pause, pause, proposal].map((signed) => pool.add(signed, { round: ROUND, named: false }))).toEqual([
      true,
      false,
      true,
    ]);
    expect(pool.find(pause.digest)?.signed).toBe(pause);
    expect(pool.findConfig(proposal.document.configDigest)).toBe(proposal);
    expect(pool.findConfig(pause.digest)).toBeUndefined();
  });

  it("of the same keyholders are 32 beside those that are named just now; another's are not touched", () => {
    const pool = createDocumentPool();
    const add = (signed: SignedDocument, round: number, named = false) => pool.add(signed, { round, named });
    const [other] = pauses(1, 1);
    if (other === undefined) throw new Error("expected a pause");
    expect(add(other, ROUND)).toBe(true);
    expect(
      pauses(0, 33)
        .map((signed) => add(signed, ROUND))
        .filter((isIn) => isIn),
    ).toHaveLength(32);
    expect(pauses(0, 16, 100).every((signed) => add(signed, ROUND, true))).toBe(true);
    expect(pool.all()).toHaveLength(1 + 32 + 16);
    // Rounds later nobody names them any more: a new one takes the place of the oldest.
    const [first, late] = [pauses(0, 1)[0], pauses(0, 1, 200)[0]];
    if (first === undefined || late === undefined) throw new Error("expected pauses");
    expect(add(late, ROUND + 3)).toBe(true);
    expect(pool.find(first.digest)).toBeUndefined();
    expect(pool.find(other.digest)).toBeDefined();
  });

  it("that weigh too much in all push out those of the keyholders who weigh the most", () => {
    const pool = createDocumentPool();
    const light = pauses(1, 1)[0];
    if (light === undefined) throw new Error("expected a pause");
    pool.add(light, { round: ROUND, named: true });
    for (const signed of pauses(0, 20)) pool.add(heavy(signed, 4), { round: ROUND, named: true });
    expect(pool.all().reduce((sum, { signed }) => sum + signed.bytes.length, 0)).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(pool.find(light.digest)).toBeDefined();
    expect(pool.all().length).toBe(16);
  });

  it("are 2048 in all: those go of the keyholders who have the most", () => {
    const pool = createDocumentPool();
    const [mine, other] = [pauses(0, 1)[0], pauses(1, 1)[0]];
    if (mine === undefined || other === undefined) throw new Error("expected both");
    pool.add(other, { round: ROUND, named: true });
    for (let index = 1; index <= 2_048; index++) {
      pool.add({ ...mine, digest: `0x${index.toString(16).padStart(64, "0")}` }, { round: ROUND, named: true });
    }
    expect(pool.all()).toHaveLength(2_048);
    expect(pool.find(other.digest)).toBeDefined();
  });

  it("are forgotten when they were long of no use, but for the content of a config that waits", () => {
    const pool = createDocumentPool();
    const [pause] = pauses(0, 1);
    const proposal = proposalOf(network, successorOf(network, { leaseMs: 61_000 }), AT);
    if (pause === undefined || proposal.document.kind !== "config") throw new Error("expected both");
    for (const signed of [pause, proposal]) pool.add(signed, { round: ROUND, named: false });
    pool.prune(ROUND + 600, new Set());
    expect(pool.all()).toHaveLength(2);
    pool.prune(ROUND + 601, new Set([proposal.document.configDigest]));
    expect(pool.all().map(({ signed }) => signed.digest)).toEqual([proposal.digest]);
  });

  it("what is no document is remembered, so many and no more, until other keyholders count", () => {
    const pool = createDocumentPool();
    const digests = Array.from({ length: 1_025 }, (_, index) => `0x${index.toString(16).padStart(64, "0")}` as const);
    for (const digest of digests) pool.refuse(digest);
    expect([digests[0], digests[1], digests[1_024]].map((digest) => digest !== undefined && pool.isRefused(digest))).toEqual([
      false,
      true,
      true,
    ]);
    pool.forgive();
    expect(digests.some((digest) => pool.isRefused(digest))).toBe(false);
  });

  it("are valid where all who approved them are keyholders", () => {
    const [pause] = pauses(0, 1);
    if (pause === undefined) throw new Error("expected a pause");
    const { governance } = network.config;
    expect(isValidUnder(governance, pause.document)).toBe(true);
    expect(isValidUnder({ ...governance, guardians: governance.guardians.slice(1) }, pause.document)).toBe(false);
    const both = pauseBy(network, [guardian(0), ...GOVERNORS.slice(0, 1)], { at: AT });
    expect(isValidUnder({ ...governance, governors: [] }, both.document)).toBe(false);
  });
});
