import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { type Children, createChildren } from "../../cli/devnet/children.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import type { Address } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { MAIN } from "../cli/session.ts";
import { type DevnetNode, request } from "../e2e/devnet.ts";
import type { Running } from "../e2e/nodes.ts";
import { freePorts } from "../e2e/ports.ts";
import { testKeys } from "../support/network.ts";
import { openWire, type Wire } from "./proxy.ts";
import type { ClockFile } from "./wrong-clock.ts";

/** Any scrypt cost opens; this one is quick. */
const QUICK_SCRYPT_N = 16;
const PASSWORD = "of a test";
const LOG_TAIL = 25;
const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];
const WRONG_CLOCK = pathToFileURL(join(import.meta.dirname, "wrong-clock.ts"));
/** As a development network's nodes run: four or seven share one machine. */
const SMALL_NURSERY = "--max-semi-space-size=8";

/** Few feeds: what is tried here is the network, and seven processes share two cores. */
export const FEEDS = ["BTC/USD", "ETH/USD", "SOL/USD"] as const;
export const LEASE_MS = 8_000;
/** The breaker's times at or near their floors, so that an outage is over within a test. */
const THRESHOLDS = {
  ...{ quoteMs: 4_000, staleMs: 6_000, confirmMs: 6_000, clearMs: 3_000, probeMs: 3_000 },
  ...{ resetMs: 10_000, seasonMs: 1_000 },
};

export type ChaosNode = Omit<DevnetNode, "address"> & {
  readonly address: Address;
  readonly index: number;
  readonly folder: string;
  readonly configFile: string;
};

/** A founded network of real processes, with every handle by which a test breaks it. */
export type ChaosNetwork = Running & {
  readonly networkFile: string;
  readonly network: Network;
  readonly market: MarketServer;
  readonly wire: Wire | undefined;
  readonly node: (index: number) => ChaosNode;
  readonly indices: readonly number[];
  readonly start: (index: number) => void;
  /** SIGKILL, and until the process is gone. */
  readonly kill: (index: number) => Promise<void>;
  /** SIGTERM, and until the process is gone: a store that is closed as it should be. */
  readonly end: (index: number) => Promise<void>;
  /** Until a process that ends by itself has ended: `exit code 1`, `SIGSEGV` … */
  readonly ended: (index: number, withinMs: number) => Promise<string>;
  readonly setClock: (index: number, clock: Partial<Omit<ClockFile, "setAt">>) => void;
  /** The ends of the nodes' logs, for a person who reads a failure. */
  readonly explain: () => string;
  readonly stop: () => Promise<void>;
};

export type ChaosOptions = {
  readonly nodes: number;
  readonly roundMs?: number;
  /** Every connection between nodes goes through a proxy of the test. */
  readonly proxied?: boolean;
  /** Every node's clock can be set. */
  readonly clocks?: boolean;
};

/** Founds a network as its operators would, starts a process a node, and waits for none of them. */
export async function startNetwork({ nodes, roundMs = 1_000, ...options }: ChaosOptions): Promise<ChaosNetwork> {
  const stops: (() => unknown)[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-chaos-"));
    stops.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
    const listings = new Map(VENUES.map((venue) => [venue, [...FEEDS]]));
    const market = await startMarketServer({ seed: 1, listings, now: Date.now });
    stops.push(() => market.stop());
    const block = await freePorts();
    const ports = { api: block.api, p2p: block.api + nodes };
    const wire = options.proxied ? await openWire(Array.from({ length: nodes }, (_, index) => ports.p2p + index)) : undefined;
    stops.push(() => wire?.close());
    const founded = await foundNetwork({ folder, nodes, roundMs, ports, market, wire });
    return runNetwork({ ...founded, market, wire, clocks: options.clocks === true, stops });
  } catch (error) {
    for (const stop of stops.reverse()) await stop();
    throw error;
  }
}

type Plan = {
  readonly folder: string;
  readonly nodes: number;
  readonly roundMs: number;
  readonly ports: { readonly api: number; readonly p2p: number };
  readonly market: MarketServer;
  readonly wire: Wire | undefined;
};
type Founded = { readonly networkFile: string; readonly nodes: readonly Omit<ChaosNode, "pid">[] };

/** One genesis; a folder a node with key, password and config. A node's peers stand in its config at the proxies, if there are any. */
async function foundNetwork({ folder, nodes, roundMs, ports, market, wire }: Plan): Promise<Founded> {
  const keys = testKeys(nodes);
  const networkFile = join(folder, "network.yaml");
  const sources = (market: string) => VENUES.map((venue) => ({ venue, market, weight: 1 }));
  const genesis = {
    ...{ network: "chaos", rules: 1, roundMs, leaseMs: LEASE_MS, thresholds: THRESHOLDS },
    committee: keys.map(({ address }, index) => ({ name: `node${index}`, address })),
    feeds: FEEDS.map((feed) => ({ feed, preset: feed === "SOL/USD" ? "large" : "major", sources: sources(feed) })),
  };
  writeFileSync(networkFile, stringify(genesis));
  const venues = Object.fromEntries([...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: 50 }]));
  const multiaddr = (port: number) => `/ip4/127.0.0.1/tcp/${port}`;
  const founding = keys.map(async ({ address, privateKey }, index) => {
    const home = join(folder, `node${index}`);
    mkdirSync(join(home, "data"), { recursive: true });
    await createKeyFile(join(home, "key.json"), PASSWORD, { n: QUICK_SCRYPT_N, privateKey });
    writeFileSync(join(home, "password"), `${PASSWORD}\n`, { mode: 0o600 });
    const peers = keys.flatMap((peer, to) =>
      to === index ? [] : { address: peer.address, multiaddr: multiaddr(wire?.port(index, to) ?? ports.p2p + to) },
    );
    const api = { host: "127.0.0.1", port: ports.api + index, requestsPerMinute: 1_000_000 };
    const config = {
      ...{ network: "../network.yaml", key: { file: "key.json", passwordFile: "password" } },
      ...{ listen: [multiaddr(ports.p2p + index)], peers, api, storage: { path: "data/store.sqlite" }, venues, logLevel: "info" },
    };
    const configFile = join(home, "node.yaml");
    writeFileSync(configFile, stringify(config));
    const files = { folder: home, configFile, store: join(home, "data", "store.sqlite"), log: join(home, "node.log") };
    return { index, name: `node${index}`, address, api: `http://127.0.0.1:${api.port}`, ...files };
  });
  return { networkFile, nodes: await Promise.all(founding) };
}

type Parts = Founded & {
  readonly market: MarketServer;
  readonly wire: Wire | undefined;
  readonly clocks: boolean;
  readonly stops: (() => unknown)[];
};

function runNetwork({ networkFile, nodes, market, wire, clocks, stops }: Parts): ChaosNetwork {
  const ends = new Map<string, string>();
  const clockFile = (home: string) => join(home, "clock.json");
  const setClock: ChaosNetwork["setClock"] = (index, { offsetMs = 0, gainMsPerSecond = 0 }) => {
    const { folder } = at(nodes, index);
    const clock: ClockFile = { offsetMs, gainMsPerSecond, setAt: Date.now() };
    // In one step: the node must never read half of it.
    writeFileSync(`${clockFile(folder)}.new`, JSON.stringify(clock));
    renameSync(`${clockFile(folder)}.new`, clockFile(folder));
  };
  const specs = nodes.map(({ index, name, folder, configFile, log: logFile }) => {
    if (clocks) setClock(index, {});
    const clock = clocks ? ["--import", `${WRONG_CLOCK}?file=${encodeURIComponent(clockFile(folder))}`] : [];
    return { name, logFile, args: [SMALL_NURSERY, ...clock, MAIN, "node", "--config", configFile] };
  });
  const children = createChildren(specs, (name, how) => void ends.set(name, how));
  const node = (index: number): ChaosNode => {
    const founded = at(nodes, index);
    return { ...founded, pid: children.pid(founded.name) ?? null };
  };
  const reap = reaper(nodes, children);
  const { start, signal, ended } = processes(node, children, ends);
  for (const { index } of nodes) start(index);
  return {
    ...{ networkFile, network: readNetworkFile(networkFile), market, wire, node, start, ended, setClock },
    indices: nodes.map(({ index }) => index),
    nodes: async () => nodes.map(({ index }) => node(index)),
    get: async <T>(path: string) => (await request(`${at(nodes, 0).api}${path}`)).json as T,
    post: async <T>(path: string) => {
      const [, index] = /^\/nodes\/node(\d+)\/start$/.exec(path) ?? [];
      start(Number(index));
      return undefined as T;
    },
    kill: (index) => signal(index, "SIGKILL"),
    end: (index) => signal(index, "SIGTERM"),
    explain: () => nodes.map(({ log }) => tailOf(log)).join("\n"),
    stop: async () => {
      // A stopped process would not hear that it is to end.
      for (const { index } of nodes) resume(node(index).pid);
      await children.stop();
      process.off("exit", reap);
      for (const stop of stops.reverse()) await stop();
    },
  };
}

function processes(node: (index: number) => ChaosNode, children: Children, ends: Map<string, string>) {
  const ended: ChaosNetwork["ended"] = async (index, withinMs) => {
    const { name } = node(index);
    const deadline = Date.now() + withinMs;
    while (node(index).pid !== null) {
      if (Date.now() > deadline) throw new Error(`${name} did not end within ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return ends.get(name) ?? "";
  };
  return {
    ended,
    start: (index: number): void => {
      if (!children.start(node(index).name)) throw new Error(`node${index} runs already`);
    },
    signal: async (index: number, name: "SIGKILL" | "SIGTERM"): Promise<void> => {
      const { pid } = node(index);
      if (pid === null) throw new Error(`node${index} is dead already`);
      process.kill(pid, name);
      await ended(index, 10_000);
    },
  };
}

/** Nodes end themselves with their parent, but one that is stopped cannot: none may outlive this process. */
function reaper(nodes: Founded["nodes"], children: Children): () => void {
  const reap = (): void => {
    for (const { name } of nodes) {
      const pid = children.pid(name);
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  };
  process.once("exit", reap);
  return reap;
}

function resume(pid: number | null): void {
  if (pid !== null) process.kill(pid, "SIGCONT");
}

function at(nodes: Founded["nodes"], index: number): Omit<ChaosNode, "pid"> {
  const node = nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
}

function tailOf(file: string): string {
  const text = readFileSync(file, "utf8");
  return `--- ${file}\n${text.trimEnd().split("\n").slice(-LOG_TAIL).join("\n")}`;
}
