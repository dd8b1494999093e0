import { createHash, randomBytes } from "node:crypto";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { openChain } from "../../cli/devnet/chain.ts";
import { type DevnetNode, writeDevnet } from "../../cli/devnet/layout.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { redisAcl } from "../../gateway/redis-acl.ts";
import { type Address, type Digest, isHex } from "../../protocol/bytes.ts";
import { startChild } from "../child.ts";
import { findFreePorts } from "../latency-network.ts";
import { createProcesses, type Processes, type Spec } from "./processes.ts";

const NODES = 4;
const GATEWAYS = ["gateway-a", "gateway-b"] as const;
const HOST = "127.0.0.1";
const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");
/** As the image, the units and `npm start` run it. */
const SMALL_NURSERY = "--max-semi-space-size=8";
/** Venues on this machine have no public budget; all readers have one address. */
const REQUESTS_PER_SECOND = 200;
const API_LIMITS = { requestsPerMinute: 1_000_000, streamsPerAddress: 10_000 };
/** Priced and served by both gateways, on a machine that may be busy. */
const START_MS = 180_000;
const STEP_MS = 500;

export type LoadNetwork = {
  readonly folder: string;
  readonly genesis: Digest;
  readonly nodes: readonly { readonly name: string; readonly api: string }[];
  readonly gateways: readonly { readonly name: string; readonly port: number; readonly api: string }[];
  /** Slugs; a loan's two legs first. */
  readonly feeds: readonly string[];
  readonly leaseMs: number;
  readonly processes: Processes;
  /** Every process by name, for the sampler. */
  readonly pids: () => readonly (readonly [name: string, pid: number | undefined])[];
  readonly stop: () => Promise<void>;
};

/**
 * The topology of docker-compose.yml as plain processes: four nodes that poll a simulated market and append to Redis, each under a user
 * of its own; two gateways with a store on disk that follow nothing but Redis and count requests there. Resolves when both serve every feed.
 */
export async function startLoadNetwork(folder: string): Promise<LoadNetwork> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const market = startChild(new URL("../market.ts", import.meta.url));
    stops.push(market.stop);
    const baseUrls = (await market.ask({})) as Readonly<Record<string, string>>;
    const chain = await openChain();
    stops.push(chain.stop);
    const redisPort = await findFreePorts(1);
    const gatewayPort = await findFreePorts(GATEWAYS.length);
    const layout = await writeDevnet({
      folder,
      nodes: NODES,
      gatewayPort,
      apiPort: await findFreePorts(NODES),
      p2pPort: await findFreePorts(NODES),
      venues: Object.fromEntries(
        Object.entries(baseUrls).map(([venue, url]) => [venue, { url, requestsPerSecond: REQUESTS_PER_SECOND }]),
      ),
      rpc: chain.endpoints,
      addressSharedBy: 1,
      logLevel: "info",
    });
    const { config, genesisConfigDigest } = readNetworkFile(layout.networkFile);
    const redis = await writeRedis(folder, { network: config.network, nodes: layout.nodes, port: redisPort });
    const gateways = await Promise.all(
      GATEWAYS.map((name, index) => writeGateway(folder, { name, port: gatewayPort + index, nodes: layout.nodes, redisPort })),
    );
    const run = (command: "node" | "gateway", item: { name: string; configFile: string; logFile: string }): Spec => ({
      ...{ name: item.name, logFile: item.logFile, command: process.execPath },
      args: [SMALL_NURSERY, MAIN, command, "--config", item.configFile],
    });
    const specs = [redis, ...layout.nodes.map((node) => run("node", node)), ...gateways.map((item) => run("gateway", item))];
    const processes = createProcesses(specs);
    stops.push(processes.stop);
    processes.start(redis.name);
    await redisAnswers(redisPort);
    for (const { name } of specs.slice(1)) processes.start(name);
    const feeds = slugsOf(config.feeds.map(({ feed }) => feed));
    await untilServed(gateways, feeds, processes);
    const names = specs.map(({ name }) => name);
    return {
      ...{ folder, genesis: genesisConfigDigest, nodes: layout.nodes, gateways, feeds, leaseMs: config.leaseMs, processes, stop },
      pids: () => names.map((name) => [name, processes.pid(name)] as const),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The users of DESIGN section 9: a node may append to its own streams, a gateway reads all and counts. Nothing is kept on disk. */
async function writeRedis(
  folder: string,
  { network, nodes, port }: { readonly network: string; readonly nodes: readonly DevnetNode[]; readonly port: number },
): Promise<Spec> {
  const home = join(folder, "redis");
  await mkdir(home, { recursive: true });
  const user = async (username: string) => {
    const password = randomBytes(24).toString("hex");
    await writeFile(join(home, `${username}.password`), `${password}\n`, { mode: 0o600 });
    return { username, passwordSha256: createHash("sha256").update(password).digest("hex") };
  };
  const acl = redisAcl({
    network,
    nodes: await Promise.all(nodes.map(async ({ name, address }) => ({ ...(await user(name)), address: addressOf(address) }))),
    gateways: await Promise.all(GATEWAYS.map(user)),
  });
  const aclFile = join(home, "users.acl");
  await writeFile(aclFile, acl);
  for (const { name, configFile } of nodes) {
    await appendFile(configFile, `\n${stringify({ redis: redisSettings(port, name) })}`);
  }
  const options = { port, bind: HOST, dir: home, save: "", appendonly: "no", aclfile: aclFile, "protected-mode": "no" };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  return { name: "redis", command: "redis-server", args, logFile: join(home, "redis.log") };
}

async function writeGateway(
  folder: string,
  item: { readonly name: string; readonly port: number; readonly nodes: readonly DevnetNode[]; readonly redisPort: number },
) {
  const { name, port, nodes, redisPort } = item;
  const home = join(folder, name);
  await mkdir(home, { recursive: true });
  const configFile = join(home, "gateway.yaml");
  const content = {
    network: "../network.yaml",
    api: { host: HOST, port, ...API_LIMITS },
    follow: { redis: redisSettings(redisPort, name) },
    forward: nodes.map(({ api }) => api),
    storage: { path: "store.sqlite" },
    limits: { redis: true },
  };
  await writeFile(configFile, stringify(content));
  return { name, port, api: `http://${HOST}:${port}`, configFile, logFile: join(home, "gateway.log") };
}

/** Paths are relative to the folder of a node or gateway. */
function redisSettings(port: number, username: string) {
  return { url: `redis://${HOST}:${port}`, username, passwordFile: `../redis/${username}.password` };
}

/** The default user is off, so its refusal is as good a sign as an answer. */
export async function redisAnswers(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: HOST, port });
      socket.once("connect", () => void socket.write("PING\r\n"));
      socket.once("data", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("data", () => socket.destroy());
    });
    if (answer) return;
    await sleep(100);
  }
  throw new Error(`redis-server does not answer on port ${port}`);
}

async function untilServed(
  gateways: readonly { readonly api: string; readonly logFile: string }[],
  feeds: readonly string[],
  { deaths }: Processes,
): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (const { api, logFile } of gateways) {
    for (;;) {
      const response = await fetch(`${api}/v1/bundle?feeds=${feeds.join(",")}`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.status === 200) break;
      if (deaths().length > 0) throw new Error(`while the network started: ${deaths().join(", ")}`);
      if (Date.now() > deadline)
        throw new Error(`${api} does not serve every feed: ${response?.status ?? "no answer"}; see ${logFile}`);
      await sleep(STEP_MS);
    }
  }
}

function slugsOf(feeds: readonly string[]): readonly string[] {
  const legs = ["ETH/USD", "BTC/USD"].filter((feed) => feeds.includes(feed));
  return [...legs, ...feeds.filter((feed) => !legs.includes(feed))].map((feed) => feed.replace("/", "-"));
}

function addressOf(text: string): Address {
  if (!isHex(text, 20)) throw new Error(`${text}: expected an address`);
  return text;
}
