import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { createKeyFile } from "../../node/io/keys.ts";
import { MAIN } from "../cli/session.ts";
import { testKey } from "../support/network.ts";
import { type Edits, type FeedPlain, type Founded, type FoundedNode, found, PASSWORD, removeFounded } from "./founded.ts";

/** Starting, reading and refusing takes about a second of one core; a process that is still there after this hangs. */
const HANGS_MS = 30_000;

const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];
const FEEDS: readonly FeedPlain[] = [
  { feed: "BTC/USD", preset: "major", sources: VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 })) },
  { feed: "USDT/USD", preset: "stable", sources: VENUES.map((venue) => ({ venue, market: "USDT/USD", weight: 1 })) },
];

type Case = Edits & {
  readonly fault: string;
  /** What the one line must name. */
  readonly names: RegExp;
  /** Makes the world as bad as the case says; gives back how to make it good again. */
  readonly arrange?: (node: FoundedNode) => Promise<() => void> | (() => void);
};

const [BTC, USDT] = [0, 1] as const;

const CASES: readonly Case[] = [
  {
    fault: "a missing key of network.yaml",
    network: (network) => void Reflect.deleteProperty(network, "committee"),
    names: /network\.yaml: committee: /,
  },
  {
    fault: "a missing key of node.yaml",
    node: (node) => void Reflect.deleteProperty(node, "storage"),
    names: /node\.yaml: storage: /,
  },
  {
    fault: "a negative threshold",
    network: ({ feeds }) => void Object.assign(feeds[BTC] ?? {}, { thresholds: { jumpBps: -300 } }),
    names: /feeds\[0\]\.thresholds\.jumpBps: expected a whole number from 10 to 10000/,
  },
  {
    fault: "a zero threshold",
    network: ({ feeds }) => void Object.assign(feeds[BTC] ?? {}, { thresholds: { quoteMs: 0 } }),
    names: /feeds\[0\]\.thresholds\.quoteMs: expected a whole number from 1500 to 600000/,
  },
  {
    fault: "a duplicate address",
    network: ({ committee }) => void Object.assign(committee[1] ?? {}, { address: committee[0]?.address }),
    names: /committee: expected every address once, found "0x[0-9a-f]{40}" twice/,
  },
  {
    fault: "three members",
    network: ({ committee }) => void committee.splice(3),
    names: /committee: expected at least 4 members, found 3/,
  },
  { fault: "a key f", network: (network) => void Object.assign(network, { f: 1 }), names: /network\.yaml: .*\bf\b/ },
  {
    fault: "a conversion cycle",
    network: ({ feeds }) => {
      convert(feeds[BTC], { market: "BTC/USDT", convert: [{ multiply: "USDT/USD" }] });
      convert(feeds[USDT], { market: "USDT/BTC", convert: [{ multiply: "BTC/USD" }] });
    },
    names: /cycle/,
  },
  {
    fault: "a path that does not compose",
    network: ({ feeds }) => convert(feeds[BTC], { market: "BTC/USDT", convert: [{ divide: "USDT/USD" }] }),
    names: /feeds\[BTC\/USD\]\.sources\[0\]/,
  },
  {
    fault: "an unknown venue in network.yaml",
    network: ({ feeds }) => void Object.assign(feeds[BTC]?.sources[0] ?? {}, { venue: "mtgox" }),
    names: /network\.yaml: feeds\[BTC\/USD\]\.sources: .*"mtgox"/,
  },
  {
    fault: "an unknown venue in node.yaml",
    node: ({ venues }) => void Object.assign(venues, { mtgox: { url: "http://127.0.0.1:9" } }),
    names: /node\.yaml: venues\.mtgox: /,
  },
  {
    fault: "a network.yaml that is not there",
    node: (node) => void Object.assign(node, { network: "../elsewhere.yaml" }),
    names: /elsewhere\.yaml: cannot read the file/,
  },
  {
    fault: "a wrong password",
    arrange: ({ folder }) => {
      writeFileSync(`${folder}/password`, "another\n");
      return () => undefined;
    },
    names: /key\.json: wrong password/,
  },
  {
    fault: "no password",
    node: ({ key }) => void Reflect.deleteProperty(key, "passwordFile"),
    names: /BREAKWATER_PASSWORD/,
  },
  {
    fault: "a key that is not in the committee",
    arrange: async ({ keyFile }) => {
      rmSync(keyFile);
      await createKeyFile(keyFile, PASSWORD, { n: 16, privateKey: testKey(9).privateKey });
      return () => undefined;
    },
    names: new RegExp(`key\\.json: .*${testKey(9).address} is not in the committee`),
  },
  {
    fault: "a store that is no SQLite file",
    arrange: ({ store }) => {
      writeFileSync(store, "not a database, and longer than a header of one would be ".repeat(20));
      return () => undefined;
    },
    names: /store\.sqlite: .*no SQLite file/,
  },
  {
    fault: "a store that is a folder",
    arrange: ({ store }) => {
      mkdirSync(store);
      return () => undefined;
    },
    names: /store\.sqlite: .*cannot be opened/,
  },
  {
    fault: "a store that another process holds",
    arrange: ({ store }) => {
      const holder = new DatabaseSync(`${store}.lock`);
      holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
      return () => holder.close();
    },
    names: /store\.sqlite: .*another process holds the store/,
  },
  { fault: "the API's port taken", arrange: ({ apiPort }) => occupy(apiPort), names: /port %api on 127\.0\.0\.1 is taken/ },
  {
    fault: "the peers' port taken",
    arrange: ({ p2pPort }) => occupy(p2pPort),
    names: /cannot listen on \/ip4\/127\.0\.0\.1\/tcp\/%p2p: the port is taken/,
  },
];

let founded: Founded | undefined;
afterEach(() => {
  if (founded !== undefined) removeFounded(founded);
  founded = undefined;
});

describe("a node that cannot run says why in one line, ends with 1, and leaves nothing behind", () => {
  it.each(CASES)("$fault", async ({ names, arrange, ...edits }) => {
    founded = await found(FEEDS, edits);
    const [node] = founded.nodes;
    if (node === undefined) throw new Error("no node was founded");
    const restore = await arrange?.(node);
    try {
      const { code, stderr, group } = await runNode(node);
      expect(stderr).toMatch(/^breakwater: [^\n]+\n$/);
      expect(stderr).toMatch(withPorts(names, node));
      expect(code, "exit code").toBe(1);
      expect(isAlive(group), "a process of it is left").toBe(false);
    } finally {
      restore?.();
    }
    for (const port of [node.apiPort, node.p2pPort]) expect(await answers(port), `something listens on ${port}`).toBe(false);
  });

  it("and the same node without a fault runs, so that none of these refusals is an accident", async () => {
    founded = await found(FEEDS);
    const [node] = founded.nodes;
    if (node === undefined) throw new Error("no node was founded");
    const child = spawn(process.execPath, [MAIN, "node", "--config", node.configFile], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
    try {
      await expect.poll(() => answers(node.apiPort), { timeout: HANGS_MS, interval: 100 }).toBe(true);
      expect(await answers(node.p2pPort)).toBe(true);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
  });
});

/** Gives the feed's first source another market and path. */
function convert(feed: FeedPlain | undefined, change: { market: string; convert: Record<string, string>[] }): void {
  Object.assign(feed?.sources[0] ?? {}, change);
}

function withPorts(names: RegExp, { apiPort, p2pPort }: FoundedNode): RegExp {
  return new RegExp(names.source.replace("%api", String(apiPort)).replace("%p2p", String(p2pPort)));
}

async function occupy(port: number): Promise<() => void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return () => void server.close();
}

type Ended = { readonly code: number | string; readonly stderr: string; readonly group: number };

/** In a process group of its own, so that whatever it might leave behind is found. */
function runNode({ configFile }: FoundedNode): Promise<Ended> {
  const { BREAKWATER_PASSWORD: _, ...env } = process.env;
  const child = spawn(process.execPath, [MAIN, "node", "--config", configFile], {
    ...{ detached: true, env, stdio: ["ignore", "ignore", "pipe"] },
  });
  const group = child.pid ?? 0;
  const timer = setTimeout(() => process.kill(-group, "SIGKILL"), HANGS_MS);
  const stderr: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: signal ?? code ?? -1, stderr: stderr.join(""), group });
    });
  });
}

function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
