import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Command } from "commander";
import type { Terminal } from "../../cli/terminal.ts";

export type Session = Terminal & { readonly printed: () => string; readonly noted: () => string };

/** A terminal that keeps what a command prints. */
export function session(overrides: Partial<Terminal> = {}): Session {
  const out: string[] = [];
  const notes: string[] = [];
  return {
    out: (line) => out.push(line),
    note: (line) => notes.push(line),
    environment: {},
    stdin: stdinOf(""),
    dialogue: () => undefined,
    size: () => undefined,
    paint: (_, text) => text,
    interrupted: () => new AbortController().signal,
    now: () => Date.now(),
    printed: () => out.join("\n"),
    noted: () => notes.join("\n"),
    ...overrides,
  };
}

/** A person at the terminal who gives these answers, one a question, and then Ctrl-D; `asked` are the questions. */
export function personWho(answers: readonly string[]) {
  const asked: string[] = [];
  const left = [...answers];
  return {
    asked,
    left: () => left,
    dialogue: () => ({
      ask: async (question: string) => {
        asked.push(question);
        return left.shift();
      },
      close: () => undefined,
    }),
  };
}

export async function* stdinOf(text: string): AsyncIterable<string> {
  yield text;
}

/** Runs a command in this process; commander's own refusals come as errors too. */
export async function run(command: Command, ...args: readonly string[]): Promise<void> {
  const quiet = (item: Command): void => {
    item.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    item.commands.forEach(quiet);
  };
  quiet(command);
  await command.parseAsync([...args], { from: "user" });
}

export const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The real program in a process of its own. */
export function spawnCli(
  args: readonly string[],
  { environment = {}, stdin = "" }: { readonly environment?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { timeout: 20_000, env: { PATH: process.env.PATH ?? "", ...environment } };
    const child = execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}
