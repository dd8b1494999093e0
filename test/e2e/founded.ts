import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { stringify } from "yaml";
import { createChildren } from "../../cli/devnet/children.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import { MAIN } from "../cli/session.ts";
import { testKeys } from "../support/network.ts";
import { request } from "./devnet.ts";
import type { Running } from "./nodes.ts";
import { freePorts } from "./ports.ts";

/** Plain values as YAML writes them; a test edits its own copy. */
export type Plain = Record<string, unknown>;

/** Of a node's log, what shows why a test failed. */
const SHOWN_LINES = 20;
/** Any scrypt cost opens; this one is quick. */
const QUICK_SCRYPT_N = 16;
export const PASSWORD = "of a test";

export type FoundedNode = {
  readonly name: string;
  readonly address: string;
  readonly api: string;
  readonly apiPort: number;
  readonly p2pPort: number;
  readonly folder: string;
  readonly configFile: string;
  readonly keyFile: string;
  readonly store: string;
  readonly logFile: string;
};

export type Founded = { readonly folder: string; readonly networkFile: string; readonly nodes: readonly FoundedNode[] };

export type Edits = {
  /** Over a `network.yaml` with the four test keys as its committee. */
  readonly network?: (network: Plain & { committee: Plain[]; feeds: FeedPlain[] }) => void;
  /** Over every `node.yaml`. */
  readonly node?: (node: Plain & { api: Plain; key: Plain; storage: Plain; venues: Plain }, index: number) => void;
};
export type SourcePlain = { venue: string; market: string; weight: number; convert?: Plain[] };
export type FeedPlain = { feed: string; preset: string; thresholds?: Plain; sources: SourcePlain[] };

/** Writes a network of four as its operators would have it: one genesis, a folder a node with key, password and config. */
export async function found(feeds: readonly FeedPlain[], edits: Edits = {}): Promise<Founded> {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-e2e-"));
  const keys = testKeys(4);
  const ports = await freePorts();
  const committee = keys.map(({ address }, index) => ({ name: `node${index}`, address }));
  const network = {
    ...{ network: "founded", rules: 1, leaseMs: 15_000, chains: [{ chain: "DEVCHAIN", blockMs: 1_000 }] },
    ...{ committee, feeds: structuredClone([...feeds]) },
  };
  edits.network?.(network as Parameters<NonNullable<Edits["network"]>>[0]);
  const networkFile = join(folder, "network.yaml");
  writeFileSync(networkFile, stringify(network));

  const multiaddr = (index: number) => `/ip4/127.0.0.1/tcp/${ports.p2p + index}`;
  const peers = keys.map(({ address }, index) => ({ address, multiaddr: multiaddr(index) }));
  const nodes = keys.map(async ({ address, privateKey }, index) => {
    const [apiPort, p2pPort] = [ports.api + index, ports.p2p + index];
    const home = join(folder, `node${index}`);
    const keyFile = join(home, "key.json");
    await mkdir(home);
    await createKeyFile(keyFile, PASSWORD, { n: QUICK_SCRYPT_N, privateKey });
    await writeFile(join(home, "password"), `${PASSWORD}\n`, { mode: 0o600 });
    const config = {
      ...{ network: "../network.yaml", key: { file: "key.json", passwordFile: "password" } },
      ...{ listen: [multiaddr(index)], peers: peers.filter((peer) => peer.address !== address) },
      ...{ api: { host: "127.0.0.1", port: apiPort }, storage: { path: "store.sqlite" }, venues: {}, logLevel: "info" },
    };
    edits.node?.(config, index);
    const configFile = join(home, "node.yaml");
    await writeFile(configFile, stringify(config));
    const [store, logFile] = [join(home, "store.sqlite"), join(home, "node.log")];
    return {
      ...{ name: `node${index}`, address, api: `http://127.0.0.1:${apiPort}`, apiPort, p2pPort },
      ...{ folder: home, configFile, keyFile, store, logFile },
    };
  });
  return { folder, networkFile, nodes: await Promise.all(nodes) };
}

export function removeFounded({ folder }: Founded): void {
  rmSync(folder, { recursive: true, force: true });
}

/** After each test that failed, the end of every node's log. */
export function showLogsOfFailures(founded: () => Founded | undefined): void {
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const { logFile } of founded()?.nodes ?? []) {
      console.error(readFileSync(logFile, "utf8").split("\n").slice(-SHOWN_LINES).join("\n"));
    }
  });
}

/** Starts a process a node; the same few things can be asked of it as of a development network. */
export function runFounded({ nodes }: Founded): Running & { readonly stop: () => Promise<void> } {
  const specs = nodes.map(({ name, configFile, logFile }) => ({ name, logFile, args: [MAIN, "node", "--config", configFile] }));
  const children = createChildren(specs, () => undefined);
  for (const { name } of specs) children.start(name);
  return {
    nodes: async () => nodes.map(({ logFile, ...node }) => ({ ...node, log: logFile, pid: children.pid(node.name) ?? null })),
    get: async <T>(path: string) => (await request(`${nodes[0]?.api}${path}`)).json as T,
    post: async <T>(path: string) => {
      const [, name = ""] = /^\/nodes\/(\w+)\/start$/.exec(path) ?? [];
      if (!children.start(name)) throw new Error(`${path}: not a dead node`);
      return undefined as T;
    },
    stop: children.stop,
  };
}
