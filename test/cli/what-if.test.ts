import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFactsBook } from "../../cli/review/facts-book.ts";
import { createWhatIf, type WhatIfDesk } from "../../cli/review/what-if.ts";
import type { Question } from "../../cli/review/what-if-answering.ts";
import { openStore, type ReadStore, readStore } from "../../node/io/store.ts";
import type { Store } from "../../node/store.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { scheme } from "../support/network.ts";
import { recordChain, recordedNetwork } from "./recorded-chain.ts";

const network = recordedNetwork(["BTC/USD", "ETH/USD"]);
const FEED = "ETH/USD" as FeedId;
const recorded = recordChain(network, 90).rounds;
const numbers = recorded.map(({ body }) => body.round);
const FIRST_SAVED = 70;
const folder = mkdtempSync(join(tmpdir(), "breakwater-what-if-"));
const path = join(folder, "store.sqlite");
let store: Store;
let reading: ReadStore;
let desk: WhatIfDesk;

beforeAll(() => {
  store = openStore({ path, domain: network.domain });
  for (const { certified, body } of recorded.slice(0, FIRST_SAVED)) store.saveRound({ certified, body });
  reading = readStore({ path, domain: network.domain });
  desk = createWhatIf({ path, domain: network.domain });
});
afterAll(async () => {
  await desk.stop();
  reading.close();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const thresholds = network.config.feeds.find(({ feed }) => feed === FEED)?.thresholds;
if (thresholds === undefined) throw new Error(FEED);
const question = (changes: Partial<typeof thresholds> = {}): Question => ({
  ...{ network, feed: FEED, hours: 1, thresholds: { ...thresholds, ...changes } },
});

/** As a page does: again and again while the rounds are opened. */
async function ask(asked: Question) {
  for (let again = 0; again < 60; again++) {
    const reply = await desk.ask(asked);
    if (reply.kind === "answer") return reply.whatIf;
  }
  throw new Error("never opened");
}

describe("a feed's facts from a node's store", () => {
  it("are opened backwards in small steps, go on with new rounds, and do not go further back than is asked", () => {
    const book = createFactsBook({ store: reading, feed: FEED, network, scheme, maxRounds: 3_600 });
    const newest = numbers[FIRST_SAVED - 1] ?? 0;
    expect(book.step(newest - 29)).toBe(true);
    expect(book.extent()).toEqual({ from: newest - 19, to: newest });
    while (book.step(newest - 29));
    expect(book.since(0).map(({ round }) => round)).toEqual(numbers.slice(FIRST_SAVED - 30, FIRST_SAVED));
    for (const { certified, body } of recorded.slice(FIRST_SAVED, FIRST_SAVED + 5)) store.saveRound({ certified, body });
    while (book.step(0));
    expect(book.since(0).map(({ round }) => round)).toEqual(numbers.slice(0, FIRST_SAVED + 5));
    expect(book.memoryBefore(numbers[9] ?? 0)?.rounds).toBe(9);
    expect(book.step(0)).toBe(false);
  });

  it("forget what lies further back than is ever asked for", () => {
    const book = createFactsBook({ store: reading, feed: FEED, network, scheme, maxRounds: 10 });
    while (book.step(0));
    const newest = reading.newestRound() ?? 0;
    expect(book.since(0).every(({ round }) => round >= newest - 10)).toBe(true);
  });
});

describe("the what-if of a node", () => {
  it("answers from the store file in a thread of its own: the rounds that are there, and what is missing among them", async () => {
    const found = await ask(question({ jumpBps: 150 }));
    expect(found.looked).toMatchObject({ from: numbers[0], rounds: FIRST_SAVED + 5 });
    expect(found.missing).toEqual({ uncertified: 1, bodies: 0, resumed: 0, begins: "with the feed" });
    expect(found.changed).toEqual([{ threshold: "jumpBps", from: 300, to: 150 }]);
    expect(found.before.trips[0]).toMatchObject({ openedBy: ["restart"], sinceBefore: false });
    expect(found.plot.series.map(({ threshold }) => threshold)).toContain("jumpBps");
  });

  it("looks at the same rounds for who goes on asking", async () => {
    const first = await ask(question({ jumpBps: 200 }));
    for (const { certified, body } of recorded.slice(FIRST_SAVED + 5)) store.saveRound({ certified, body });
    expect((await ask(question({ jumpBps: 250 }))).looked).toEqual(first.looked);
  });

  it("says which feed it knows nothing of, and answers the next question", async () => {
    await expect(ask({ ...question(), feed: "NEW/USD" as FeedId })).rejects.toMatchObject({ code: "replay" });
    expect((await ask(question())).changed).toEqual([]);
  });

  it("begins again after it was stopped, and says that a store is not there", async () => {
    await desk.stop();
    expect((await ask(question())).looked.rounds).toBe(recorded.length);
    const nowhere = createWhatIf({ path: join(folder, "none.sqlite"), domain: network.domain });
    await expect(nowhere.ask(question())).rejects.toMatchObject({ code: "replay" });
    await nowhere.stop();
  });
});
