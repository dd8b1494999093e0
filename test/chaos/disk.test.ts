import { readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { request, within } from "../e2e/devnet.ts";
import { leftQuarantine, logOf, signsAfter } from "../e2e/nodes.ts";
import { promisesIn } from "../e2e/stores.ts";
import { DAMAGES, mountSmallDisk, promisesOfDead, type SmallDisk } from "./disk.ts";
import type { ChaosNode } from "./network.ts";
import { roundAt, sleep, useChaos } from "./scenario.ts";

/** A node leaves its quarantine or refuses to start within this, on a busy machine too. */
const DECIDES_MS = 60_000;

describe("four nodes, the disk of one of them in trouble", () => {
  const chaos = useChaos({ nodes: 4 });

  it("a full disk: it signs nothing and stays up, the others go on, and with space it signs again", async () => {
    const { net, verifier, goesOn, together, expectSound } = chaos();
    const victim = net.node(3);
    await net.end(3);
    let disk: SmallDisk | undefined = mountSmallDisk(dirname(victim.store));
    try {
      net.start(3);
      const { firstRound } = await leftQuarantine(net, 3);
      await signsAfter(victim, firstRound - 1, 3);
      const { pid } = net.node(3);
      disk.fill();
      const said = () => logOf(victim.log).filter((line) => line.pid === pid && /^store-(full|io)$/.test(line.code ?? ""));
      await within(30_000, `${victim.name} finding its disk full`, async () => said().length > 0);
      const fullAt = roundAt(Date.now());
      const promised = promisesIn(victim.store);
      await within(
        30_000,
        "not ready without a newest round",
        async () => (await request(`${victim.api}/health/ready`)).status === 503,
      );
      await goesOn(fullAt, 5);
      expect(promisesIn(victim.store)).toEqual(promised);
      expect(net.node(3).pid, "the same process").toBe(pid);

      const freedAt = roundAt(Date.now());
      disk.free();
      verifier.ledger.mute(victim.address, { from: fullAt + 2, to: freedAt - 1 });
      await signsAfter(victim, freedAt, 3);
      await together(freedAt);
      console.log(`full from round ${fullAt} to ${freedAt}: ${said().map(({ code }) => code)}; nothing signed`);
      await net.end(3);
      disk.unmount();
      disk = undefined;
      net.start(3);
      await leftQuarantine(net, 3);
      await together(roundAt(Date.now()));
      // What it could not keep while its disk was full it fetches from the others once it starts anew.
      await within(
        30_000,
        `no hole in what ${victim.name} serves`,
        async () => (await holesOf(victim, { from: fullAt, to: freedAt })) === 0,
      );
      await expectSound();
    } finally {
      if (disk !== undefined) {
        if (net.node(3).pid !== null) await net.kill(3);
        disk.unmount();
      }
    }
  });

  it.each(Object.entries(DAMAGES))(
    "a store with %s: refused in one line, or a clean start; nobody signs twice",
    async (what, damage) => {
      const { net, verifier, lost, random, together, goesOn, expectSound } = chaos();
      const index = random(net.indices.length);
      const victim = net.node(index);
      await net.kill(index);
      const before = promisesOfDead(victim.store);
      lost.set(victim.address, [...(lost.get(victim.address) ?? []), ...before]);
      damage(victim.store);
      verifier.ledger.forget(victim.name);
      const killedAt = roundAt(Date.now());
      const fate = await startDamaged(victim);
      console.log(`${victim.name}, ${what}: ${fate}`);
      const { firstRound } = await leftQuarantine(net, index);
      await signsAfter(victim, firstRound - 1, 3);
      const old = new Set(before.map(({ kind, round }) => `${kind} ${round}`));
      const anew = promisesIn(victim.store).filter(({ round }) => round >= killedAt && round < firstRound);
      expect(
        anew.filter(({ kind, round }) => !old.has(`${kind} ${round}`)),
        "signed before its quarantine ended",
      ).toEqual([]);
      await goesOn(killedAt, 3);
      await together(roundAt(Date.now()));
      await expectSound();
    },
  );

  async function holesOf({ api }: ChaosNode, { from, to }: { readonly from: number; readonly to: number }): Promise<number> {
    const certified = chaos()
      .verifier.rounds()
      .filter((round) => round >= from && round <= to);
    const replies = await Promise.all(certified.map((round) => request(`${api}/v1/rounds/${round}`)));
    return replies.filter(({ status }) => status !== 200).length;
  }

  /** Starts on the damaged file; what is refused is moved away, as the refusal advises, and started again. */
  async function startDamaged({ index, log, store }: ChaosNode): Promise<string> {
    const { net } = chaos();
    const written = readFileSync(log, "utf8").length;
    net.start(index);
    const { pid } = net.node(index);
    const left = () => logOf(log).some((line) => line.pid === pid && line.code === "quarantine-left");
    await within(DECIDES_MS, "a refusal or a start", async () => net.node(index).pid === null || left());
    if (net.node(index).pid !== null) return "started";
    expect(await net.ended(index, 0)).toBe("exit code 1");
    const said = readFileSync(log, "utf8").slice(written);
    expect(said).toMatch(/^breakwater: store [^\n]*\n$/);
    expect(said).toContain(store);
    renameSync(dirname(store), `${dirname(store)}.damaged${Date.now()}`);
    await sleep(500);
    net.start(index);
    return `refused: ${said.trim()}`;
  }
});
