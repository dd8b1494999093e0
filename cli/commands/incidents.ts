import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { parse } from "yaml";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import type { ThresholdsOf } from "../../simulator/incidents/network.ts";
import { parsePresetThresholds } from "../../simulator/incidents/preset-thresholds.ts";
import type { IncidentResult, Outcome } from "../../simulator/incidents/run.ts";
import type { DataFiles } from "../../simulator/incidents/series.ts";
import { INCIDENT_NAMES, MEASURED, playIncidents, SERIES } from "../../simulator/incidents/suite.ts";
import { badFlag } from "../flags.ts";
import { readTextFile } from "../input.ts";
import { type Column, formatTable } from "../table.ts";
import { processTerminal, type Style, type Terminal } from "../terminal.ts";

const MAX_THRESHOLDS_BYTES = 256 * 1024;
const MAX_SERIES_BYTES = 64 * 1024 * 1024;
/** Bounds what YAML aliases may expand to. */
const MAX_ALIASES = 100;
const DATA_VARIABLE = "BREAKWATER_DATA";

const HELP = `
Examples:
  $ breakwater incidents
  $ breakwater incidents --only cbeth-2026
  $ breakwater incidents --data ~/breakwater-data
  $ breakwater incidents --thresholds proposed.yaml --json

Fourteen incidents are told in the program; black-thursday and usdc-2023, and the crashes that are measured beside them, are played from
recorded prices below --data (or ${DATA_VARIABLE}): history/<event>/<venue>-<SYMBOL>-<bar>.csv and gas/*.csv.
Thresholds: YAML, { thresholds: { … over every preset }, presets: { major: { jumpBps: 400 }, … } }; all of it optional.

caught: every verdict as expected.  missed: a permission that did harm, or a rule that did not come.  false pause: narrower than expected.
late: rounds that the latest verdict came after it was due.  none, robust, probing: minutes in which nothing, only what is insolvent at
both ends, or disputed loans through the bucket alone could be liquidated.  waited: the longest that a loan insolvent in truth was refused.

Exit code 0: all that was asked for was played and is as expected. Else 1.`;

const OUTCOME_STYLES: Readonly<Record<Outcome, Style>> = {
  caught: "green",
  missed: "red",
  "false pause": "red",
  absent: "yellow",
};

const COLUMNS: readonly Column[] = [
  { title: "incident", align: "left" },
  { title: "outcome", align: "left" },
  { title: "late", align: "right" },
  { title: "none", align: "right" },
  { title: "robust", align: "right" },
  { title: "probing", align: "right" },
  { title: "waited", align: "right" },
  { title: "what happened", align: "left" },
];

type Options = {
  readonly only?: string;
  readonly data?: string;
  readonly thresholds?: string;
  readonly json?: boolean;
};

/** `breakwater incidents`: what the breaker says in the incidents it was made for, and whether that is what it should say. */
export function incidentsCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("incidents")
    .description("Play known oracle incidents through the breaker and compare its verdicts with the expected ones")
    .option("--only <name>", "one incident by its name")
    .option("--data <dir>", `recorded prices; by default what ${DATA_VARIABLE} names`)
    .option("--thresholds <file>", "play under these thresholds instead of the presets")
    .option("--json", "print JSON instead of a table")
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      const { only } = options;
      if (only !== undefined && !INCIDENT_NAMES.includes(only)) {
        throw badFlag("--only", `expected one of ${INCIDENT_NAMES.join(", ")}, found "${only}"`);
      }
      const folder = options.data ?? terminal.environment[DATA_VARIABLE];
      const data = folder === undefined ? undefined : await readData(folder);
      const thresholdsOf = options.thresholds === undefined ? undefined : await readThresholds(options.thresholds);
      const results: IncidentResult[] = [];
      for (const result of playIncidents({
        ...(only === undefined ? {} : { only }),
        ...(thresholdsOf === undefined ? {} : { thresholdsOf }),
        ...(data === undefined ? {} : { data }),
      })) {
        results.push(result);
        terminal.note(`${result.name}: ${result.outcome}`);
      }
      print(results, { json: options.json === true, leftOut: leftOut(data, only), terminal });
    });
}

async function readThresholds(path: string): Promise<ThresholdsOf> {
  const text = await readTextFile(path, MAX_THRESHOLDS_BYTES);
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new OperationalError(`${path}: not YAML: ${reasonOf(error).split("\n")[0]}`, { code: "not-yaml", cause: error });
  }
  const parsed = parsePresetThresholds(content);
  if (parsed.ok) return parsed.value;
  throw new OperationalError(`${path}: ${parsed.error.map((fault) => `${fault.path}: ${fault.expected}`).join("; ")}`, {
    code: "bad-config",
  });
}

/** Every file that a series names and that is there; what is missing the suite says itself. */
async function readData(folder: string): Promise<DataFiles> {
  const files = new Set([...SERIES, ...MEASURED].flatMap((series) => series.files));
  const read = new Map<string, string>();
  for (const file of files) {
    const path = join(folder, file);
    if (existsSync(path)) read.set(file, await readTextFile(path, MAX_SERIES_BYTES));
  }
  return read;
}

/** What was not played for want of a data folder. */
function leftOut(data: DataFiles | undefined, only: string | undefined): readonly string[] {
  if (data !== undefined) return [];
  return [...SERIES, ...MEASURED].map(({ name }) => name).filter((name) => only === undefined || only === name);
}

function print(
  results: readonly IncidentResult[],
  { json, leftOut, terminal }: { readonly json: boolean; readonly leftOut: readonly string[]; readonly terminal: Terminal },
): void {
  const { out, paint, size } = terminal;
  const unexpected = results.filter(({ asExpected }) => !asExpected);
  if (json) out(JSON.stringify({ results, notPlayed: leftOut }, undefined, 2));
  else {
    for (const line of formatTable(COLUMNS, results.map(rowOf), { paint, width: size()?.columns })) out(line);
    for (const { name, faults } of unexpected) for (const fault of faults) out(`${name}: ${fault}`);
    out("");
    out(`${results.length - unexpected.length} of ${results.length} as expected`);
    if (leftOut.length > 0) out(`not played without recorded prices (--data): ${leftOut.join(", ")}`);
  }
  if (results.length === 0)
    throw new OperationalError(`${leftOut.join(", ")}: needs recorded prices (--data)`, { code: "no-data" });
  if (unexpected.length > 0) {
    throw new OperationalError(`not as expected: ${unexpected.map(({ name }) => name).join(", ")}`, { code: "not-expected" });
  }
}

function rowOf({ name, title, outcome, roundsLate, feeds, loans }: IncidentResult) {
  const most = (times: readonly number[]) => (times.length === 0 ? "–" : minutes(Math.max(...times)));
  return [
    { text: name },
    { text: outcome, style: OUTCOME_STYLES[outcome] },
    { text: outcome === "absent" ? "–" : String(roundsLate) },
    { text: most(feeds.map(({ noneMs }) => noneMs)) },
    { text: most(feeds.map(({ robustMs }) => robustMs)) },
    { text: most(feeds.map(({ probingMs }) => probingMs)) },
    { text: most(loans.map(({ longestWaitMs }) => longestWaitMs)) },
    { text: title },
  ];
}

/** @example minutes(59_000); // "1.0" */
function minutes(ms: number): string {
  return (ms / 60_000).toFixed(1);
}
