import { mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import type { DevnetNode } from "./devnet.ts";
import { type Founded, found, removeFounded, runFounded } from "./founded.ts";
import { findBreaches, kill, leftQuarantine, nodeOf, type Onlooker, onlookerOf, restart, signsAfter } from "./nodes.ts";
import { type Promised, promisesIn, signaturesIn } from "./stores.ts";

/**
 * So long a round that a node is killed after it signed, loses its store, and is up again before the number has passed: only its
 * quarantine then keeps it from signing that number a second time.
 */
const ROUND_MS = 7_000;
/** By this moment of a round everybody has signed it. */
const SIGNED_BY_MS = 1_500;
const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];

describe("a node that lost its memory within the round", () => {
  let market: MarketServer;
  let founded: Founded;
  let network: ReturnType<typeof runFounded>;
  let onlooker: Onlooker;
  /** Records of stores that were taken away, by address. */
  const lost = new Map<string, readonly Promised[]>();

  beforeAll(async () => {
    market = await startMarketServer({ seed: 1, listings: new Map(VENUES.map((venue) => [venue, ["BTC/USD"]])), now: Date.now });
    const sources = VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 }));
    founded = await found([{ feed: "BTC/USD", preset: "major", sources }], {
      network: (genesis) => void Object.assign(genesis, { roundMs: ROUND_MS, leaseMs: 30_000 }),
      node: (node) => {
        node.venues = Object.fromEntries([...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: 50 }]));
      },
    });
    network = runFounded(founded);
    for (const index of founded.nodes.keys()) await leftQuarantine(network, index);
    for (const node of await network.nodes()) await signsAfter(node, 0, 1);
    onlooker = await onlookerOf(network);
  });
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const { logFile } of founded.nodes) console.error(readFileSync(logFile, "utf8").split("\n").slice(-20).join("\n"));
  });
  afterAll(async () => {
    await network?.stop();
    await market?.stop();
    if (founded !== undefined) removeFounded(founded);
  });

  it("its store deleted: signs no number again", async () => {
    const victim = await nodeOf(network, 2);
    await untilSigned(victim);
    await kill(network, 2);
    lost.set(victim.address, takeAway(victim, "deleted"));
    await expectNothingAgain(2, []);
  });

  it("an older copy of its store put back: signs no number again", async () => {
    const victim = await nodeOf(network, 3);
    const copy = join(dirname(victim.store), "copy.sqlite");
    await copyWhileRunning(victim.store, copy);
    const copied = promisesIn(copy);
    const copiedUpTo = Math.max(...copied.map(({ round }) => round));
    expect((await untilSigned(victim)) - copiedUpTo, "what was signed since the copy").toBeGreaterThan(0);
    await kill(network, 3);
    lost.set(victim.address, takeAway(victim, "newer"));
    renameSync(copy, victim.store);
    await expectNothingAgain(3, copied);
  });

  /** Starts the node again and watches what it signs; `kept` are the records that its store has left. */
  async function expectNothingAgain(index: number, kept: readonly Promised[]): Promise<void> {
    const [witness, victim] = [await nodeOf(network, 0), await nodeOf(network, index)];
    const before = lost.get(victim.address) ?? [];
    const newest = Math.max(...before.map(({ round }) => round));
    const { firstRound, leftAt } = await restart(network, index);
    expect(Math.floor(leftAt / ROUND_MS), "it was up again in the round in which it was killed").toBe(newest);
    expect(firstRound).toBe(newest + 2);
    await signsAfter(victim, newest, 1);

    const known = new Set(kept.map(({ kind, round }) => `${kind} ${round}`));
    const added = promisesIn(victim.store).filter(({ kind, round }) => !known.has(`${kind} ${round}`));
    expect(new Set(added.map(({ kind }) => kind))).toContain("observation");
    expect(Math.min(...added.map(({ round }) => round))).toBeGreaterThanOrEqual(firstRound);
    // What others hold of this key from before, and what it promised then: none of those numbers is signed now.
    const seen = signaturesIn(witness.store, onlooker.domain).filter(
      ({ signer, round }) => signer === victim.address && round < firstRound,
    );
    expect(seen.filter(({ round }) => round === newest).length, "its signatures of that round are out").toBeGreaterThan(0);
    const old = new Set([...before, ...seen].map(({ kind, round }) => `${kind} ${round}`));
    expect(added.filter(({ kind, round }) => old.has(`${kind} ${round}`))).toEqual([]);
    expect(await findBreaches(network, onlooker.domain, lost)).toEqual([]);
  }

  /** Until a moment of a round at which the node has signed its header and everybody may have it; gives the round. */
  async function untilSigned({ store }: DevnetNode): Promise<number> {
    const round = Math.floor(Date.now() / ROUND_MS) + 1;
    await new Promise((resolve) => setTimeout(resolve, round * ROUND_MS + SIGNED_BY_MS - Date.now()));
    const kinds = promisesIn(store).flatMap((promise) => (promise.round === round ? [promise.kind] : []));
    expect(kinds, `signed by ${SIGNED_BY_MS} ms of round ${round}`).toEqual(expect.arrayContaining(["observation", "round"]));
    return round;
  }
});

/** Moves a dead node's store out of its way, log and all, and gives the records in it. */
function takeAway({ store }: DevnetNode, to: string): readonly Promised[] {
  const folder = join(dirname(store), to);
  mkdirSync(folder);
  for (const file of readdirSync(dirname(store))) {
    if (file.startsWith(basename(store))) renameSync(join(dirname(store), file), join(folder, file));
  }
  return promisesIn(join(folder, basename(store)));
}

async function copyWhileRunning(store: string, to: string): Promise<void> {
  const db = new DatabaseSync(store, { readOnly: true });
  try {
    await backup(db, to);
  } finally {
    db.close();
  }
}
