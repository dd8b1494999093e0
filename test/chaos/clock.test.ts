import { afterEach, describe, expect, it } from "vitest";
import { within } from "../e2e/devnet.ts";
import { leftQuarantine, logOf, signsAfter } from "../e2e/nodes.ts";
import { promisesIn } from "../e2e/stores.ts";
import { certifiedShare, roundAt, sleep, useChaos } from "./scenario.ts";

const LEAST_PERCENT = 50;
const WRONG_MS = 8_000;
/** Ms in a second: past `maxSkewMs` (250) within the first, more than two seconds off in the end. */
const GAIN = 300;

describe("four nodes, the clock of one of them wrong", () => {
  const chaos = useChaos({ nodes: 4, clocks: true });
  afterEach(() => {
    for (const index of chaos().net.indices) chaos().net.setClock(index, {});
  });

  it.each([3_000, -3_000])("started %i ms off: it says so and signs nothing until the clock is right", async (offsetMs) => {
    const { net, verifier, random, goesOn, together, expectSound } = chaos();
    const index = random(net.indices.length);
    const wrong = net.node(index);
    await net.kill(index);
    net.setClock(index, { offsetMs });
    const promised = promisesIn(wrong.store);
    const from = roundAt(Date.now()) + 1;
    verifier.distrustClock(wrong.name, true);
    net.start(index);
    const { pid } = net.node(index);
    const said = () => logOf(wrong.log).filter((line) => line.pid === pid && line.code === "clock-off");
    await within(40_000, `clock-off in the log of ${wrong.name}`, async () => said().length > 0);
    await goesOn(roundAt(Date.now()), 4);
    expect(said()[0]).toMatchObject({ limitMs: 250 });
    expect(Math.abs((said()[0] as unknown as { offsetMs: number }).offsetMs + offsetMs)).toBeLessThan(250);
    expect(promisesIn(wrong.store), "signed with a wrong clock").toEqual(promised);
    verifier.ledger.mute(wrong.address, { from, to: roundAt(Date.now()) - 1 });
    net.setClock(index, {});
    const { firstRound } = await leftQuarantine(net, index);
    verifier.distrustClock(wrong.name, false);
    await signsAfter(wrong, firstRound - 1, 2);
    await together(roundAt(Date.now()));
    await expectSound();
  });

  it.each([
    { what: "set 3 s ahead", clock: { offsetMs: 3_000 }, ahead: true },
    { what: "set 3 s back", clock: { offsetMs: -3_000 }, ahead: false },
    { what: "gaining", clock: { gainMsPerSecond: GAIN }, ahead: true },
  ])("while it runs, $what: costs its own rounds at most, and set right it signs again", async ({ what, clock, ahead }) => {
    const { net, verifier, random, together, expectSound } = chaos();
    const index = random(net.indices.length);
    const wrong = net.node(index);
    verifier.distrustClock(wrong.name, true);
    const from = roundAt(Date.now()) + 1;
    net.setClock(index, clock);
    await sleep(WRONG_MS);
    const to = roundAt(Date.now());
    const lives = Math.max(...promisesIn(wrong.store).map(({ round }) => round));
    net.setClock(index, {});
    // It lived in another time, or nothing was tried here.
    expect(ahead ? lives - to : to - lives).toBeGreaterThanOrEqual(1);
    const share = certifiedShare(chaos(), { from, to: to - 1 }, (leader) => leader !== wrong.address);
    console.log(`${wrong.name} ${what}, ${lives - to} rounds off in the end: of the others' rounds ${share.percent} % certified`);
    expect(share.percent, `missed ${share.missed}`).toBeGreaterThanOrEqual(LEAST_PERCENT);
    verifier.distrustClock(wrong.name, false);
    // Whatever it promised for rounds that were still to come, it keeps: it goes on behind them.
    await signsAfter(wrong, to + 4, 2);
    await together(roundAt(Date.now()));
    await expectSound();
  });
});
