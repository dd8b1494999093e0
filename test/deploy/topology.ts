import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeComposeFolder } from "../../cli/compose/folder.ts";
import { freePorts } from "../e2e/ports.ts";
import { stagesOf } from "./dockerfile.ts";
import { type Compose, pathOf, readCompose, readEnvironment, type Service, substitute, textOf } from "./files.ts";

/** Any scrypt cost opens; this one is quick. */
const QUICK_SCRYPT_N = 16;
const STOP_MS = 15_000;
const LOG_TAIL = 30;
const MAIN = pathOf("cli", "main.ts");
/** Services that are started; Grafana is a program that is not here. */
const STARTED = /^(node\d|gateway\d|redis|prometheus)$/;

/** Which port of a container is which one of this machine. */
export type Ports = Readonly<Record<string, Readonly<Record<number, number>>>>;

/**
 * The services of docker-compose.yml as plain processes: each has a folder that stands for its container's root, with configs, secrets and
 * mounts where the file puts them, and hosts, ports and paths put in for those of this machine. Nothing else is changed, but by `edit`.
 */
export type Topology = {
  readonly folder: string;
  readonly ports: Ports;
  /** `http://127.0.0.1:…` of a service's container port. */
  readonly url: (service: string, port?: number) => string;
  /** A path inside a service's container. */
  readonly path: (service: string, path: string) => string;
  readonly start: (service: string, options?: { readonly nodeFlags?: readonly string[] }) => void;
  readonly pid: (service: string) => number | undefined;
  /** Ends a service by a signal and waits for it. */
  readonly end: (
    service: string,
    signal?: NodeJS.Signals,
  ) => Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** A service's health check, as Compose or the image runs it: its exit code. */
  readonly health: (service: string) => Promise<number | null>;
  /** The ends of all logs. */
  readonly explain: () => string;
  readonly stop: () => Promise<void>;
};

/** Gives back a file's text changed, for a test's own market and times. */
export type Edit = (service: string, path: string, text: string) => string;

/** @param plan what to edit, once it is known which port is which */
export async function layTopology(plan: (ports: Ports) => Edit | Promise<Edit>): Promise<Topology> {
  const work = mkdtempSync(join(tmpdir(), "breakwater-compose-"));
  const network = join(work, "network");
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await writeComposeFolder({ dir: network, name: "compose", owner, giveAway: false, scryptN: QUICK_SCRYPT_N });
  const environment = readEnvironment(readFileSync(join(network, "compose.env"), "utf8"));
  const compose = readCompose(substitute(textOf("docker-compose.yml"), environment));
  const ports = await choosePorts();
  const edit = await plan(ports);
  const services = Object.entries(compose.services).filter(([name]) => STARTED.test(name));
  for (const [name, service] of services) fillRoot({ name, service, compose, root: join(work, name), ports, edit });
  return runTopology({ work, network, ports, services: new Map(services) });
}

async function choosePorts(): Promise<Ports> {
  const { api: first } = await freePorts();
  let next = first;
  const take = (): number => next++;
  const nodes = [0, 1, 2, 3].map((index) => [`node${index}`, { 8080: take(), 9000: take() }] as const);
  const gateways = [0, 1].map((index) => [`gateway${index}`, { 8080: take() }] as const);
  return Object.fromEntries([...nodes, ...gateways, ["redis", { 6379: take() }], ["prometheus", { 9090: take() }]]);
}

type Root = {
  readonly name: string;
  readonly service: Service;
  readonly compose: Compose;
  readonly root: string;
  readonly ports: Ports;
  readonly edit: Edit;
};

function fillRoot({ name, service, compose, root, ports, edit }: Root): void {
  const translate = translator({ name, service, root, ports });
  const place = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), edit(name, path, translate(text)), { mode: 0o600 });
  };
  for (const { source, target } of service.configs ?? [])
    place(target, readFileSync(compose.configs[source]?.file ?? "", "utf8"));
  for (const item of service.secrets ?? []) {
    const { source, target } = typeof item === "string" ? { source: item, target: item } : item;
    const path = join(root, "run", "secrets", target);
    mkdirSync(dirname(path), { recursive: true });
    cpSync(compose.secrets[source]?.file ?? "", path);
  }
  for (const volume of service.volumes ?? []) {
    const { source, target } = typeof volume === "string" ? mountOf(volume) : volume;
    if (typeof volume !== "string") {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      symlinkSync(source, join(root, target));
    } else if (lstatSync(source).isFile()) place(target, readFileSync(source, "utf8"));
    else {
      cpSync(source, join(root, target), { recursive: true });
      if (name === "prometheus") place(join(target, "prometheus.yml"), readFileSync(join(source, "prometheus.yml"), "utf8"));
      if (name === "prometheus")
        place(join(target, "rules/breakwater.yml"), readFileSync(join(source, "rules/breakwater.yml"), "utf8"));
    }
  }
}

function mountOf(volume: string): { readonly source: string; readonly target: string } {
  const [source = "", target = ""] = volume.split(":");
  return { source: pathOf(source), target };
}

type Translated = { readonly name: string; readonly service: Service; readonly root: string; readonly ports: Ports };

/** Container paths, other services' names, and what this one listens on, as they are on this machine. */
function translator({ name, service, root, ports }: Translated): (text: string) => string {
  const targets = [
    ...(service.volumes ?? []).map((volume) => (typeof volume === "string" ? mountOf(volume).target : volume.target)),
  ];
  const folders = [...new Set([...targets, ...(service.configs ?? []).map(({ target }) => target), "/run/secrets/"])];
  const portOf = (host: string, port: string): number => ports[host]?.[Number(port)] ?? Number(port);
  const own = (port: string): number => portOf(name, port);
  return (text) => {
    const placed = folders.reduce(
      (changed, folder) => changed.replaceAll(new RegExp(`(?<![\\w/.])${folder}`, "g"), `${root}${folder}`),
      text,
    );
    return placed
      .replaceAll(/\/dns4\/(\w+)\/tcp\/(\d+)/g, (_, host: string, port: string) => `/ip4/127.0.0.1/tcp/${portOf(host, port)}`)
      .replaceAll(
        /\b(node\d|gateway\d|redis|prometheus):(\d+)\b/g,
        (_, host: string, port: string) => `127.0.0.1:${portOf(host, port)}`,
      )
      .replaceAll(/\/ip4\/0\.0\.0\.0\/tcp\/(\d+)/g, (_, port: string) => `/ip4/127.0.0.1/tcp/${own(port)}`)
      .replaceAll(
        /host: 0\.0\.0\.0\n( *)port: (\d+)/g,
        (_, indent: string, port: string) => `host: 127.0.0.1\n${indent}port: ${own(port)}`,
      )
      .replaceAll(/^port (\d+)$/gm, (_, port: string) => `port ${own(port)}`)
      .replaceAll(/^bind 0\.0\.0\.0$/gm, "bind 127.0.0.1")
      .replaceAll(/\b(?:0\.0\.0\.0|127\.0\.0\.1):(8080|9090)\b/g, (_, port: string) => `127.0.0.1:${own(port)}`);
  };
}

type Laid = {
  readonly work: string;
  readonly network: string;
  readonly ports: Ports;
  readonly services: ReadonlyMap<string, Service>;
};

function runTopology({ work, network, ports, services }: Laid): Topology {
  const running = new Map<string, ChildProcess>();
  const logOf = (service: string): string => join(work, `${service}.log`);
  const reap = (): void => running.forEach((child) => void child.kill("SIGKILL"));
  process.once("exit", reap);
  const serviceOf = (name: string): Service => {
    const service = services.get(name);
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  };
  const translateFor = (name: string) => translator({ name, service: serviceOf(name), root: join(work, name), ports });
  const start: Topology["start"] = (name, { nodeFlags = [] } = {}) => {
    const service = serviceOf(name);
    const { program, args } = commandOf(service, translateFor(name), nodeFlags);
    const variables = service.env_file === undefined ? {} : readEnvironment(textOf(service.env_file));
    const log = openSync(logOf(name), "a");
    const stdio = service.build === undefined ? (["ignore", log, log] as const) : (["ignore", log, log, "ipc"] as const);
    const child = spawn(program, args, {
      cwd: join(work, name),
      stdio: [...stdio],
      env: { PATH: process.env.PATH, ...variables },
    });
    closeSync(log);
    running.set(name, child);
    child.once("exit", () => running.delete(name));
  };
  const end: Topology["end"] = async (name, signal = "SIGTERM") => {
    const child = running.get(name);
    if (child === undefined) throw new Error(`${name} does not run`);
    const ended = new Promise<Awaited<ReturnType<Topology["end"]>>>((resolve) =>
      child.once("exit", (code, how) => resolve({ code, signal: how })),
    );
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    const result = await ended;
    clearTimeout(timer);
    return result;
  };
  return {
    folder: network,
    ports,
    url: (service, port = 8080) => `http://127.0.0.1:${ports[service]?.[port]}`,
    path: (service, path) => join(work, service, path),
    start,
    pid: (service) => running.get(service)?.pid,
    end,
    health: (name) => runHealth(serviceOf(name), { translate: translateFor(name), port: ports[name]?.[6379] }),
    explain: () => [...services.keys()].map((name) => `--- ${name}\n${tailOf(logOf(name))}`).join("\n"),
    stop: async () => {
      await Promise.all([...running.keys()].map((name) => end(name)));
      process.off("exit", reap);
      rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Our image's entry point over the sources; Prometheus' image names its program itself. */
function commandOf(service: Service, translate: (text: string) => string, flags: readonly string[]) {
  const command = (service.command ?? []).map(translate);
  if (service.build !== undefined) {
    const entry = imageInstruction("ENTRYPOINT").slice(1, -1);
    return { program: process.execPath, args: [...entry, ...flags, MAIN, ...command] };
  }
  if (service.image.startsWith("prom/prometheus:")) return { program: "prometheus", args: command };
  const [program = "", ...args] = command;
  return { program, args };
}

function imageInstruction(name: string): readonly string[] {
  const { value } = stagesOf(textOf("Dockerfile"))
    .stages.at(-1)
    ?.instructions.findLast((item) => item.name === name) ?? { value: "[]" };
  return JSON.parse(value.replace(/^.*?CMD\s+/, "")) as readonly string[];
}

/** Prometheus' and the image's checks ask over HTTP; redis-cli is told the port that it would find by itself in its container. */
async function runHealth(
  service: Service,
  { translate, port }: { readonly translate: (text: string) => string; readonly port: number | undefined },
): Promise<number | null> {
  const [program = "", ...args] = service.healthcheck?.test.slice(1) ?? imageInstruction("HEALTHCHECK");
  const own = program === "node" ? process.execPath : program;
  const there = port === undefined ? [] : ["-p", String(port)];
  const child = spawn(own, [...there, ...args.map(translate)], { stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
}

function tailOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_TAIL).join("\n");
  } catch {
    return "(no log)";
  }
}
