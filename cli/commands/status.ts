import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { Command } from "commander";
import { OperationalError } from "../../node/io/operational-error.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { fetchStatus, renderStatus, type StatusView } from "../status-view.ts";
import { processTerminal, type Terminal, type WindowSize } from "../terminal.ts";

const MIN_INTERVAL_MS = 200;
const CLEAR = "\x1b[2J";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

const HELP = `
Examples:
  $ breakwater status
  $ breakwater status --url https://oracle.example --interval 5000
  $ breakwater status --once | grep -v closed

What it shows is the server's word; breakwater verify checks a feed's proof. In a pipe it prints one plain table after another.`;

/** What is known between two looks: the last view, and since when and why there was no newer one. */
type Watch = { readonly view?: StatusView; readonly away?: { readonly since: number; readonly why: string } };

/** `breakwater status`: prices, breakers and permits of a network, as a live table in a terminal. */
export function statusCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("status")
    .description("Show a network's prices, breaker states and permits as a live table")
    .option("--url <url>", "a node's or gateway's API", "http://localhost:8080")
    .option("--once", "print one table and end; exit code 1 when the server cannot be reached")
    .option("--interval <ms>", "time between two looks", "1000")
    .addHelpText("after", HELP)
    .action(async ({ url, once, interval }: { readonly url: string; readonly once?: true; readonly interval: string }) => {
      const intervalMs = parseWhole("--interval", interval);
      if (intervalMs < MIN_INTERVAL_MS) throw badFlag("--interval", `expected at least ${MIN_INTERVAL_MS}`);
      const base = url.replace(/\/+$/, "");
      if (once === true) printPlain({ view: await fetchStatus(base) }, terminal);
      else await watch(base, intervalMs, terminal);
    });
}

async function watch(base: string, intervalMs: number, terminal: Terminal): Promise<void> {
  const signal = terminal.interrupted();
  if (terminal.size() !== undefined) terminal.out(CLEAR);
  let known: Watch = {};
  while (!signal.aborted) {
    const next = await look(base, known, terminal.now());
    if (signal.aborted) return;
    const size = terminal.size();
    if (size !== undefined) drawScreen(next, { base, terminal, size });
    else printChange(next, known, { base, terminal });
    known = next;
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The committee is asked for again after an absence: another network may answer there now. */
async function look(base: string, { view, away }: Watch, now: number): Promise<Watch> {
  try {
    return { view: await fetchStatus(base, away === undefined ? view?.committee : undefined) };
  } catch (error) {
    if (!(error instanceof OperationalError) || error.code === "bad-url") throw error;
    return { ...(view === undefined ? {} : { view }), away: { since: away?.since ?? now, why: error.message } };
  }
}

function drawScreen(
  { view, away }: Watch,
  { base, terminal, size }: { readonly base: string; readonly terminal: Terminal; readonly size: WindowSize },
): void {
  const { out, paint, now } = terminal;
  const { columns, rows } = size;
  const absence =
    away === undefined
      ? [paint("dim", `${base} · Ctrl-C ends`)]
      : [
          paint("red", `away for ${formatDuration(now() - away.since)}: ${away.why}`),
          "asking again; below is what was last heard",
        ];
  const table = view === undefined ? [] : renderStatus(view, { now: now(), paint, width: columns });
  const lines = [...absence, ...table];
  const fitting =
    lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more: enlarge the window`];
  out(`${HOME}${fitting.map((line) => `${cutLine(line, columns)}${CLEAR_LINE}`).join("\n")}${CLEAR_BELOW}`);
}

/** A line that wrapped would push the last ones out of the window; one that is cut loses its colour. */
function cutLine(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}

/** In a pipe an absence is one line when it begins; the table that follows says that it is over. */
function printChange(
  next: Watch,
  known: Watch,
  { base, terminal }: { readonly base: string; readonly terminal: Terminal },
): void {
  if (next.away !== undefined) {
    if (known.away?.why !== next.away.why) terminal.out(`away: ${next.away.why}; asking again`);
    return;
  }
  if (known.away !== undefined) terminal.out(`${base} answers again after ${formatDuration(terminal.now() - known.away.since)}`);
  printPlain(next, terminal);
  terminal.out("");
}

function printPlain({ view }: Watch, { out, paint, now }: Terminal): void {
  if (view === undefined) return;
  for (const line of renderStatus(view, { now: now(), paint, width: undefined })) out(line);
}
