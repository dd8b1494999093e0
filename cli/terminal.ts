/** What a command needs of the process around it; a test passes its own. */
export type Terminal = {
  /** A result: what a script reads from a pipe. */
  readonly out: (line: string) => void;
  /** What a person reads beside the result: warnings, next steps. */
  readonly note: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Undefined when the output is a pipe or a file. */
  readonly columns: number | undefined;
  /** Unix ms. */
  readonly now: () => number;
};

export function processTerminal(): Terminal {
  return {
    out: (line) => console.log(line),
    note: (line) => console.error(line),
    environment: process.env,
    stdin: process.stdin,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    now: () => Date.now(),
  };
}
