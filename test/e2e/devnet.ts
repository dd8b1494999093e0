import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type DevnetPorts, freePorts } from "./ports.ts";
import { openStream, type RoundStream } from "./stream.ts";

export const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");

/** Generous: the machine may be busy with other things. */
const ANNOUNCED_MS = 60_000;
const CLOSED_MS = 120_000;
const STOP_MS = 20_000;
const LOG_TAIL = 40;

export type DevnetNode = {
  readonly name: string;
  readonly pid: number | null;
  readonly address: string;
  readonly api: string;
  readonly store: string;
  readonly log: string;
};

export type Reply = { readonly status: number; readonly headers: Headers; readonly text: string; readonly json: unknown };

export type Devnet = {
  /** Base URL of the network's API, and of the control API. */
  readonly api: string;
  readonly control: string;
  readonly ports: DevnetPorts;
  readonly folder: string;
  /** The devnet process itself. */
  readonly process: ChildProcess;
  /** What it printed so far, and its exit once it ended. */
  readonly output: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly nodes: () => Promise<readonly DevnetNode[]>;
  /** `GET` of the network's API; fails unless it answers 200. */
  readonly get: <T>(path: string) => Promise<T>;
  /** `POST` or `DELETE` of the control API; fails unless it answers 2xx. */
  readonly post: <T>(path: string, body?: unknown) => Promise<T>;
  readonly remove: <T>(path: string) => Promise<T>;
  readonly stream: (feeds: readonly string[], base?: string) => RoundStream;
  /** All configured feeds, e.g. `ETH/USD`. */
  readonly feeds: () => Promise<readonly string[]>;
  /** The ends of the nodes' logs and of the output, for a person who reads a failure. */
  readonly explain: () => Promise<string>;
  /** Ends everything; what does not end by itself is killed. */
  readonly stop: () => Promise<void>;
};

export type DevnetOptions = {
  readonly ports?: DevnetPorts;
  readonly args?: readonly string[];
  /** Kept by the caller; without it a temporary folder that `stop` removes. */
  readonly dir?: string;
  /** What to wait for: every feed closed, or only that the network says that it runs. */
  readonly until?: "closed" | "announced";
  /** In a process group of its own, so that a signal can go to all of it as a terminal's Ctrl-C does. */
  readonly group?: boolean;
};

/** The real program in processes of its own: four nodes, the market, the gateway and control, on free ports. */
export async function startDevnet({
  ports: chosen,
  args = [],
  dir,
  until = "closed",
  group = false,
}: DevnetOptions = {}): Promise<Devnet> {
  const ports = chosen ?? (await freePorts());
  const folder = dir ?? (await mkdtemp(join(tmpdir(), "breakwater-e2e-")));
  const flags = ["--port", ports.api, "--control-port", ports.control, "--p2p-port", ports.p2p, "--dir", folder].map(String);
  const child = spawn(process.execPath, [MAIN, "devnet", "--market", "simulated", ...flags, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: group,
  });
  const devnet = describeDevnet({ child, ports, folder, temporary: dir === undefined });
  try {
    await within(ANNOUNCED_MS, "the network's greeting", async () => {
      if (child.exitCode !== null) throw new Error(`the network ended with exit code ${child.exitCode}`);
      return devnet.output().includes("Ctrl-C");
    });
    if (until === "closed") await allClosed(devnet);
    if (/^node\d ended/m.test(devnet.output())) throw new Error("a node ended while the network started");
    return devnet;
  } catch (error) {
    console.error(await devnet.explain());
    await devnet.stop();
    throw error;
  }
}

/** One network for a whole file: started before its tests, explained after each that failed, stopped after all. */
export function useDevnet(options: DevnetOptions = {}): () => Devnet {
  let devnet: Devnet | undefined;
  beforeAll(async () => {
    devnet = await startDevnet(options);
  }, ANNOUNCED_MS + CLOSED_MS);
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.error(await devnet?.explain());
  });
  afterAll(() => devnet?.stop(), 2 * STOP_MS);
  return () => {
    if (devnet === undefined) throw new Error("the network is not running yet");
    return devnet;
  };
}

/** Until every configured feed has a price and is closed. */
export async function allClosed(devnet: Devnet, withinMs = CLOSED_MS): Promise<void> {
  let seen = "no answer";
  const closed = async (): Promise<boolean> => {
    const reply = await request(`${devnet.api}/v1/feeds`).catch(() => undefined);
    if (reply?.status !== 200) return false;
    const { feeds } = reply.json as { feeds: { feed: string; breaker: { state: string; reasons: object[] } | null }[] };
    const waiting = feeds.filter(({ breaker }) => breaker?.state !== "closed");
    seen = waiting.map(({ feed, breaker }) => `${feed} ${JSON.stringify(breaker)}`).join(", ");
    return waiting.length === 0;
  };
  await within(withinMs, "every feed closed", closed, () => `; not closed: ${seen}`);
}

/** Asks again and again until it is so; what `ask` throws ends the wait. */
export async function within(ms: number, what: string, ask: () => Promise<boolean>, why: () => string = () => ""): Promise<void> {
  const end = Date.now() + ms;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** One HTTP exchange, whatever its status. */
export async function request(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000), ...init });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

/** Whether a process of this id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

type Parts = { readonly child: ChildProcess; readonly ports: DevnetPorts; readonly folder: string; readonly temporary: boolean };

function describeDevnet({ child, ports, folder, temporary }: Parts): Devnet {
  const api = `http://127.0.0.1:${ports.api}`;
  const control = `http://127.0.0.1:${ports.control}`;
  const printed: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => printed.push(text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => printed.push(text));
  const ended = new Promise<Awaited<Devnet["ended"]>>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  // The nodes end themselves with their parent, so the parent alone must not outlive this process.
  const reap = (): boolean => child.kill("SIGKILL");
  process.once("exit", reap);
  const output = (): string => printed.join("");
  const must = async <T>(url: string, init?: RequestInit): Promise<T> => {
    const reply = await request(url, init);
    if (reply.status < 200 || reply.status > 299)
      throw new Error(`${init?.method ?? "GET"} ${url}: ${reply.status} ${reply.text}`);
    return reply.json as T;
  };
  const headers = { "content-type": "application/json" };
  return {
    ...{ api, control, ports, folder, process: child, output, ended },
    nodes: () => must(`${control}/nodes`),
    get: (path) => must(`${api}${path}`),
    post: (path, body) =>
      must(`${control}${path}`, { method: "POST", ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }) }),
    remove: (path) => must(`${control}${path}`, { method: "DELETE" }),
    stream: (feeds, base = api) => openStream(base, feeds),
    feeds: async () => (await must<{ feeds: { feed: string }[] }>(`${api}/v1/feeds`)).feeds.map(({ feed }) => feed),
    explain: async () => {
      const files = [...[0, 1, 2, 3].map((index) => join(`node${index}`, "node.log")), join("gateway", "gateway.log")];
      const logs = await Promise.all(files.map((file) => tailOf(join(folder, file))));
      return [`--- devnet\n${output()}`, ...logs].join("\n");
    },
    stop: async () => {
      process.off("exit", reap);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGINT");
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await ended;
        clearTimeout(timer);
      }
      if (temporary) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
    },
  };
}

async function tailOf(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "(no log)");
  return `--- ${file}\n${text.trimEnd().split("\n").slice(-LOG_TAIL).join("\n")}`;
}
