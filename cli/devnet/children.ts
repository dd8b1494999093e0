import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** How long a child may take to end by itself before it is killed. */
const STOP_MS = 5_000;

export type ChildSpec = { readonly name: string; readonly args: readonly string[]; readonly logFile: string };

/** Named child processes, each in one of two states: running with a pid, or dead until started again. */
export type Children = {
  readonly start: (name: string) => boolean;
  readonly pid: (name: string) => number | undefined;
  /** Ends every child and waits for it: SIGTERM, then SIGKILL. */
  readonly stop: () => Promise<void>;
};

/**
 * Children hold an IPC channel to this process and end themselves when it closes, so none outlives a parent that crashed.
 * `onExit` hears of every child that ended without being asked to.
 */
export function createChildren(specs: readonly ChildSpec[], onExit: (name: string, how: string) => void): Children {
  const running = new Map<string, ChildProcess>();
  let stopping = false;
  const start = (name: string): boolean => {
    const spec = specs.find((item) => item.name === name);
    if (spec === undefined || running.has(name) || stopping) return false;
    const log = openSync(spec.logFile, "a");
    const child = spawn(process.execPath, spec.args, { stdio: ["ignore", log, log, "ipc"] });
    closeSync(log);
    running.set(name, child);
    child.on("exit", (code, signal) => {
      running.delete(name);
      if (!stopping) onExit(name, signal ?? `exit code ${code}`);
    });
    return true;
  };
  return {
    start,
    pid: (name) => running.get(name)?.pid,
    stop: async () => {
      stopping = true;
      await Promise.all([...running.values()].map(endChild));
    },
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}
