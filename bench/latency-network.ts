import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChildren } from "../cli/devnet/children.ts";
import { writeDevnet } from "../cli/devnet/layout.ts";
import { startChild } from "./child.ts";

const NODES = 4;
const HOST = "127.0.0.1";
const MAIN = join(import.meta.dirname, "..", "cli", "main.ts");
/** Venues on this machine have no public budget. */
const REQUESTS_PER_SECOND = 200;
const SEARCHED_PORTS = { from: 21_000, to: 48_000 } as const;

export type BenchNetwork = { readonly apis: readonly string[]; readonly stop: () => Promise<void> };

/** The development network on free ports: four node processes that poll a simulated market in a fifth. */
export async function startNetwork(): Promise<BenchNetwork> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const market = startChild(new URL("./market.ts", import.meta.url));
    stops.push(market.stop);
    const baseUrls = (await market.ask({})) as Readonly<Record<string, string>>;
    const folder = await mkdtemp(join(tmpdir(), "breakwater-bench-"));
    stops.push(() => rm(folder, { recursive: true, force: true }));
    const layout = await writeDevnet({
      folder,
      nodes: NODES,
      apiPort: await findFreePorts(NODES),
      gatewayPort: await findFreePorts(1),
      p2pPort: await findFreePorts(NODES),
      venues: Object.fromEntries(
        Object.entries(baseUrls).map(([venue, url]) => [venue, { url, requestsPerSecond: REQUESTS_PER_SECOND }]),
      ),
      rpc: {},
      addressSharedBy: 1,
      logLevel: "warn",
    });
    const specs = layout.nodes.map(({ name, configFile, logFile }) => ({
      name,
      logFile,
      args: [MAIN, "node", "--config", configFile],
    }));
    const children = createChildren(specs, (name, how) => console.error(`${name} ended (${how})`));
    stops.push(children.stop);
    for (const { name } of specs) children.start(name);
    return { apis: layout.nodes.map(({ api }) => api), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The first of `count` ports in a row that nobody listens on; a different stretch at each call. */
export async function findFreePorts(count: number): Promise<number> {
  const { from, to } = SEARCHED_PORTS;
  for (let tries = 0; tries < 100; tries++) {
    const first = from + Math.floor(Math.random() * (to - from - count));
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
