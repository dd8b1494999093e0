import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";

export type Style = "red" | "yellow" | "green" | "dim" | "bold";

export type WindowSize = { readonly columns: number; readonly rows: number };

export type Dialogue = {
  /** One line; undefined when the person ends it (Ctrl-D). */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly close: () => void;
};

/** What a command needs of the process around it; a test passes its own. */
export type Terminal = {
  /** A result: what a script reads from a pipe. */
  readonly out: (line: string) => void;
  /** What a person reads beside the result: warnings, next steps. */
  readonly note: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** A person to ask; undefined when nobody sits there: a pipe, a file, a service. */
  readonly dialogue: () => Dialogue | undefined;
  /** Undefined when the output is a pipe or a file. */
  readonly size: () => WindowSize | undefined;
  /** Plain where colours are not wanted: a pipe, NO_COLOR. */
  readonly paint: (style: Style, text: string) => string;
  /** Aborted when the person, or the reader of the pipe, has had enough; from then on the signals do not end the process. */
  readonly interrupted: () => AbortSignal;
  /** Unix ms. */
  readonly now: () => number;
};

/** What a terminal that does not know its size is taken for. */
const USUAL_SIZE: WindowSize = { columns: 80, rows: 24 };

export function processTerminal(): Terminal {
  const { stdout } = process;
  return {
    out: (line) => console.log(line),
    note: (line) => console.error(line),
    environment: process.env,
    stdin: process.stdin,
    dialogue: () => (process.stdin.isTTY && process.stderr.isTTY ? openDialogue() : undefined),
    size: () =>
      stdout.isTTY ? { columns: stdout.columns || USUAL_SIZE.columns, rows: stdout.rows || USUAL_SIZE.rows } : undefined,
    paint: (style, text) => styleText(style, text),
    interrupted: () => {
      const controller = new AbortController();
      const stop = () => controller.abort();
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
      stdout.on("error", stop);
      return controller.signal;
    },
    now: () => Date.now(),
  };
}

/** On standard error: standard output is for results. Lines that come before they are asked for, as pasted ones do, wait their turn. */
function openDialogue(): Dialogue {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const typed = lines[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      lines.setPrompt(question);
      lines.prompt();
      const line = await typed.next();
      return line.done === true ? undefined : line.value;
    },
    close: () => lines.close(),
  };
}
