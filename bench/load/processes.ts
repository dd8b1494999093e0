import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

const STOP_MS = 8_000;
const MAX_WORDS = 300;

export type Spec = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
};

/** Processes by name, each of which can be killed as a crash does it, and started again under the same command line. */
export type Processes = {
  readonly start: (name: string) => void;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: (name: string) => Promise<void>;
  readonly pid: (name: string) => number | undefined;
  /** Those that ended without being killed from here. */
  readonly deaths: () => readonly string[];
  readonly stop: () => Promise<void>;
};

/** Nodes and gateways end with the channel to this process; what has none is killed when this process ends. */
export function createProcesses(specs: readonly Spec[]): Processes {
  const running = new Map<string, ChildProcess>();
  const meant = new Set<string>();
  const deaths: string[] = [];
  const reap = (): void => {
    for (const child of running.values()) child.kill("SIGKILL");
  };
  process.once("exit", reap);
  const end = async (name: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const child = running.get(name);
    if (child === undefined) return;
    meant.add(name);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  };
  return {
    start: (name) => {
      const spec = specs.find((item) => item.name === name);
      if (spec === undefined || running.has(name)) throw new Error(`${name} cannot be started`);
      const log = openSync(spec.logFile, "a");
      const child = spawn(spec.command, spec.args, { stdio: ["ignore", log, log, "ipc"] });
      closeSync(log);
      meant.delete(name);
      running.set(name, child);
      child.once("exit", (code, signal) => {
        running.delete(name);
        if (!meant.has(name)) deaths.push(`${name} ended (${signal ?? `exit code ${code}`}): ${lastWords(spec.logFile)}`);
      });
    },
    kill: (name) => end(name, "SIGKILL"),
    pid: (name) => running.get(name)?.pid,
    deaths: () => deaths,
    stop: async () => {
      await Promise.all([...running.keys()].map((name) => end(name, "SIGTERM")));
      process.off("exit", reap);
    },
  };
}

/** The last line of a log that is not part of a stack. */
function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
  return (lines.findLast((line) => !line.startsWith(" ")) ?? "").slice(0, MAX_WORDS);
}
