import { beforeAll, describe, expect, it } from "vitest";
import { allClosed, type DevnetNode, request, useDevnet, within } from "./devnet.ts";
import {
  findBreaches,
  kill,
  latestRound,
  leftQuarantine,
  nodeOf,
  type Onlooker,
  onlookerOf,
  restart,
  signsAfter,
} from "./nodes.ts";
import { certificatesIn, promisesIn, signaturesIn } from "./stores.ts";
import { type FeedView, summarize, viewFeed } from "./stream.ts";

/** Three quarters of these are not led by the dead node. */
const ROUNDS_WITHOUT_ONE = 48;
/** BREAKER.md: restart fires in the first restartRounds (3) rounds. */
const RESTART_ROUNDS = 3;

/** When a leader is stopped, in ms from the beginning of the round that it leads, and for how long. */
const STOPS = [
  { phaseMs: -60, forMs: 3_500 },
  { phaseMs: 25, forMs: 3_500 },
  { phaseMs: 80, forMs: 7_000 },
] as const;

describe("kill -9", () => {
  const devnet = useDevnet();
  let onlooker: Onlooker;
  beforeAll(async () => {
    onlooker = await onlookerOf(devnet());
  });

  it("of one node of four costs the rounds that it led and no others", async () => {
    const [witness, victim] = [await nodeOf(devnet(), 0), await nodeOf(devnet(), 1)];
    await kill(devnet(), 1);
    const killedAt = await latestRound(witness.api);
    // What it sent before may still be certified in this very round, and in no later one.
    const lastSent = Math.floor(Date.now() / 1_000);
    await within((ROUNDS_WITHOUT_ONE + 30) * 1_000, "rounds without one node", async () => {
      return (await latestRound(witness.api)) > killedAt + ROUNDS_WITHOUT_ONE;
    });
    const certified = new Set(certificatesIn(witness.store).map(({ round }) => round));
    const all = Array.from({ length: ROUNDS_WITHOUT_ONE }, (_, index) => killedAt + 1 + index);
    const others = all.filter((round) => onlooker.leaderOf(round) !== victim.address);
    const missed = others.filter((round) => !certified.has(round));
    console.log(
      `without one of four: ${missed.length} of ${others.length} rounds missed beside the ${all.length - others.length} it led`,
    );
    const led = all.filter((round) => round > lastSent && onlooker.leaderOf(round) === victim.address);
    expect(led.filter((round) => certified.has(round))).toEqual([]);
    expect(missed.length / others.length, `missed ${missed.join(", ")}`).toBeLessThan(0.02);

    const { firstRound } = await restart(devnet(), 1);
    const promised = promisesIn(victim.store).map(({ round }) => round);
    expect(firstRound).toBeGreaterThan(killedAt + ROUNDS_WITHOUT_ONE);
    expect(promised.filter((round) => round > lastSent && round < firstRound)).toEqual([]);
    await signsAfter(victim, firstRound - 1);
    const held = signaturesIn(witness.store, onlooker.domain);
    expect(held.some(({ signer, round }) => signer === victim.address && round >= firstRound)).toBe(true);
  });

  it("and it comes back without a hole in what it serves", async () => {
    const [witness, victim] = [await nodeOf(devnet(), 0), await nodeOf(devnet(), 1)];
    const to = ((await latestRound(witness.api)) - 1) * 1_000;
    const query = `history?from=${to - (ROUNDS_WITHOUT_ONE + 40) * 1_000}&to=${to}&limit=1000`;
    const expected = await request(`${witness.api}/v1/feeds/ETH-USD/${query}`);
    expect((expected.json as { points: object[] }).points.length).toBeGreaterThan((ROUNDS_WITHOUT_ONE * 2) / 3);
    let served: unknown;
    await within(
      60_000,
      "the whole history at the node that was away",
      async () => {
        served = (await request(`${victim.api}/v1/feeds/ETH-USD/${query}`)).json;
        return JSON.stringify(served) === JSON.stringify(expected.json);
      },
      () => `\n${JSON.stringify(served)}\n${JSON.stringify(expected.json)}`,
    );
    await within(20_000, "the newest round at both", async () => {
      const [own, other] = await Promise.all([latestRound(victim.api), latestRound(witness.api)]);
      return own > to / 1_000 && Math.abs(own - other) <= 1;
    });
  });

  it("of two lets every report expire; both back: quarantine, none, half-open, closed", async () => {
    const feeds = await devnet().feeds();
    const survivors = [await nodeOf(devnet(), 0), await nodeOf(devnet(), 1)];
    const victims = [await nodeOf(devnet(), 2), await nodeOf(devnet(), 3)];
    const [witness] = survivors;
    if (witness === undefined) throw new Error("no survivor");
    await allClosed(devnet());
    const stream = devnet().stream(feeds, witness.api);
    await stream.more(1);
    await Promise.all([kill(devnet(), 2), kill(devnet(), 3)]);

    await within(60_000, "not ready at both that are up", async () => {
      const ready = await Promise.all(survivors.map(({ api }) => request(`${api}/health/ready`)));
      return ready.every(({ status }) => status === 503);
    });
    const last = await latestRound(witness.api);
    for (const { api } of survivors) {
      const { status, json } = await request(`${api}/v1/bundle?feeds=${feeds.map((feed) => feed.replace("/", "-")).join(",")}`);
      expect(status).toBe(503);
      expect(json).toMatchObject({ type: "urn:breakwater:problem:lease-ended" });
      expect((json as { readonly detail: string }).detail).toContain(`of round ${last}, ended`);
      expect(await latestRound(api)).toBe(last);
    }

    await Promise.all(["node2", "node3"].map((name) => devnet().post(`/nodes/${name}/start`)));
    const firstRounds = await Promise.all([leftQuarantine(devnet(), 2), leftQuarantine(devnet(), 3)]);
    for (const { firstRound } of firstRounds) expect(firstRound).toBeGreaterThan(last + 15);
    await stream.until("ETH/USD", ({ state }) => state === "closed", { what: "closed again", after: last, withinMs: 90_000 });
    await allClosed(devnet());
    stream.close();

    const resumed = stream.rounds.filter(({ round }) => round > last);
    for (const feed of feeds) expectResumption(resumed.flatMap((bundle) => viewFeed(bundle, feed) ?? []));
    for (const victim of victims) await signsAfter(victim, last);
    await within(20_000, "ready again", async () => {
      const ready = await Promise.all([...survivors, ...victims].map(({ api }) => request(`${api}/health/ready`)));
      return ready.every(({ status }) => status === 200);
    });
    for (const { api } of victims)
      expect((await request(`${api}/v1/rounds/${last}`)).status, `${api} has round ${last}`).toBe(200);
  });

  it("(SIGSTOP) of a leader: stopped in the round that it leads, holds up nobody, and signs nothing twice when it goes on", async () => {
    const [witness, leader] = [await nodeOf(devnet(), 0), await nodeOf(devnet(), 1)];
    const missed: number[] = [];
    let asked = 0;
    for (const { phaseMs, forMs } of STOPS) {
      const round = await untilLeading(leader, phaseMs);
      process.kill(leader.pid ?? 0, "SIGSTOP");
      try {
        await sleep(forMs);
      } finally {
        process.kill(leader.pid ?? 0, "SIGCONT");
      }
      const meanwhile = Array.from({ length: Math.floor(forMs / 1_000) - 1 }, (_, index) => round + 1 + index);
      const others = meanwhile.filter((number) => onlooker.leaderOf(number) !== leader.address);
      asked += others.length;
      await signsAfter(leader, round + Math.ceil(forMs / 1_000) + 1);
      const certified = new Set(certificatesIn(witness.store).map((item) => item.round));
      missed.push(...others.filter((number) => !certified.has(number)));
      await within(20_000, "the newest round at both", async () => {
        const [own, other] = await Promise.all([latestRound(leader.api), latestRound(witness.api)]);
        return own > round + forMs / 1_000 && Math.abs(own - other) <= 1;
      });
    }
    expect(asked).toBeGreaterThanOrEqual(8);
    expect(missed.length, `of ${asked} rounds of others missed: ${missed.join(", ")}`).toBeLessThanOrEqual(1);
  });

  it("and through all of it nobody signed two things of one number", async () => {
    const nodes = await devnet().nodes();
    expect(nodes.every(({ pid }) => pid !== null)).toBe(true);
    // What is compared is there: each signed before and after, and those that were never away far more.
    const headers = nodes.map(({ store }) => promisesIn(store).filter(({ kind }) => kind === "round").length);
    expect(Math.min(...headers)).toBeGreaterThan(20);
    expect(headers[0]).toBeGreaterThan(ROUNDS_WITHOUT_ONE / 2);
    expect(await findBreaches(devnet(), onlooker.domain)).toEqual([]);
  });

  /** Until `phaseMs` from the beginning of the next round that the node leads; gives that round. */
  async function untilLeading({ address }: DevnetNode, phaseMs: number): Promise<number> {
    let round = Math.floor(Date.now() / 1_000) + 2;
    while (onlooker.leaderOf(round) !== address) round++;
    await sleep(round * 1_000 + phaseMs - Date.now());
    return round;
  }
});

/** P9: none under `restart`, then half-open, and only then closed. */
function expectResumption(views: readonly FeedView[]): void {
  const said = summarize(views);
  const first = views.slice(0, RESTART_ROUNDS);
  expect(first.length, said).toBe(RESTART_ROUNDS);
  for (const view of first) {
    expect(view, said).toMatchObject({ state: "open", liquidate: "none", borrow: false, budgetBps: 0 });
    expect(view.reasons, said).toContain("restart");
  }
  const after = (states: readonly FeedView[], state: FeedView["state"]) => states.findIndex((view) => view.state === state);
  const [halfOpen, closed] = [after(views, "half-open"), after(views, "closed")];
  expect(halfOpen, said).toBeGreaterThanOrEqual(RESTART_ROUNDS);
  expect(closed, said).toBeGreaterThan(halfOpen);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
