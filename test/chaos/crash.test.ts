import { describe, expect, it } from "vitest";
import { within } from "../e2e/devnet.ts";
import { leftQuarantine, signsAfter } from "../e2e/nodes.ts";
import { promisesIn } from "../e2e/stores.ts";
import { certifiedShare, roundAt, sleep, stall, startLoad, useChaos } from "./scenario.ts";

const KILLS = 3;
/** When a leader is stopped, in ms from the beginning of the round that it leads, and for how long. */
const STOPS = [
  { phaseMs: -60, forMs: 3_000 },
  { phaseMs: 80, forMs: 8_000 },
] as const;
/** Of the rounds that others lead, often only three. A quiet machine misses none; this one may be busy. */
const LEAST_PERCENT = 30;

describe("four nodes, one of them in trouble", () => {
  const chaos = useChaos({ nodes: 4 });

  it("kill -9 of a random node again and again under load: the others go on, and nobody signs twice", async () => {
    const { net, random, goesOn, together, expectSound } = chaos();
    const stopLoad = startLoad({ nodes: net.indices, net });
    const reports: string[] = [];
    try {
      for (let nth = 0; nth < KILLS; nth++) {
        const victim = random(net.indices.length);
        await sleep(random(1_000));
        await net.kill(victim);
        const killedAt = roundAt(Date.now());
        await sleep(500 + random(2_500));
        net.start(victim);
        const { firstRound } = await leftQuarantine(net, victim);
        await goesOn(killedAt, 1);
        const own = promisesIn(net.node(victim).store).map(({ round }) => round);
        // What it signed in the round in which it was killed is behind it; before `firstRound` it signs nothing.
        expect(own.filter((round) => round > killedAt + 1 && round < firstRound)).toEqual([]);
        await signsAfter(net.node(victim), firstRound - 1, 3);
        const share = certifiedShare(
          chaos(),
          { from: killedAt + 1, to: firstRound },
          (leader) => leader !== net.node(victim).address,
        );
        reports.push(
          `node${victim}: dead or waiting ${firstRound - killedAt} rounds, of the others' ${share.percent} % certified`,
        );
        expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
      }
    } finally {
      console.log(`${reports.join("\n")}\n${stopLoad()} answers under load`);
    }
    await together(roundAt(Date.now()));
    await expectSound();
  });

  it("SIGSTOP of a leader in the middle of its round: costs its rounds, and it wakes into the present", async () => {
    const { net, verifier, random, together, expectSound } = chaos();
    for (const { phaseMs, forMs } of STOPS) {
      const leader = net.node(random(net.indices.length));
      let round = roundAt(Date.now()) + 2;
      while (verifier.leaderOf(round) !== leader.address) round++;
      await sleep(round * 1_000 + phaseMs - Date.now());
      await stall(leader, forMs);
      const woken = roundAt(Date.now());
      await signsAfter(leader, woken, 3);
      await together(woken);
      const share = certifiedShare(chaos(), { from: round + 1, to: woken }, (address) => address !== leader.address);
      console.log(
        `${leader.name} stopped ${forMs} ms at ${phaseMs} ms of its round: of the others' ${share.percent} % certified`,
      );
      expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
      // It has nothing to say about rounds through which it slept.
      const slept = promisesIn(leader.store).filter((promise) => promise.round > round + 1 && promise.round < woken - 1);
      expect(slept).toEqual([]);
    }
    await within(20_000, "all ready", async () => {
      const newest = verifier.newest();
      return net.indices.every((index) => verifier.newest(net.node(index).name) >= newest - 2);
    });
    await expectSound();
  });
});
