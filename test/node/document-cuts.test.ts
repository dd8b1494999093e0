import { describe, expect, it } from "vitest";
import { carriedDocuments, takeReviewed, takeSubmitted } from "../../node/carrying.ts";
import { createDesk, type Desk } from "../../node/desk.ts";
import type { Output } from "../../node/machine.ts";
import { configDigest } from "../../protocol/config.ts";
import { compareText } from "../../protocol/feed.ts";
import type { DocumentContent, SignedDocument } from "../../protocol/governance.ts";
import { MAX_DOCUMENTS } from "../../protocol/observation.ts";
import { digestOf, scheme, type TestKey, testNetwork } from "../support/network.ts";
import { ETH_USD, GOVERNED, GOVERNORS, guardian, pauseBy, signBy, successorOf } from "./council.ts";
import { EMPTY_START, FIRST_ROUND, keyOf, only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const network = testNetwork(GOVERNED);
const AT = FIRST_ROUND * 1_000;

function configContent(leaseMs: number): DocumentContent {
  const config = successorOf(network, { leaseMs });
  const names = { version: config.version, replaces: network.configDigest, configDigest: configDigest(config) };
  return { kind: "config", ...names, activation: AT + 60_000, replayTo: 0, replay: digestOf(1), config };
}

/** What anybody can make of a document of all five: it with every set of three or more of its approvals. */
function cutsOf(content: DocumentContent, nonce: number): readonly SignedDocument[] {
  const sets = Array.from({ length: 32 }, (_, bits) => GOVERNORS.filter((_key, index) => (bits >> index) % 2 === 1));
  const cuts = sets.filter(({ length }) => length >= 3).map((by: readonly TestKey[]) => signBy(network, by, content, nonce));
  // The full one last, and of equals the preferred last: the order that costs the most.
  return cuts.sort((a, b) => a.document.approvals.length - b.document.approvals.length || -compareText(a.digest, b.digest));
}

const CUTS = cutsOf(configContent(61_000), 0);
const FULL = CUTS.at(-1)?.digest;

function deskOf(fold = toyFold): Desk {
  const desk = createDesk({ network, scheme, key: keyOf(2), fold }, EMPTY_START);
  desk.round = FIRST_ROUND;
  desk.now = AT;
  return desk;
}

function submit(desk: Desk, documents: readonly SignedDocument[]): readonly Output[] {
  const from = desk.outputs.length;
  for (const { digest, bytes } of documents) takeSubmitted(desk, digest, bytes);
  return desk.outputs.slice(from);
}

describe("a config of five approvals, cut into all its sixteen documents", () => {
  it.each([
    ["the full one last", CUTS, 4 + 4 + 1],
    ["the full one first", CUTS.toReversed(), 1 + 3],
  ])("is replayed once, and a few of it are kept: %s", (_, documents, kept) => {
    const desk = deskOf();
    const outputs = submit(desk, documents);
    const [review] = only(outputs, "review");
    takeReviewed(desk, review?.document.digest ?? digestOf(0), true);
    expect(only(desk.outputs, "review")).toHaveLength(1);
    expect(only(outputs, "keep")).toHaveLength(kept);
    expect(only(outputs, "receipt").every(({ receipt }) => receipt.ok)).toBe(true);
    // Four of them, and the one whose replay was under way.
    expect(desk.documents.all().length).toBeLessThanOrEqual(5);
    expect(submit(desk, documents).filter(({ kind }) => kind === "review")).toEqual([]);
    expect(carriedDocuments(desk, FIRST_ROUND)).toEqual([FULL]);
  });

  it("is one for a node that came to another report as well", () => {
    const desk = deskOf();
    const [review] = only(submit(desk, CUTS.slice(0, 3)), "review");
    takeReviewed(desk, review?.document.digest ?? digestOf(0), false);
    const outputs = submit(desk, CUTS);
    expect(only(outputs, "review")).toEqual([]);
    expect(only(outputs, "receipt").map(({ receipt }) => !receipt.ok && receipt.code)).toEqual(CUTS.map(() => "waits"));
    expect(carriedDocuments(desk, FIRST_ROUND)).toEqual([]);
  });

  it("is carried as the same document by nodes that heard of it in parts and in any order", () => {
    const named = [0, 5, 11].map((start) => {
      const desk = deskOf();
      submit(desk, CUTS.slice(start, start + 4));
      for (const signed of [...CUTS.slice(start), ...CUTS.slice(0, start)]) {
        desk.documents.add(signed, { round: FIRST_ROUND, named: true });
      }
      for (const { signed } of desk.documents.all()) takeReviewed(desk, signed.digest, true);
      return carriedDocuments(desk, FIRST_ROUND + 1);
    });
    expect(named).toEqual([[FULL], [FULL], [FULL]]);
  });

  it("leaves the pool with a few when observations name them no more", () => {
    const desk = deskOf();
    for (const signed of CUTS) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
    expect(desk.documents.all()).toHaveLength(16);
    const [other] = cutsOf(configContent(61_000), 0);
    if (other === undefined) throw new Error("expected a document");
    const late = { ...other, digest: digestOf(3) };
    desk.documents.add(late, { round: FIRST_ROUND + 10, named: true });
    // Four, and the one that is named just now.
    expect(desk.documents.all()).toHaveLength(5);
    expect(desk.documents.find(FULL ?? digestOf(0))).toBeDefined();
  });

  it("keeps its place in the pool where cuts, named all at once, are more than fit in", () => {
    const desk = deskOf();
    const heavy = CUTS.map((signed) => ({ ...signed, bytes: new Uint8Array(6 * 1024 * 1024) }));
    const other = { ...signBy(network, GOVERNORS.slice(0, 3), configContent(62_000), 0), bytes: new Uint8Array(7 * 1024 * 1024) };
    for (const signed of [other, ...heavy.toReversed()]) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
    const held = desk.documents.all().map(({ signed }) => signed.digest);
    expect(held.length).toBeLessThan(12);
    expect(held).toContain(other.digest);
    expect(held).toContain(FULL);
  });
});

describe("what is urgent", () => {
  const contents = Array.from({ length: 20 }, (_, index) => configContent(62_000 + index));
  const flood = contents.map((content, index) => signBy(network, GOVERNORS.slice(index % 3, (index % 3) + 3), content, 0));
  const pause = pauseBy(network, [guardian(0)], { at: AT });

  it("a guardian's pause is carried in the next observation, whatever configs came before it", () => {
    const desk = deskOf();
    for (const signed of [...CUTS, ...flood]) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
    for (const pooled of desk.documents.all()) pooled.review = "agrees";
    submit(desk, [pause]);
    const carried = carriedDocuments(desk, FIRST_ROUND + 1);
    expect(carried).toContain(pause.digest);
    expect(carried).toHaveLength(MAX_DOCUMENTS);
  });

  it("one place stays a config's: guardians can say endlessly much", () => {
    const desk = deskOf();
    const said = Array.from({ length: 20 }, (_, index) => pauseBy(network, [guardian(index % 2)], { at: AT, nonce: index + 1 }));
    for (const signed of [...said, ...flood.slice(0, 1)]) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
    for (const pooled of desk.documents.all()) pooled.review = "agrees";
    expect(carriedDocuments(desk, FIRST_ROUND)).toContain(flood[0]?.digest);
    expect(carriedDocuments(desk, FIRST_ROUND)).toHaveLength(MAX_DOCUMENTS);
  });

  it("who says much does not make wait whom he says something with", () => {
    const desk = deskOf();
    const both = pauseBy(network, [guardian(0), guardian(1)], { at: AT, nonce: 200 });
    const mine = Array.from({ length: 20 }, (_, index) => pauseBy(network, [guardian(0)], { at: AT, nonce: index + 1 }));
    for (const signed of [...mine, both]) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
    expect(carriedDocuments(desk, FIRST_ROUND)).toContain(both.digest);
  });
});

describe("what governors say together", () => {
  it.each(["robust", "withdraw"] as const)("%s is carried once, however it is cut", (action) => {
    // There is nothing here to withdraw.
    const desk = deskOf({ ...toyFold, judgeDocument: () => "taken" });
    const until = action === "withdraw" ? 0 : AT + 60_000;
    const cuts = cutsOf({ kind: "pause", feed: ETH_USD, action, until }, 1);
    submit(desk, cuts);
    expect(carriedDocuments(desk, FIRST_ROUND)).toEqual([cuts.at(-1)?.digest]);
    expect(desk.documents.all()).toHaveLength(4);
  });

  it("the same from two guardians is what each of them says", () => {
    const desk = deskOf();
    const pauses = [0, 1].map((by) => pauseBy(network, [guardian(by)], { at: AT }));
    submit(desk, pauses);
    expect(carriedDocuments(desk, FIRST_ROUND)).toEqual(pauses.map(({ digest }) => digest).sort(compareText));
  });

  it("one guardian's spent consent beside theirs does not keep theirs from being carried", () => {
    const desk = deskOf();
    const content = { kind: "pause", feed: ETH_USD, action: "robust", until: AT + 60_000 } as const;
    const [theirs] = [signBy(network, GOVERNORS.slice(0, 3), content, 1)];
    const spoilt = Array.from({ length: 6 }, (_, index) => ({
      ...signBy(network, [...GOVERNORS.slice(0, 3), guardian(0)], content, 1),
      digest: digestOf(10 + index),
    }));
    for (const signed of spoilt) desk.documents.add(signed, { round: FIRST_ROUND, named: true, takeable: false });
    expect(desk.documents.add(theirs, { round: FIRST_ROUND, named: false })).toBe(true);
  });
});
