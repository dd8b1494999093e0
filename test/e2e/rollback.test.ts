import { renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import { type LongRounds, takeAway, untilSigned, useLongRounds } from "./long-rounds.ts";
import { findBreaches, kill, nodeOf, restart, signsAfter } from "./nodes.ts";
import { type Promised, promisesIn, signaturesIn } from "./stores.ts";

/**
 * So long a round that a node is killed after it signed, loses its store, and is up again before the number has passed: only its
 * quarantine then keeps it from signing that number a second time.
 */
const ROUND_MS = 7_000;

describe("a node that lost its memory within the round", () => {
  const world = useLongRounds({ roundMs: ROUND_MS, leaseMs: 30_000, settled: 1 });
  let network: LongRounds["network"];
  let onlooker: LongRounds["onlooker"];
  /** Records of stores that were taken away, by address. */
  const lost = new Map<string, readonly Promised[]>();

  beforeAll(() => {
    ({ network, onlooker } = world());
  });

  it("its store deleted: signs no number again", async () => {
    const victim = await nodeOf(network, 2);
    await untilSigned(victim, ROUND_MS);
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
    expect((await untilSigned(victim, ROUND_MS)) - copiedUpTo, "what was signed since the copy").toBeGreaterThan(0);
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
});

async function copyWhileRunning(store: string, to: string): Promise<void> {
  const db = new DatabaseSync(store, { readOnly: true });
  try {
    await backup(db, to);
  } finally {
    db.close();
  }
}
