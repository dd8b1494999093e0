/** How often a line is written where it cannot be rewritten. */
const LOG_EVERY_MS = 10_000;
/** How often it is rewritten where it can. */
const PAINT_EVERY_MS = 200;

export type Progress = {
  /** Shows the line if it is time to. */
  readonly show: (line: () => string) => void;
  /** Removes what is shown, so that something else can be written. */
  readonly clear: () => void;
};

/** One line on a terminal, rewritten in place; elsewhere one line every ten seconds. */
export function createProgress(
  stream: { readonly isTTY: boolean; readonly write: (text: string) => void },
  now: () => number,
): Progress {
  const everyMs = stream.isTTY ? PAINT_EVERY_MS : LOG_EVERY_MS;
  let dueAt = now() + everyMs;
  let painted = false;
  const clear = (): void => {
    if (painted) stream.write("\r\u001b[K");
    painted = false;
  };
  return {
    clear,
    show: (line) => {
      if (now() < dueAt) return;
      dueAt = now() + everyMs;
      clear();
      stream.write(stream.isTTY ? line() : `${line()}\n`);
      painted = stream.isTTY;
    },
  };
}
