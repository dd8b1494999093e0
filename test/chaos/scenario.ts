import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { MarketServer } from "../../simulator/io/market-server.ts";
import { createRandom } from "../../simulator/random.ts";
import { request, within } from "../e2e/devnet.ts";
import { findBreaches, leftQuarantine } from "../e2e/nodes.ts";
import type { Promised } from "../e2e/stores.ts";
import { type ChaosNetwork, type ChaosOptions, FEEDS, startNetwork } from "./network.ts";
import { watchTruth } from "./truth.ts";
import { showViews, startVerifier, type Verifier, type View } from "./verifier.ts";

/** Generous: the machine may be busy with other things. */
const STARTED_MS = 120_000;
const CLOSED_MS = 60_000;
/** BREAKER.md: restart fires in the first restartRounds (3) rounds. */
const RESTART_ROUNDS = 3;

/** The market never stands still here: a price that is carried or late is soon wrong by more than honest venues stray. */
const SWING_BPS = 60;
const SWING_MS = 8_000;

/** Dice of the tests, the same again with the seed that a run prints. */
export const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

export type Chaos = {
  readonly net: ChaosNetwork;
  readonly verifier: Verifier;
  readonly random: (bound: number) => number;
  /** Guard records of stores that were taken away, by address. */
  readonly lost: Map<string, readonly Promised[]>;
  /** Until every feed is closed in a certificate after this round. */
  readonly closedAfter: (round: number) => Promise<void>;
  /** Until the newest certified round is more than `count` past `round`. */
  readonly goesOn: (round: number, count: number, withinMs?: number) => Promise<void>;
  /** Until every running node shows a round that was certified after `round`. */
  readonly together: (round: number) => Promise<void>;
  /** Every promise, from outside; and no signature that its signer's own records do not hold. */
  readonly expectSound: () => Promise<void>;
};

/** One network and one verifier for a whole file, started before its tests and ended after them whatever happens. */
export function useChaos(options: ChaosOptions): () => Chaos {
  let chaos: Chaos | undefined;
  const stops: (() => unknown)[] = [];
  beforeAll(
    async () => {
      console.log(`CHAOS_SEED=${SEED}`);
      const net = await startNetwork(options);
      stops.push(net.stop);
      const stopMarket = swing(net.market);
      stops.push(stopMarket);
      const nodes = net.indices.map((index) => net.node(index));
      const verifier = startVerifier({ networkFile: net.networkFile, nodes, truth: watchTruth(net.market) });
      stops.push(verifier.stop);
      chaos = describeChaos(net, verifier);
      try {
        for (const index of net.indices) await answers(net, index);
        await Promise.all(net.indices.map((index) => leftQuarantine(net, index)));
        await chaos.closedAfter(0);
      } catch (error) {
        console.error(net.explain());
        throw error;
      }
    },
    2 * STARTED_MS + CLOSED_MS,
  );
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(chaos?.net.explain());
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  return () => {
    if (chaos === undefined) throw new Error("the network is not running yet");
    return chaos;
  };
}

/** Seven processes that start at once take their time. */
async function answers(net: ChaosNetwork, index: number): Promise<void> {
  const { name, api } = net.node(index);
  const live = async (): Promise<boolean> => (await request(`${api}/health/live`).catch(() => undefined))?.status === 200;
  await within(STARTED_MS, `the API of ${name}`, live);
}

function describeChaos(net: ChaosNetwork, verifier: Verifier): Chaos {
  const dice = createRandom(SEED, "chaos");
  const lost = new Map<string, readonly Promised[]>();
  const goesOn: Chaos["goesOn"] = (round, count, withinMs = 60_000) =>
    within(
      withinMs,
      `${count} rounds after ${round}`,
      async () => verifier.rounds().filter((number) => number > round).length >= count,
      () => `; certified since: ${verifier.rounds().filter((number) => number > round)}`,
    );
  return {
    ...{ net, verifier, lost, goesOn },
    random: (bound) => dice.below(bound),
    closedAfter: async (round) => {
      const last = (feed: string): View | undefined => verifier.views(feed, round).at(-1);
      const closed = async (): Promise<boolean> => FEEDS.every((feed) => last(feed)?.state === "closed");
      const why = (): string => `\n  ${FEEDS.map((feed) => `${feed} ${showViews(verifier.views(feed, round))}`).join("\n  ")}`;
      await within(CLOSED_MS, `every feed closed after round ${round}`, closed, why);
    },
    together: async (round) => {
      const running = net.indices.map((index) => net.node(index)).filter(({ pid }) => pid !== null);
      const behind = () =>
        running.flatMap(({ name }) => (verifier.newest(name) > round ? [] : `${name} ${verifier.newest(name)}`));
      await within(
        60_000,
        `a round after ${round} at every node`,
        async () => behind().length === 0,
        () => `; ${behind()}`,
      );
    },
    expectSound: async () => {
      await verifier.settle();
      const entries = verifier.ledger.entries();
      const audited = entries.filter(({ observers }) => observers !== undefined).length;
      const shown = entries.reduce((sum, { arrivals }) => sum + arrivals.size, 0);
      console.log(`sound so far: ${entries.length} rounds, shown ${shown} times, ${audited} recomputed from their bodies`);
      expect(audited, "recomputed").toBeGreaterThan(5);
      expect(await findBreaches(net, verifier.network.domain, lost)).toEqual([]);
    },
  };
}

/** Every feed up and down, out of step with one another. */
function swing(market: Pick<MarketServer, "move">): () => void {
  let turn = 0;
  const move = (): void => {
    turn += 1;
    for (const [index, feed] of FEEDS.entries()) {
      const moved = market.move({ feed, moveBps: (turn + index) % 2 === 0 ? SWING_BPS : -SWING_BPS, overMs: SWING_MS });
      if (!moved.ok) throw new Error(moved.error.problem);
    }
  };
  move();
  const timer = setInterval(move, SWING_MS);
  return () => clearInterval(timer);
}

/**
 * What consumers do to a network while it suffers: several ask every node for everything without a pause, and at each one a reader of
 * the stream never reads (P8). Gives what ends it and says how many answers there were.
 */
export function startLoad({ nodes, net }: { readonly nodes: readonly number[]; readonly net: ChaosNetwork }): () => number {
  const controller = new AbortController();
  let answers = 0;
  const paths = ["/v1/feeds", "/v1/bundle?feeds=BTC-USD,ETH-USD", "/v1/breaker", "/v1/feeds/SOL-USD/history?limit=100"];
  const ask = async (api: string, path: string): Promise<void> => {
    while (!controller.signal.aborted) {
      const reply = await request(`${api}${path}`).catch(() => undefined);
      if (reply?.status === 200) answers += 1;
      await sleep(50);
    }
  };
  const readers: Socket[] = [];
  for (const index of nodes) {
    const { api } = net.node(index);
    for (const path of paths) void ask(api, path);
    const reader = connect(Number(new URL(api).port), "127.0.0.1");
    reader.on("error", () => undefined);
    reader.pause();
    reader.write("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    readers.push(reader);
  }
  return () => {
    controller.abort();
    for (const reader of readers) reader.destroy();
    return answers;
  };
}

/** Stops a process for a while. It is woken by a process of its own: also when this one dies meanwhile. */
export async function stall({ pid }: { readonly pid: number | null }, forMs: number): Promise<void> {
  if (pid === null) throw new Error("a dead process cannot be stopped");
  const waker = spawn("sh", ["-c", `sleep ${forMs / 1_000}; kill -CONT ${pid}`], { stdio: "ignore", detached: true });
  process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => waker.once("exit", resolve));
}

/** P9, as a sequence: nothing under `restart`, then half-open, and only then closed; nothing that permits came before. */
export function expectResumption(views: readonly View[]): void {
  const said = showViews(views);
  const first = views.slice(0, RESTART_ROUNDS);
  expect(first.length, said).toBe(RESTART_ROUNDS);
  for (const view of first) {
    expect(view, said).toMatchObject({ state: "open", liquidate: "none", borrow: false });
    expect(view.reasons, said).toContain("restart");
  }
  const halfOpen = views.findIndex(({ state }) => state === "half-open");
  const closed = views.findIndex(({ state }) => state === "closed");
  expect(halfOpen, said).toBeGreaterThanOrEqual(RESTART_ROUNDS);
  expect(closed, said).toBeGreaterThan(halfOpen);
}

/** Of the rounds in a span that these nodes led, the share that was certified, in percent. */
export function certifiedShare(
  { verifier }: Chaos,
  span: { readonly from: number; readonly to: number },
  leads: (leader: string, round: number) => boolean,
): { readonly percent: number; readonly missed: readonly number[] } {
  const certified = new Set(verifier.rounds());
  const led = Array.from({ length: Math.max(0, span.to - span.from + 1) }, (_, index) => span.from + index).filter((round) =>
    leads(verifier.leaderOf(round), round),
  );
  const missed = led.filter((round) => !certified.has(round));
  return { percent: led.length === 0 ? 100 : Math.round((100 * (led.length - missed.length)) / led.length), missed };
}

export function roundAt(now: number, roundMs = 1_000): number {
  return Math.floor(now / roundMs);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
