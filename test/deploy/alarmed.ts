import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { createSimulatedChain } from "../../simulator/chain/chain.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { type RpcServer, startRpcServer } from "../../simulator/io/rpc-server.ts";
import { openWire, type Wire } from "../chaos/proxy.ts";
import type { ClockFile } from "../chaos/wrong-clock.ts";
import { pathOf } from "./files.ts";
import { scaledRules } from "./rules.ts";
import { type Edit, layTopology, type Ports, type Topology } from "./topology.ts";

/**
 * By how much the rules' times are shortened here: what waits ten minutes waits twenty seconds, nothing less than four. With samples every
 * second a range of the rules holds as many of them as in production, where they come every five.
 */
export const HASTE = { factor: 30, leastS: 4 };

export const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"] as const;
const FEEDS = ["BTC/USD", "ETH/USD", "SOL/USD"];
/** Nobody listens there. */
const NOWHERE = "127.0.0.1:9";
const LEASE_MS = 20_000;
/** The breaker's times at or near their floors. */
const THRESHOLDS = {
  ...{ quoteMs: 4_000, staleMs: 6_000, confirmMs: 6_000, clearMs: 3_000, probeMs: 3_000 },
  ...{ resetMs: 10_000, seasonMs: 1_000 },
};
const REQUESTS = 1_000_000;
const WRONG_CLOCK = pathToFileURL(pathOf("test", "chaos", "wrong-clock.ts"));

/** The Compose file's network under hastened rules, with everything at hand that breaks it. */
export type Alarmed = {
  readonly topology: Topology;
  readonly market: MarketServer;
  /** Every connection between two nodes passes through it. */
  readonly wire: Wire;
  readonly address: (node: number) => string;
  /** node2's own. */
  readonly setClock: (offsetMs: number) => void;
  readonly clockFlags: readonly string[];
  readonly stop: () => Promise<void>;
};

export async function layAlarmed(): Promise<Alarmed> {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-alarmed-"));
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const setClock = (offsetMs: number): void =>
    writeClock(join(folder, "clock.json"), { offsetMs, gainMsPerSecond: 0, setAt: Date.now() });
  setClock(0);
  const listings = new Map(VENUES.map((venue) => [venue, FEEDS]));
  const market = await startMarketServer({ seed: 1, listings, now: Date.now });
  const zero = "0x0000000000000000000000000000000000000001";
  const chain = createSimulatedChain({
    name: "ETHEREUM",
    blockMs: 1_000,
    contracts: { rate: zero, uptime: zero },
    startAt: Date.now(),
  });
  const chains = await startRpcServer({ chains: [chain], now: Date.now });
  const hook = await startRefusingHook();
  let wire: Wire | undefined;
  const topology = await layTopology(async (ports) => {
    wire = await openWire([0, 1, 2, 3].map((index) => ports[`node${index}`]?.[9000] ?? 0));
    return editFor({ ports, wire, market, chains, hook, folder });
  });
  if (wire === undefined) throw new Error("no wire was laid");
  stops.push(
    wire.close,
    () => hook.close(),
    () => chains.stop(),
    () => market.stop(),
    topology.stop,
  );
  const committee = (parse(readFileSync(join(topology.folder, "network.yaml"), "utf8")) as { committee: { address: string }[] })
    .committee;
  return {
    ...{ topology, market, wire, setClock },
    clockFlags: ["--import", `${WRONG_CLOCK}?file=${encodeURIComponent(join(folder, "clock.json"))}`],
    address: (node) => committee[node]?.address ?? "",
    stop: async () => {
      for (const stop of stops.reverse()) await stop();
    },
  };
}

/** In one step: a node must never read half of it. */
function writeClock(file: string, clock: ClockFile): void {
  writeFileSync(`${file}.new`, JSON.stringify(clock));
  renameSync(`${file}.new`, file);
}

/** A receiver that wants no alert: refused for good, so that a node gives it up at once. */
function startRefusingHook(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(403).end();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

type World = {
  readonly ports: Ports;
  readonly wire: Wire;
  readonly market: MarketServer;
  readonly chains: RpcServer;
  readonly hook: Server;
  readonly folder: string;
};

function editFor(world: World): Edit {
  return (service, path, text) => {
    if (path.endsWith("/rules/breakwater.yml")) return scaledRules(HASTE);
    if (path.endsWith("/prometheus.yml")) {
      return text.replaceAll(/^( +(?:scrape|evaluation)_(?:interval|timeout): )\d+s$/gm, (_, start: string) => `${start}1s`);
    }
    if (path.endsWith("/network.yaml")) return shortNetwork(text);
    if (path.endsWith("/node.yaml")) return nodeIn(world, Number(service.slice(-1)), text);
    if (!path.endsWith("/gateway.yaml")) return text;
    const config = parse(text) as { api: object };
    return stringify({ ...config, api: { ...config.api, requestsPerMinute: REQUESTS } });
  };
}

/** Three feeds of five venues each, whose times are short. */
function shortNetwork(text: string): string {
  const sources = (feed: string) => VENUES.map((venue) => ({ venue, market: feed, weight: 1 }));
  return stringify({
    ...(parse(text) as object),
    ...{ leaseMs: LEASE_MS, chains: [{ chain: "ETHEREUM", blockMs: 1_000 }], references: [], basket: [], thresholds: THRESHOLDS },
    feeds: FEEDS.map((feed) => ({ feed, preset: feed === "SOL/USD" ? "large" : "major", sources: sources(feed) })),
  });
}

/** On the simulated market and chain, its peers behind the wire; kraken's stream and one of the endpoints lead nowhere. */
function nodeIn({ ports, wire, market, chains, hook, folder }: World, index: number, text: string): string {
  const config = parse(text) as { api: object; peers: { address: string; multiaddr: string }[] };
  const portOf = (node: number) => ports[`node${node}`]?.[9000];
  const peers = config.peers.map(({ address, multiaddr }) => {
    const to = [0, 1, 2, 3].find((node) => multiaddr.endsWith(`/tcp/${portOf(node)}`)) ?? -1;
    return { address, multiaddr: `/ip4/127.0.0.1/tcp/${wire.port(index, to)}` };
  });
  const venues = Object.fromEntries(
    [...market.baseUrls].map(([venue, url]) => [
      venue,
      { url, requestsPerSecond: 50, ...(venue === "kraken" ? { stream: `ws://${NOWHERE}` } : {}) },
    ]),
  );
  const [one = "", two = ""] = chains.endpoints.ETHEREUM ?? [];
  const secretFile = join(folder, "hook.secret");
  writeFileSync(secretFile, "a secret that a receiver of alerts knows\n", { mode: 0o600 });
  const { port } = hook.address() as AddressInfo;
  return stringify({
    ...config,
    ...{ peers, venues, addressSharedBy: 1, rpc: { ETHEREUM: [one, two, `http://${NOWHERE}/`] } },
    api: { ...config.api, requestsPerMinute: REQUESTS },
    alerts: index === 0 ? [{ url: `http://127.0.0.1:${port}/`, secretFile }] : [],
  });
}
