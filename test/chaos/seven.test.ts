import { afterEach, describe, expect, it } from "vitest";
import { request, within } from "../e2e/devnet.ts";
import { leftQuarantine } from "../e2e/nodes.ts";
import { LEASE_MS } from "./network.ts";
import { between } from "./proxy.ts";
import { certifiedShare, expectResumption, roundAt, sleep, useChaos } from "./scenario.ts";

const LEAST_PERCENT = 50;
const HEALS_MS = 40_000;
const WATCHED_ROUNDS = 8;

describe("seven nodes: two may fail, three may not", () => {
  const chaos = useChaos({ nodes: 7, proxied: true });
  afterEach(() => chaos().net.wire?.heal());

  it("2|5: five go on", async () => {
    const { net, verifier, together, expectSound } = chaos();
    const cut = [1, 4];
    net.wire?.set(between(cut, [0, 2, 3, 5, 6]), { blocked: true });
    const from = roundAt(Date.now()) + 2;
    await sleep((WATCHED_ROUNDS + 2) * 1_000);
    const to = roundAt(Date.now()) - 1;
    const away = cut.map((index) => net.node(index).address);
    const share = certifiedShare(chaos(), { from, to }, (leader) => !away.includes(leader as (typeof away)[number]));
    console.log(`2|5: of the five's rounds ${share.percent} % certified`);
    expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
    for (const address of away) verifier.ledger.mute(address, { from, to });
    net.wire?.heal();
    await together(roundAt(Date.now()));
    await expectSound();
  });

  it("3|4: all of them stop and their leases run out; healed they go on", async () => {
    const { net, verifier, goesOn, closedAfter, together, expectSound } = chaos();
    net.wire?.set(between([0, 3, 5], [1, 2, 4, 6]), { blocked: true });
    const last = await untilLapsed();
    net.wire?.heal();
    const healedAt = Date.now();
    await goesOn(last, 1, HEALS_MS);
    console.log(`3|4: certified ${Date.now() - healedAt} ms after healing`);
    await closedAfter(last);
    expectResumption(verifier.views("ETH/USD", last));
    await together(verifier.newest());
    await expectSound();
  });

  it("100 to 200 ms on every link: rounds still certify", async () => {
    const { net, verifier, random, goesOn, together, expectSound } = chaos();
    for (const a of net.indices) {
      for (const b of net.indices) {
        if (a !== b) net.wire?.set((from, to) => from === a && to === b, { delayMs: 100 + random(101) });
      }
    }
    const from = roundAt(Date.now()) + 1;
    await goesOn(from, 6, 90_000);
    const { percent, missed } = certifiedShare(chaos(), { from, to: verifier.newest() }, () => true);
    console.log(`100 to 200 ms on all links of seven: ${percent} % certified, missed ${missed.length}`);
    net.wire?.heal();
    await together(roundAt(Date.now()));
    await expectSound();
  });

  it("kill -9 of two: the others' rounds go on; of a third: they stop; all back: they recover", async () => {
    const { net, verifier, goesOn, closedAfter, together, expectSound } = chaos();
    await Promise.all([net.kill(0), net.kill(6)]);
    const from = roundAt(Date.now()) + 1;
    await sleep(WATCHED_ROUNDS * 1_000);
    const dead = [net.node(0).address, net.node(6).address];
    const span = { from, to: roundAt(Date.now()) - 1 };
    const share = certifiedShare(chaos(), span, (leader) => !dead.includes(leader as (typeof dead)[number]));
    console.log(`two of seven dead: of the others' rounds ${share.percent} % certified`);
    expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);

    await net.kill(2);
    const last = await untilLapsed();
    for (const index of [0, 6, 2]) net.start(index);
    const startedAt = Date.now();
    await Promise.all([0, 6, 2].map((index) => leftQuarantine(net, index)));
    await goesOn(last, 1, HEALS_MS);
    console.log(`three of seven back: certified ${Date.now() - startedAt} ms after their start`);
    await closedAfter(last);
    expectResumption(verifier.views("BTC/USD", last));
    await together(verifier.newest());
    await expectSound();
  });

  /** Until no node that runs is ready any more, and certifies nothing though it is watched a while longer; gives the last round. */
  async function untilLapsed(): Promise<number> {
    const { net, verifier } = chaos();
    const broken = roundAt(Date.now());
    const running = net.indices.map((index) => net.node(index)).filter(({ pid }) => pid !== null);
    await within(LEASE_MS + 30_000, "nobody ready", async () => {
      const ready = await Promise.all(running.map(({ api }) => request(`${api}/health/ready`)));
      return ready.every(({ status }) => status === 503);
    });
    const last = verifier.newest();
    expect(last, "certified without a quorum").toBeLessThanOrEqual(broken + 1);
    await sleep(1_000);
    expect(verifier.newest()).toBe(last);
    return last;
  }
});
