import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import type { Network } from "../../protocol/config.ts";
import { baseOf, type FeedId, quoteOf } from "../../protocol/feed.ts";
import type { Preset } from "../../protocol/thresholds.ts";
import { renderHtml } from "../../simulator/backtest/html.ts";
import { networkOf } from "../../simulator/backtest/network.ts";
import { buildRecord, type MarketRecord } from "../../simulator/backtest/record.ts";
import { type BacktestReport, writeReport } from "../../simulator/backtest/report.ts";
import type { Judgement } from "../../simulator/backtest/result.ts";
import { driveBacktest } from "../backtest/drive.ts";
import { type Inputs, readInputs } from "../backtest/inputs.ts";
import { renderReport } from "../backtest/table.ts";
import { CATALOGUE, DEFAULT_BASKET } from "../catalogue.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

const HELP = `
Examples:
  $ breakwater backtest --history data/2023-03-usdc-depeg
  $ breakwater backtest --history kraken-BTCUSD-1m.csv --thresholds mine.yaml --compare theirs.yaml --html report.html
  $ breakwater backtest --history data --gas gas.csv --labels incidents.csv --json result.json

History: CSV, "timestamp_ms,open,high,low,close,volume", named <venue>-<SYMBOL>-<bar>.csv, as kraken-BTCUSD-1m.csv.
Gas:     CSV, "timestamp_ms" and one of base_fee_gwei, base_fee_wei, p30_wei.
Labels:  CSV, "from_ms,to_ms,kind,name"; kind true where a pause belongs, false where it does not; a name "ETH/USD: …" is that feed's alone.
Thresholds: YAML, { preset, thresholds: { jumpBps: 300, … }, feeds: { ETH/USD: { preset, thresholds } } }; all of it optional.

A run that is stopped goes on from its checkpoint when the same command is given again, and ends in the same result.`;

/** Quote assets that count as dollars when a feed's preset is looked up. */
const DOLLARS = ["USD", "USDT", "USDC", "DAI"];

type Options = {
  readonly history: readonly string[];
  readonly thresholds?: string;
  readonly compare?: string;
  readonly gas: readonly string[];
  readonly chain: string;
  readonly labels?: string;
  readonly feed: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly hold: string;
  readonly buffer: string;
  readonly penalty: string;
  readonly trips: string;
  readonly json?: string;
  readonly html?: string;
  readonly checkpoint?: string;
  readonly checkpointEvery: string;
};

type Stderr = { readonly isTTY: boolean; readonly write: (text: string) => void };

/** `breakwater backtest`: what a set of thresholds would have done to a recorded market, and what another would have. */
export function backtestCommand(terminal: Terminal = processTerminal(), stderr: Stderr = process.stderr): Command {
  return new Command("backtest")
    .description("Run recorded prices through the breaker and show what its thresholds would have done")
    .requiredOption("--history <paths...>", "CSV files, or folders of them")
    .option("--thresholds <file>", "thresholds to try; the default presets without it")
    .option("--compare <file>", "a second set, side by side")
    .option("--gas <paths...>", "base fees of a chain, for its congestion leaf", [])
    .option("--chain <name>", "whose base fees they are", "ETHEREUM")
    .option("--labels <file>", "known incidents and known false alarms")
    .option("--feed <file=feed...>", "a file's market where its name does not say it", [])
    .option("--from <time>", "first instant: 2023-03-10, 2023-03-10T12:00Z or Unix ms")
    .option("--to <time>", "end, exclusive")
    .option("--hold <minutes>", "how long a missing bar holds the last close", "30")
    .option("--buffer <bps>", "collateral above the debt of a loan in dispute", "700")
    .option("--penalty <bps>", "what a liquidation takes from its owner", "500")
    .option("--trips <count>", "accepted trips a year, for the coverage tests", "12")
    .option("--json <file>", "write everything there")
    .option("--html <file>", "write a self-contained report there")
    .option("--checkpoint <file>", "where a stopped run is kept; beside the JSON without it")
    .option("--checkpoint-every <ms>", "how often it is written", "5000")
    .addHelpText("after", HELP)
    .action(async (options: Options) => runBacktest(options, terminal, stderr));
}

async function runBacktest(options: Options, terminal: Terminal, stderr: Stderr): Promise<void> {
  const judged = parseJudgement(options);
  const holdMs = 60_000 * parseWhole("--hold", options.hold);
  const inputs = await readInputs({
    ...options,
    labels: options.labels,
    thresholds: options.thresholds,
    compare: options.compare,
  });
  const judgement = { ...judged, labels: inputs.labels };
  const record = buildRecord(inputs.history, { from: parseTime("--from", options.from), to: parseTime("--to", options.to) });
  if (!record.ok) throw new OperationalError(record.error, { code: "bad-history" });
  const networks = inputs.sets.map(({ name, set }) => ({
    name,
    network: foundNetwork(record.value, { name, set }, inputs, options),
  }));
  const plans = networks.map(({ name, network }) => ({ name, plan: { record: record.value, network, holdMs, gas: inputs.gas } }));
  const digests = networks.map(({ network }) => network.configDigest);
  const { from, to } = record.value;
  const driven = await driveBacktest({
    plans,
    judgement,
    inputs: JSON.stringify([inputs.digest, digests, from, to, holdMs, judged]),
    checkpoint: options.checkpoint ?? (options.json === undefined ? undefined : `${options.json}.checkpoint`),
    checkpointEveryMs: parseWhole("--checkpoint-every", options.checkpointEvery),
    stderr,
    note: terminal.note,
    now: terminal.now,
    interrupted: terminal.interrupted(),
  });
  const [first] = networks;
  if (first === undefined) return;
  const report = writeReport({
    record: record.value,
    network: first.network,
    gas: inputs.gas,
    holdMs,
    judgement,
    runs: driven.runs,
  });
  for (const line of renderReport(report, terminal)) terminal.out(line);
  writeFiles(report, options);
  const perSecond = Math.round((1_000 * driven.roundsFolded) / Math.max(1, driven.elapsedMs));
  terminal.note(`${driven.roundsFolded} rounds in ${(driven.elapsedMs / 1_000).toFixed(1)} s, ${perSecond} rounds/s`);
}

function foundNetwork(record: MarketRecord, { name, set }: Inputs["sets"][number], { gas }: Inputs, { chain }: Options): Network {
  const network = networkOf(record, set, { presetOf, basket: DEFAULT_BASKET, chain: gas === undefined ? undefined : chain });
  if (network.ok) return network.value;
  const faults = network.error.map((fault) => `${fault.path}: ${fault.expected}`);
  throw new OperationalError(`${name}: ${faults.join("; ")}`, { code: "bad-config" });
}

/** The catalogue's preset of the feed, or of its base against the dollar; an asset that it does not know is a longtail one. */
function presetOf(feed: FeedId): Preset {
  const same = CATALOGUE.find((item) => item.feed === feed);
  const inDollars = DOLLARS.includes(quoteOf(feed)) ? CATALOGUE.find((item) => item.feed === `${baseOf(feed)}/USD`) : undefined;
  return (same ?? inDollars)?.preset ?? "longtail";
}

function parseJudgement({ buffer, penalty, trips }: Options): Omit<Judgement, "labels"> {
  const loan = { bufferBps: parseWhole("--buffer", buffer), penaltyBps: parseWhole("--penalty", penalty) };
  const tripsPerYear = parseWhole("--trips", trips);
  if (tripsPerYear < 1 || tripsPerYear > 8_000)
    throw badFlag("--trips", "expected 1 to 8000: the tests ask for a chance below one an hour");
  return { loan, tripsPerYear };
}

/** A time without a zone would be another one on another machine. */
function parseTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{10,15}$/.test(text)) return Number(text);
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw badFlag(flag, `expected 2023-03-10, 2023-03-10T12:00Z or Unix ms, found "${text}"`);
  return at;
}

function writeFiles(report: BacktestReport, { json, html }: Options): void {
  const files = [
    [json, () => `${JSON.stringify(report)}\n`],
    [html, () => renderHtml(report)],
  ] as const;
  for (const [path, content] of files) {
    if (path === undefined) continue;
    const text = content();
    try {
      writeFileSync(path, text);
    } catch (error) {
      throw new OperationalError(`${path}: cannot write the file: ${reasonOf(error)}`, { code: "unwritable", cause: error });
    }
  }
}
