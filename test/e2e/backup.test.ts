import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnCli } from "../cli/session.ts";
import { type LongRounds, takeAway, untilSigned, useLongRounds } from "./long-rounds.ts";
import { findBreaches, kill, latestRound, nodeOf, restart, signsAfter } from "./nodes.ts";
import { certificatesIn, type Promised, promisesIn } from "./stores.ts";

/** So long a round that a node is back up, with an older store, in the round in which it was killed. */
const ROUND_MS = 10_000;

describe("a node that lost its disk", () => {
  const world = useLongRounds({ roundMs: ROUND_MS, leaseMs: 40_000, settled: 2 });
  let founded: LongRounds["founded"];
  let network: LongRounds["network"];
  let onlooker: LongRounds["onlooker"];
  /** Records of stores that were lost, by address. */
  const lost = new Map<string, readonly Promised[]>();

  beforeAll(() => {
    ({ founded, network, onlooker } = world());
  });

  it("is backed up while it runs, restored, and takes part again without signing any number twice", async () => {
    const victim = await nodeOf(network, 3);
    const { configFile = "" } = founded.nodes[3] ?? {};
    const copy = join(founded.folder, "backup.sqlite");
    const backup = await spawnCli(["backup", "--config", configFile, "--out", copy]);
    expect(backup, backup.stderr).toMatchObject({ code: 0, stdout: `${copy}\n` });
    const running = await spawnCli(["restore", "--config", configFile, copy]);
    expect(running.code).toBe(1);
    expect(running.stderr).toMatch(/a node with the key of 0x[0-9a-f]{40} runs there: stop it first/);

    const round = await untilSigned(victim, ROUND_MS);
    const backedUp = Math.max(...promisesIn(copy).map((promise) => promise.round));
    expect(round - backedUp, "what was signed since the backup").toBeGreaterThan(0);
    await kill(network, 3);
    lost.set(victim.address, takeAway(victim, "lost"));
    const restored = await spawnCli(["restore", "--config", configFile, copy]);
    expect(restored, restored.stderr).toMatchObject({ code: 0, stdout: `${victim.store}\n` });
    const again = await spawnCli(["restore", "--config", configFile, copy]);
    expect(again.stderr).toMatch(/exists already and is never overwritten/);
    const floor = Number(/at or below round (\d+)/.exec(restored.stderr)?.[1]);
    expect(floor).toBeGreaterThan(round);

    const { firstRound, leftAt } = await restart(network, 3);
    expect(Math.floor(leftAt / ROUND_MS), "it was up again before the floor had passed").toBeLessThan(floor);
    expect(firstRound).toBe(floor + 1);
    await signsAfter(victim, floor, 1);
    const fresh = promisesIn(victim.store).filter((promise) => promise.round > backedUp && !isNothing(promise));
    expect(Math.min(...fresh.map((promise) => promise.round))).toBeGreaterThan(floor);
    expect(await latestRound(victim.api), "what was certified meanwhile came from the peers").toBeGreaterThan(floor);
    expect(certificatesIn(victim.store).map((certified) => certified.round)).toContain(round);
    expect(await findBreaches(network, onlooker.domain, lost)).toEqual([]);
  });

  it("a file copied while it ran, put back: what must not be done is caught by the quarantine", async () => {
    const victim = await nodeOf(network, 2);
    const copy = join(founded.folder, "naive.sqlite");
    copyFiles(victim.store, copy);
    const round = await untilSigned(victim, ROUND_MS);
    await kill(network, 2);
    lost.set(victim.address, takeAway(victim, "lost"));
    copyFiles(copy, victim.store);
    const kept = promisesIn(copy);
    expect(
      kept.some((promise) => promise.round === round),
      "the copy knows nothing of the last round",
    ).toBe(false);

    const { firstRound, leftAt } = await restart(network, 2);
    expect(Math.floor(leftAt / ROUND_MS), "it was up again in the round in which it was killed").toBe(round);
    expect(firstRound).toBe(round + 2);
    await signsAfter(victim, round, 1);
    const known = new Set(kept.map((promise) => `${promise.kind} ${promise.round}`));
    const fresh = promisesIn(victim.store).filter((promise) => !known.has(`${promise.kind} ${promise.round}`));
    expect(Math.min(...fresh.map((promise) => promise.round))).toBeGreaterThanOrEqual(firstRound);
    expect(await findBreaches(network, onlooker.domain, lost)).toEqual([]);
  });
});

/** A record that nothing was signed, as a restore leaves it. */
function isNothing({ digest }: Promised): boolean {
  return /^0x0+$/.test(digest);
}

/** What `cp store.sqlite* elsewhere` does: one file after the other, while the node goes on writing. */
function copyFiles(from: string, to: string): void {
  for (const suffix of ["", "-wal"]) copyFileSync(from + suffix, to + suffix);
}
