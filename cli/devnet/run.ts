import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OperationalError } from "../../node/io/operational-error.ts";
import { openChain } from "./chain.ts";
import { type Children, createChildren } from "./children.ts";
import { startControl } from "./control.ts";
import { type DevnetLayout, type DevnetNode, writeDevnet } from "./layout.ts";
import { type Market, type MarketMode, openMarket } from "./market.ts";
import { welcome } from "./welcome.ts";

const NODES = 4;
/** How long the nodes may take until their APIs answer, and how often they are asked. */
const START_MS = 45_000;
const PROBE_MS = 200;
const HOST = "127.0.0.1";
const MAIN = join(import.meta.dirname, "..", import.meta.filename.endsWith(".ts") ? "main.ts" : "main.js");

/** V8 would let the young generation grow to 128 MB; a node's short-lived objects need no more than this. */
const SMALL_NURSERY = "--max-semi-space-size=8";

/** What lets this process be stopped from outside. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * A whole network on this machine, until a signal: market, four node processes, a replica that follows them, and the control API. Every
 * child is ended before this returns; should this process be killed, the children end themselves.
 *
 * @throws OperationalError when a port is taken or the live market cannot be reached; nothing is left running then
 */
export async function runDevnet(options: {
  readonly market: MarketMode;
  readonly venue: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly streams: boolean;
  readonly port: number;
  readonly controlPort: number;
  readonly p2pPort: number;
  readonly dir?: string;
}): Promise<void> {
  const apiPort = options.port + 1;
  const ports = [options.port, options.controlPort];
  for (let index = 0; index < NODES; index++) ports.push(apiPort + index, options.p2pPort + index);
  for (const port of ports) await requireFree(port);

  const stops: (() => Promise<unknown> | undefined)[] = [];
  const ended = untilSignal();
  try {
    const market = await openMarket({
      mode: options.market,
      seed: options.seed,
      overrides: options.venue,
      streams: options.streams,
    });
    stops.push(() => market.server?.stop());
    const chain = market.kind === "simulated" ? await openChain() : undefined;
    stops.push(() => chain?.stop());
    const folder = await prepareFolder(options.dir);
    if (options.dir === undefined) stops.push(() => rm(folder, { recursive: true, force: true }));
    const layout = await writeDevnet({
      folder,
      nodes: NODES,
      gatewayPort: options.port,
      apiPort,
      p2pPort: options.p2pPort,
      venues: market.venues,
      rpc: chain?.endpoints ?? {},
      addressSharedBy: market.kind === "live" ? NODES : 1,
      logLevel: "info",
    });
    let stopping = false;
    void ended.then(() => {
      stopping = true;
    });
    const children = startChildren(layout, () => stopping);
    stops.push(children.stop);
    const world = { world: market.server, chains: chain };
    const control = await startControl({
      port: options.controlPort,
      nodes: layout.nodes,
      gateways: [layout.gateway],
      children,
      ...world,
    });
    stops.push(control.close);
    await Promise.race([untilAllAnswer([...layout.nodes, layout.gateway], children), ended]);
    if (!stopping) console.log(await announce(options, market, layout, folder, children));
    await ended;
    console.log("\nstopping …");
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** A network that starts with fewer nodes than it says is a mistake to find now, not in a log later. */
async function untilAllAnswer(
  processes: readonly Pick<DevnetNode, "name" | "api" | "logFile">[],
  children: Children,
): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (const { name, api, logFile } of processes) {
    while (!(await isLive(api))) {
      const dead = children.pid(name) === undefined;
      if (dead || Date.now() > deadline) {
        const lines = (await readFile(logFile, "utf8").catch(() => "")).trim().split("\n");
        const how = dead ? "ended while it started" : `does not answer on ${api}`;
        throw new OperationalError(`${name} ${how}: ${lines.at(-1) ?? ""}`, { code: "node-not-started" });
      }
      await sleep(PROBE_MS);
    }
  }
}

async function isLive(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/health/live`, { signal: AbortSignal.timeout(PROBE_MS * 5) })).ok;
  } catch {
    return false;
  }
}

/** A terminal's Ctrl-C reaches the children as well: their ends are news only while nobody has asked for them. */
function startChildren(layout: DevnetLayout, stopping: () => boolean): Children {
  const spec = (command: "node" | "gateway") => (child: Pick<DevnetNode, "name" | "configFile" | "logFile">) => ({
    name: child.name,
    logFile: child.logFile,
    args: [SMALL_NURSERY, MAIN, command, "--config", child.configFile],
  });
  const specs = [...layout.nodes.map(spec("node")), spec("gateway")(layout.gateway)];
  const children = createChildren(specs, (name, how) => {
    if (!stopping()) console.log(`${name} ended (${how}); see its log`);
  });
  for (const { name } of specs) children.start(name);
  return children;
}

async function announce(
  { port, controlPort }: { readonly port: number; readonly controlPort: number },
  market: Market,
  layout: DevnetLayout,
  folder: string,
  children: Children,
): Promise<string> {
  return welcome({
    api: `http://localhost:${port}`,
    control: `http://localhost:${controlPort}`,
    market: market.note,
    simulated: market.kind === "simulated",
    folder,
    nodes: layout.nodes.map((node) => ({ name: node.name, pid: children.pid(node.name), address: node.address, api: node.api })),
  });
}

async function prepareFolder(dir: string | undefined): Promise<string> {
  if (dir === undefined) return mkdtemp(join(tmpdir(), "breakwater-devnet-"));
  await mkdir(resolve(dir), { recursive: true });
  return resolve(dir);
}

/** Found out before anything starts, so that a taken port is one line and not a half-started network. */
function requireFree(port: number): Promise<void> {
  return new Promise((done, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be used (${error.message})`;
      reject(
        new OperationalError(
          `port ${port} ${why}: end what listens there, or choose others with --port, --control-port, --p2p-port`,
          { code: "port" },
        ),
      );
    });
    probe.listen(port, HOST, () => probe.close(() => done()));
  });
}

function untilSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of SIGNALS) process.once(signal, () => done());
  });
}
