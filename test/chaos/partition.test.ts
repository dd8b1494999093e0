import { afterEach, describe, expect, it } from "vitest";
import { request, within } from "../e2e/devnet.ts";
import { LEASE_MS } from "./network.ts";
import { between } from "./proxy.ts";
import { certifiedShare, expectResumption, roundAt, sleep, useChaos } from "./scenario.ts";

/** Of the rounds that the reachable nodes lead. A quiet machine misses one or two, this one may be busy. */
const LEAST_PERCENT = 50;
/** In a blackhole a link is found dead by its ping (5 s), and is dialled again with up to 5 s between tries. */
const HEALS_MS = 40_000;
const CUT_MS = 8_000;

describe("four nodes, the wire between them in trouble", () => {
  const chaos = useChaos({ nodes: 4, proxied: true });
  afterEach(() => chaos().net.wire?.heal());

  it("every word between them goes through the proxies", () => {
    const { net } = chaos();
    for (const from of net.indices) {
      for (const to of net.indices)
        if (from !== to) expect(net.wire?.passed(from, to), `${from} to ${to}`).toBeGreaterThan(10_000);
    }
  });

  it("2|2: no quorum, every lease runs out and says so; healed: none under restart, half-open, closed", async () => {
    const { net, verifier, goesOn, closedAfter, together, expectSound } = chaos();
    net.wire?.set(between([0, 1], [2, 3]), { blocked: true });
    const cutAt = roundAt(Date.now());
    await within(LEASE_MS + 20_000, "nobody ready", async () => {
      const ready = await Promise.all(net.indices.map((index) => request(`${net.node(index).api}/health/ready`)));
      return ready.every(({ status }) => status === 503);
    });
    const last = verifier.newest();
    expect(last, "certified after the cut").toBeLessThanOrEqual(cutAt + 1);
    await sleep(2_000);
    expect(verifier.newest()).toBe(last);

    net.wire?.heal();
    const healedAt = Date.now();
    await goesOn(last, 1, HEALS_MS);
    console.log(`2|2: silent for ${roundAt(healedAt) - last} rounds, certified ${Date.now() - healedAt} ms after healing`);
    await closedAfter(last);
    expectResumption(verifier.views("BTC/USD", last));
    expectResumption(verifier.views("SOL/USD", last));
    await together(verifier.newest());
    await expectSound();
  });

  it("1|3: three go on, the one that is cut off lapses and catches up", async () => {
    const { net, verifier, together, expectSound } = chaos();
    const alone = net.node(2);
    net.wire?.set(between([2], [0, 1, 3]), { blocked: true });
    const cutAt = roundAt(Date.now());
    await within(LEASE_MS + 20_000, "the one not ready", async () => (await request(`${alone.api}/health/ready`)).status === 503);
    const to = roundAt(Date.now()) - 1;
    expect(verifier.newest(alone.name)).toBeLessThanOrEqual(cutAt + 1);
    const share = certifiedShare(chaos(), { from: cutAt + 2, to }, (leader) => leader !== alone.address);
    expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
    verifier.ledger.mute(alone.address, { from: cutAt + 2, to });
    net.wire?.heal();
    const healedAt = Date.now();
    await together(to);
    console.log(
      `1|3: of the others' rounds ${share.percent} % certified, all together ${Date.now() - healedAt} ms after healing`,
    );
    await expectSound();
  });

  it("one way only: a node that is not heard, then one that does not hear; the others go on", async () => {
    const { net, verifier, together, expectSound } = chaos();
    const cases = [
      { name: "not heard", odd: 1, concerns: (from: number) => from === 1 },
      { name: "does not hear", odd: 3, concerns: (_: number, to: number) => to === 3 },
    ] as const;
    for (const { name, odd, concerns } of cases) {
      const from = roundAt(Date.now()) + 2;
      net.wire?.set(concerns, { blocked: true });
      await sleep(CUT_MS);
      const to = roundAt(Date.now()) - 1;
      net.wire?.heal();
      const share = certifiedShare(chaos(), { from, to }, (leader) => leader !== net.node(odd).address);
      console.log(`${net.node(odd).name} ${name}: of the others' rounds ${share.percent} % certified`);
      expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
      await together(roundAt(Date.now()));
    }
    expect(verifier.newest()).toBeGreaterThan(0);
    await expectSound();
  });

  it("100 to 200 ms on every link and a narrow one: rounds still certify", async () => {
    const { net, verifier, random, goesOn, together, expectSound } = chaos();
    for (const a of net.indices) {
      for (const b of net.indices) {
        if (a !== b) net.wire?.set((from, to) => from === a && to === b, { delayMs: 100 + random(101) });
      }
    }
    net.wire?.set((from, to) => from === 0 && to === 3, { bytesPerSecond: 32_000 });
    const from = roundAt(Date.now()) + 1;
    await goesOn(from, 10);
    const { percent, missed } = certifiedShare(chaos(), { from, to: verifier.newest() }, () => true);
    console.log(`100 to 200 ms on all links: ${percent} % certified, missed ${missed.length}`);
    net.wire?.heal();
    await together(roundAt(Date.now()));
    await expectSound();
  });
});
