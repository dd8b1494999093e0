import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import type { DevnetNode } from "./devnet.ts";
import { type Founded, found, removeFounded, runFounded, showLogsOfFailures } from "./founded.ts";
import { leftQuarantine, type Onlooker, onlookerOf, signsAfter } from "./nodes.ts";
import { type Promised, promisesIn } from "./stores.ts";

/** By this moment of a round everybody has signed it. */
const SIGNED_BY_MS = 1_500;
const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];

export type LongRounds = {
  readonly founded: Founded;
  readonly network: ReturnType<typeof runFounded>;
  readonly onlooker: Onlooker;
};

/**
 * A network of four whose rounds are so long that a node is killed, changed and up again within one. One for a whole file: everybody
 * has signed `settled` rounds before its tests, nodes' logs are shown after each that failed.
 */
export function useLongRounds({
  roundMs,
  leaseMs,
  settled,
}: {
  readonly roundMs: number;
  readonly leaseMs: number;
  readonly settled: number;
}): () => LongRounds {
  let market: MarketServer | undefined;
  let founded: Founded | undefined;
  let world: LongRounds | undefined;
  let network: LongRounds["network"] | undefined;
  beforeAll(async () => {
    const listings = new Map(VENUES.map((venue) => [venue, ["BTC/USD"]]));
    const served = await startMarketServer({ seed: 1, listings, now: Date.now });
    market = served;
    const sources = VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 }));
    founded = await found([{ feed: "BTC/USD", preset: "major", sources }], {
      network: (genesis) => void Object.assign(genesis, { roundMs, leaseMs }),
      node: (node) => {
        node.venues = Object.fromEntries([...served.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: 50 }]));
      },
    });
    network = runFounded(founded);
    for (const index of founded.nodes.keys()) await leftQuarantine(network, index);
    for (const node of await network.nodes()) await signsAfter(node, 0, settled);
    world = { founded, network, onlooker: await onlookerOf(network) };
  });
  showLogsOfFailures(() => founded);
  afterAll(async () => {
    await network?.stop();
    await market?.stop();
    if (founded !== undefined) removeFounded(founded);
  });
  return () => {
    if (world === undefined) throw new Error("the network is not running yet");
    return world;
  };
}

/** Until a moment of a round at which the node has signed its header and everybody may have it; gives the round. */
export async function untilSigned({ store }: DevnetNode, roundMs: number): Promise<number> {
  const round = Math.floor(Date.now() / roundMs) + 1;
  await new Promise((resolve) => setTimeout(resolve, round * roundMs + SIGNED_BY_MS - Date.now()));
  const kinds = promisesIn(store).flatMap((promise) => (promise.round === round ? [promise.kind] : []));
  expect(kinds, `signed by ${SIGNED_BY_MS} ms of round ${round}`).toEqual(expect.arrayContaining(["observation", "round"]));
  return round;
}

/** Moves a dead node's store out of its way, log and all, and gives the records in it. */
export function takeAway({ store }: DevnetNode, to: string): readonly Promised[] {
  const folder = join(dirname(store), to);
  mkdirSync(folder);
  for (const file of readdirSync(dirname(store))) {
    if (file.startsWith(basename(store))) renameSync(join(dirname(store), file), join(folder, file));
  }
  return promisesIn(join(folder, basename(store)));
}
