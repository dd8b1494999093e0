import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFree } from "../e2e/ports.ts";

const START_MS = 10_000;
const STEP_MS = 20;

/** A redis-server of a test's own, on a free port and in a temporary folder. */
export type TestRedis = {
  readonly port: number;
  readonly folder: string;
  readonly pid: () => number | undefined;
  /** SIGKILL, as a crash is; resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** After `kill`: on the same port, with what its disk still has. */
  readonly start: () => Promise<void>;
  /** SIGSTOP and SIGCONT: a server that hangs with its sockets open. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** redis-cli's answer, as the administrator. */
  readonly cli: (...args: readonly string[]) => string;
  /** Kills it and removes its folder. */
  readonly stop: () => Promise<void>;
};

export type RedisOptions = {
  readonly port?: number;
  readonly args?: readonly string[];
  /** The text of an ACL file. The administrator's user is added to it: `admin`, without a password. */
  readonly acl?: string;
  /** Serves TLS only, on `port`. */
  readonly tls?: TestCertificates;
};

export type TestCertificates = { readonly ca: string; readonly certificate: string; readonly key: string };

export async function startRedis({ port: wanted, args = [], acl, tls }: RedisOptions = {}): Promise<TestRedis> {
  const port = wanted ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "breakwater-redis-"));
  const options = ["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--loglevel", "warning", "--protected-mode", "no"];
  if (acl !== undefined) {
    writeFileSync(join(folder, "users.acl"), `${acl}user admin reset on nopass ~* &* +@all\n`);
    options.push("--aclfile", join(folder, "users.acl"));
  }
  const listen =
    tls === undefined
      ? ["--port", `${port}`]
      : ["--port", "0", "--tls-port", `${port}`, "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key].concat([
          "--tls-ca-cert-file",
          tls.ca,
          "--tls-auth-clients",
          "no",
        ]);
  const client = [
    ...["-h", "127.0.0.1", "-p", `${port}`],
    ...(acl === undefined ? [] : ["--user", "admin", "--pass", "any", "--no-auth-warning"]),
    ...(tls === undefined ? [] : ["--tls", "--cacert", tls.ca]),
  ];
  const cli = (...words: readonly string[]): string => redisCli([...client, ...words]);
  const server = keepProcess("redis-server", [...options, ...listen, ...args], () => {
    if (cli("ping") !== "PONG") throw new Error("not yet");
  });
  await server.start();
  const stop = async (): Promise<void> => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, folder, cli, stop, ...server };
}

/** Three masters of a Cluster, without replicas. */
export async function startCluster(): Promise<readonly TestRedis[]> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"];
  const ports = [await freePort(), await freePort(), await freePort()];
  const nodes = await Promise.all(ports.map((port) => startRedis({ port, args: [...args, "--appendonly", "yes"] })));
  redisCli(["--cluster", "create", ...nodes.map(({ port }) => `127.0.0.1:${port}`), "--cluster-yes"]);
  await until("the cluster is formed", () => nodes.every(({ cli }) => cli("cluster", "info").includes("cluster_state:ok")));
  return nodes;
}

/** A master with a replica, and three Sentinels that know it by `name`; `ports` are the Sentinels'. */
export async function startSentinels(name: string): Promise<{
  readonly master: TestRedis;
  readonly replica: TestRedis;
  readonly ports: readonly number[];
  readonly stop: () => Promise<void>;
}> {
  const master = await startRedis();
  const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", `${master.port}`, "--repl-diskless-sync-delay", "0"] });
  await until("the replica is in step", () => replica.cli("info", "replication").includes("master_link_status:up"));
  const folder = mkdtempSync(join(tmpdir(), "breakwater-sentinel-"));
  const sentinels = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const port = await freePort();
      const file = join(folder, `${index}.conf`);
      const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`];
      lines.push(`sentinel down-after-milliseconds ${name} 500`, `sentinel failover-timeout ${name} 3000`, "");
      writeFileSync(file, lines.join("\n"));
      const sentinel = keepProcess("redis-server", [file, "--sentinel"], () => redisCli(["-p", `${port}`, "ping"]));
      await sentinel.start();
      return { port, kill: sentinel.kill };
    }),
  );
  const ports = sentinels.map(({ port }) => port);
  await until("the Sentinels know each other and the replica", () =>
    ports.every((port) => {
      const known = redisCli(["-p", `${port}`, "sentinel", "master", name]).split("\n");
      const of = (field: string): string | undefined => known[known.indexOf(field) + 1];
      return of("num-other-sentinels") === "2" && of("num-slaves") === "1";
    }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(sentinels.map(({ kill }) => kill()));
    await Promise.all([master.stop(), replica.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { master, replica, ports, stop };
}

/** An authority of its own and a server's certificate for 127.0.0.1, by openssl. */
export function makeCertificates(): TestCertificates & { readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-tls-"));
  mkdirSync(folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=breakwater test authority");
  openssl("req", ...newKey, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=127.0.0.1");
  writeFileSync(at("server.ext"), "subjectAltName=IP:127.0.0.1\n");
  const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("server.ext")];
  openssl("x509", "-req", "-in", at("server.csr"), ...signed, "-out", at("server.pem"));
  return {
    ca: at("ca.pem"),
    certificate: at("server.pem"),
    key: at("server.key"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Waits until a condition holds; an exception means "not yet". */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = START_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(STEP_MS);
  }
}

function redisCli(args: readonly string[]): string {
  return execFileSync("redis-cli", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** A process that can be killed and started again under the same command line. */
function keepProcess(command: string, args: readonly string[], isReady: () => void) {
  let child: ChildProcess | undefined;
  return {
    pid: () => child?.pid,
    start: async (): Promise<void> => {
      let output = "";
      const started = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
      for (const stream of [started.stdout, started.stderr]) stream.on("data", (chunk) => (output += chunk));
      child = started;
      await until(`${command} answers`, () => {
        if (started.exitCode !== null) throw new Error(`${command} ended: ${output}`);
        isReady();
        return true;
      });
    },
    kill: async (): Promise<void> => {
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const ended = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGKILL");
      await ended;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
  };
}

/** Below the range that outgoing connections take, and with its Cluster bus, 10 000 above, below it as well. */
const FIRST_PORT = 11_000;
const PORTS = 8_000;
let tried = (process.pid * 16) % PORTS;

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORTS; attempt++) {
    const port = FIRST_PORT + (tried++ % PORTS);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error("no free port");
}
