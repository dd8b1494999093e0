import { Command, InvalidArgumentError, Option } from "commander";
import { CASES } from "../wan/cases.ts";
import { RECORDED_COSTS, scaleCosts } from "../wan/costs.ts";
import { reportLines, TABLE_HEAD, tableRow } from "../wan/report.ts";
import { runWan, type WanSettings } from "../wan/run.ts";
import { LAWS, type Law } from "../wan/window.ts";
import { measureCosts } from "./wan-costs.ts";

const PPM_OF_PERCENT = 10_000;

type Options = {
  readonly nodes: number;
  readonly feeds: number;
  readonly carried: number;
  readonly roundMs: number;
  readonly graceMs: number;
  readonly hopBudgetMs: number;
  readonly loss: number;
  readonly rounds: number;
  readonly seed: number;
  readonly law: Law;
  readonly mbit: number;
  readonly mesh: number;
  readonly speed: number;
  readonly calibrate: boolean;
  readonly table: boolean;
};

const program = new Command("wan")
  .description(
    "A committee over five regions: rounds certified, latency and bytes, by simulation with the production round machine",
  )
  .option("--nodes <count>", "members, spread over the regions in turn", wholeNumber(4, 127), 31)
  .option("--feeds <count>", "feeds of the network", wholeNumber(1, 2_048), 1_000)
  .option("--carried <count>", "feeds that messages really carry; sizes and CPU are those of --feeds", wholeNumber(1, 2_048), 1)
  .option("--round-ms <ms>", "length of a round", wholeNumber(100, 60_000), 1_000)
  .option("--grace-ms <ms>", "a leader's wait beyond the quorum", wholeNumber(1, 60_000), 150)
  .option("--hop-budget-ms <ms>", "what the config allows a hop", wholeNumber(1, 10_000), 50)
  .option("--loss <percent>", "packets lost on every way", percentage, 1)
  .option("--rounds <count>", "rounds that are measured", wholeNumber(1, 10_000), 30)
  .option("--seed <seed>", "decides everything that is drawn", wholeNumber(0, 2 ** 32), 1)
  .addOption(new Option("--law <law>", "how TCP reacts to loss").choices(LAWS).default("cubic"))
  .option("--mbit <rate>", "each node's access line, each way, Mbit/s", wholeNumber(1, 100_000), 1_000)
  .option("--mesh <low>", "gossipsub's D_lo; D_hi is twice that", wholeNumber(1, 32), 6)
  .option("--speed <factor>", "how much faster than the recorded core a node is", wholeNumber(1, 100), 1)
  .option("--calibrate", "measure the CPU costs here and now instead of taking the recorded ones", false)
  .option("--table", "every case of docs/scale.md, as lines of a table", false)
  .parse();

const options = program.opts<Options>();
const settings = settingsOf(options);
if (options.table) printTable(settings);
else printRun(settings);

function settingsOf({ loss, mbit, mesh, speed, calibrate, table: _, ...rest }: Options): WanSettings {
  const costs = calibrate ? measureCosts(RECORDED_COSTS) : RECORDED_COSTS;
  return {
    ...rest,
    carried: Math.min(rest.carried, rest.feeds),
    lossPpm: Math.round(loss * PPM_OF_PERCENT),
    mbitPerSecond: mbit,
    mesh: { low: mesh, high: 2 * mesh },
    costs: scaleCosts(costs, 1 / speed),
  };
}

function printRun(run: WanSettings): void {
  const startedAt = performance.now();
  for (const line of reportLines(run, runWan(run))) console.log(line);
  console.log(`real time             ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}

function printTable(base: WanSettings): void {
  for (const line of TABLE_HEAD) console.log(line);
  for (const changed of CASES) {
    const run = { ...base, ...changed };
    console.log(tableRow(run, runWan(run)));
  }
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

function percentage(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 50) return value;
  throw new InvalidArgumentError("Expected a percentage from 0 to 50.");
}
