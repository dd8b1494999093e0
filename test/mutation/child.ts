import { spawn } from "node:child_process";

/** What a command's end was: its code, or the time was over and it was ended with all its children. */
export type Ended = { readonly code: number | undefined; readonly text: string };

/** The end of what a command said is where it says why; the rest is not kept. */
const MAX_TEXT = 64 * 1024;

const running = new Set<number>();

/** Runs Node on a script in a process group of its own. `code` is undefined when `timeoutMs` was over. */
export function runNode(
  script: string,
  args: readonly string[],
  { cwd, timeoutMs }: { readonly cwd: string; readonly timeoutMs: number },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let text = "";
    let late = false;
    const hear = (chunk: Buffer): void => {
      text = (text + chunk.toString("utf8")).slice(-MAX_TEXT);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const timer = setTimeout(() => {
      late = true;
      endGroup(pid);
    }, timeoutMs);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
      resolve({ code: late ? undefined : (code ?? 1), text });
    });
  });
}

/** Ends whatever this process started and has not ended by itself. */
export function endAll(): void {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}
