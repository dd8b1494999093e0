import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { matches, readSteps, type Step } from "./blocks.ts";
import { cloneFresh } from "./fresh-clone.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** One block may wait for a network to come up, or for a timelock, on a machine that does much else. */
const BLOCK_MS = 300_000;
/** Of what a failing block printed, what a person needs to see why. */
const TOLD_LINES = 60;
const EXIT_OF_A_CLOSED_PIPE = 141;

/**
 * Every walk has a network and a process tree of its own, so that the documents' ports are free and nothing outlives it, nor the test
 * itself should that be killed. Where the kernel does not allow that, walks take turns on this machine's ports.
 */
const OWN_WORLD = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
];
const TAKING_TURNS = ["flock", "--close", join(tmpdir(), "breakwater-walks.lock")];

export type Walk = {
  readonly blocks: number;
  /** Blocks whose output was compared with what the document shows. */
  readonly compared: number;
  readonly ownNetwork: boolean;
};

/**
 * Walks through a document as a newcomer does: in a fresh clone, every `sh` block in order in one bash session, started in the clone's
 * root; background jobs go on from block to block. The first command that fails (or whose output is not what the document shows) ends
 * it with an error that names the document's line. Everything that was started is dead and every file gone when this returns.
 *
 * The session's home and temporary folder are its own. A pipeline fails with any of its commands, but one that writes to a closed pipe
 * (`… | head`) does not. Functions and `set` are the reader's own bash; there is no `set -e` in it.
 */
export async function walkThrough(
  document: string,
  options: { readonly blockMs?: number; readonly ownWorld?: boolean } = {},
): Promise<Walk> {
  const file = resolve(ROOT, document);
  const markdown = readFileSync(file, "utf8");
  const steps = naming(document, () => readSteps(markdown));
  const folder = mkdtempSync(join(tmpdir(), "bw-walk-"));
  const ownNetwork = options.ownWorld ?? canHaveOwnWorld();
  if (!ownNetwork) console.warn(`${document}: no network of its own on this machine; the walk waits for its turn at the ports`);
  let bash: ChildProcess | undefined;
  try {
    const clone = join(folder, "breakwater");
    cloneFresh(ROOT, clone);
    for (const name of ["home", "tmp", "printed"]) mkdirSync(join(folder, name));
    const script = join(folder, "walk.sh");
    writeFileSync(script, sessionScript(markdown, steps, { printed: join(folder, "printed"), ownNetwork }));
    const [command = "", ...args] = [...(ownNetwork ? OWN_WORLD : TAKING_TURNS), "bash", "--noprofile", "--norc", script];
    bash = spawn(command, args, {
      cwd: clone,
      env: walkerEnvironment(folder),
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      detached: true,
    });
    await follow(bash, { document, steps, printed: join(folder, "printed"), blockMs: options.blockMs ?? BLOCK_MS });
    return { blocks: steps.length, compared: steps.filter(({ shown }) => shown !== undefined).length, ownNetwork };
  } finally {
    await endAll(bash);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Whether a walk here gets a network and a process tree of its own. */
export function canHaveOwnWorld(): boolean {
  const [command = "", ...args] = OWN_WORLD;
  return spawnSync(command, [...args, "ip", "link", "set", "lo", "up"], { stdio: "ignore" }).status === 0;
}

/**
 * The document itself as a script, line for line, so that bash's line numbers are the document's: each line that is no command is left
 * empty, and a block's fences become the calls that begin and end it.
 */
function sessionScript(
  markdown: string,
  steps: readonly Step[],
  { printed, ownNetwork }: { readonly printed: string; readonly ownNetwork: boolean },
): string {
  const lines = markdown.split("\n").map(() => "");
  // On the first line, which belongs to the document's title: nothing may shift.
  lines[0] = [ownNetwork ? "ip link set lo up" : ":", ...SESSION].join("; ");
  for (const { line, text } of steps) {
    const body = text.split("\n");
    lines[line - 1] = `exec >"${printed}/${line}" 2>&1`;
    for (const [index, command] of body.entries()) lines[line + index] = command;
    lines[line + body.length] = `__done ${line}`;
  }
  return `${lines.join("\n")}\n`;
}

/** Reports go to descriptor 3; the word to go on comes from descriptor 4, and without it the session ends. */
const SESSION = [
  `__done() { echo "done $1" >&3; read -r __word <&4 || exit 1; }`,
  // What ended with a closed pipe before the last command of a pipeline ended well did what it was asked for.
  `__failed() { local code=$1 line=$2 status; for status in $3; do case $status in 0|${EXIT_OF_A_CLOSED_PIPE}) ;; *) code=$status; status=; break;; esac; done; [ "\${status:-1}" = 0 ] && return; echo "failed $line $code" >&3; exit 1; }`,
  "set -o pipefail",
  `trap '__failed $? $LINENO "\${PIPESTATUS[*]}"' ERR`,
];

/** A terminal of somebody who has never been here: nothing of what runs this test, and no tool that the clone has not brought. */
function walkerEnvironment(folder: string): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? "").split(":").filter((item) => !item.includes("node_modules"));
  return { PATH: path.join(":"), HOME: join(folder, "home"), TMPDIR: join(folder, "tmp"), LANG: "C.UTF-8", TERM: "dumb" };
}

type Following = {
  readonly document: string;
  readonly steps: readonly Step[];
  readonly printed: string;
  readonly blockMs: number;
};

async function follow(bash: ChildProcess, { document, steps, printed, blockMs }: Following): Promise<void> {
  const reports = createInterface({ input: bash.stdio[3] as Readable })[Symbol.asyncIterator]();
  const words = bash.stdio[4] as Writable;
  words.on("error", () => undefined);
  let complaints = "";
  bash.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  for (const step of steps) {
    const read = (): string => readPrinted(printed, step.line);
    const report = await within(reports.next(), blockMs);
    const [kind, at, code] = report === "late" ? ["late"] : (report.value ?? "ended").split(" ");
    const where = (line: number | string): string => `${document}:${line}`;
    if (kind === "late") throw new Error(`${where(step.line)}: not done after ${blockMs / 1000} s${tail(read())}`);
    if (kind === "ended") throw new Error(`${where(step.line)}: the session ended${tail(complaints + read())}`);
    if (kind === "failed") throw new Error(`${where(at ?? "?")}: exit code ${code}${tail(read())}`);
    const { shown } = step;
    if (shown !== undefined && !matches(shown.language, shown.text, read())) {
      throw new Error(`${where(shown.line)}: not what was printed. Shown:\n${shown.text}\nPrinted${tail(read())}`);
    }
    words.write("on\n");
  }
}

function readPrinted(printed: string, line: number): string {
  try {
    return readFileSync(join(printed, String(line)), "utf8");
  } catch {
    return "";
  }
}

function tail(text: string): string {
  return `:\n${text.trimEnd().split("\n").slice(-TOLD_LINES).join("\n")}`;
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | "late"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((done) => {
    timer = setTimeout(() => done("late"), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The whole group at once; in a process tree of its own everything else dies with its first process. */
async function endAll(bash: ChildProcess | undefined): Promise<void> {
  if (bash?.pid === undefined) return;
  const ended = new Promise<void>((done) => {
    if (bash.exitCode !== null || bash.signalCode !== null) done();
    else bash.once("exit", () => done());
  });
  try {
    process.kill(-bash.pid, "SIGKILL");
  } catch {
    // The group has ended by itself.
  }
  await ended;
  for (const stream of bash.stdio) stream?.destroy();
}

function naming<T>(document: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${document}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
