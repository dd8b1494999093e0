import { parse, stringify } from "yaml";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import { type BarSeries, parseBars } from "../../../simulator/backtest/bars.ts";
import { readCheckpoint, writeCheckpoint } from "../../../simulator/backtest/checkpoint.ts";
import { parseFileName, venueOf } from "../../../simulator/backtest/file-names.ts";
import { feeAt, joinGas, parseGas } from "../../../simulator/backtest/gas-series.ts";
import { concerns, parseLabels } from "../../../simulator/backtest/labels.ts";
import { buildRecord } from "../../../simulator/backtest/record.ts";
import { parseThresholdSet } from "../../../simulator/backtest/threshold-set.ts";
import { classOf, ensure, type Target } from "../target.ts";

const AT = 1_763_800_000_000;
const ETH = "ETH/USD" as FeedId;
const BARS = "timestamp_ms,open,high,low,close,volume";

/** One file, read as each of the files that a backtest takes. */
export const backtest: Target = {
  name: "backtest",
  about: "a backtest's files: bars, gas, labels, thresholds, checkpoints and their names; a record of what is accepted",
  covers: ["simulator/backtest/"],
  shape: "text",
  maxBytes: 16 * 1024,
  batch: 64,
  limitMs: 500,
  maxAllocation: 4 * 2 ** 20,
  dictionary: [
    ...["timestamp_ms", "open", "volume", "base_fee_gwei", "base_fee_wei", "p30_wei", "from_ms,to_ms,kind,name", "true", "false"],
    ...[",", "\n", "\r\n", "60000", "86400000", "8640000000000000", "8640000000000001", "-1", "1e5", "0", "0.000000000000000001"],
    ...["preset: ", "thresholds:", "feeds:", "jumpBps: 300", "ETH/USD", "-1m.csv", "kraken-", "USDT", "&a ", "*a", "__proto__"],
    ...['"format"', "breakwater-backtest-checkpoint/1", '"finished":[]', '"running":null', '"inputs":"x"'],
  ],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  const bar = (index: number, price: number) => `${AT + index * 60_000},${price},${price + 2},${price - 2},${price + 1}.5,9.25`;
  const minute = [0, 1, 2, 5].map((index) => bar(index, 1_800 + index));
  const seeds = [
    `${BARS}\n${minute.join("\n")}\n`,
    `${BARS}\r\n${minute.join("\r\n")}`,
    `${BARS}\n${AT},2,3,1,2,0\n${AT + 15_000},2,2,2,2,0\n${AT + 45_000},2,2.5,2,2.5,1\n`,
    `timestamp_ms,base_fee_gwei\n${AT},21.5\n${AT + 600_000},22\n${AT + 6_000_000},0\n`,
    `timestamp_ms,blocks,p30_wei,p50_wei\n${AT},4,21000000000,1\n${AT + 600_000},4,22000000000,1\n`,
    `from_ms,to_ms,kind,name\n${AT},${AT + 60_000},true,ETH/USD: a printing error, nobody's\n0,1,false,x\n`,
    stringify({
      preset: "major",
      thresholds: { jumpBps: 200 },
      feeds: { "ETH/USD": { preset: "stable", thresholds: { clearMs: 60_000 } } },
    }),
    ...["binance-LUNAUSDT-1m-2022-05.csv", "kraken-BTCUSD-1m.csv", "coinbase.copy-ETHUSDC-15s.csv", "whatever.csv"],
    writeCheckpoint({ inputs: "x", finished: [], running: null }),
  ];
  return seeds.map((text) => new Uint8Array(Buffer.from(text)));
}

const NOT_OF_ITS_KIND = /^line #: expected (the header|timestamp_ms first)|^not a checkpoint/;

function execute(input: Uint8Array): string {
  const text = Buffer.from(input).toString("utf8");
  const [named, ...read] = [readName, readBars, readGas, readLabels, readState, readThresholds].map((reader) => reader(text));
  // Six outcomes in one would be new for ever: of those that the header or the format does not refuse, the first.
  return `${named} ${read.find((outcome) => !NOT_OF_ITS_KIND.test(outcome))?.replace(/found.*/s, "found …")}`;
}

function readBars(text: string): string {
  const series = parseBars(text);
  if (!series.ok) return classOf(series.error);
  const { bars, barMs } = series.value;
  bars.forEach(({ at, open, high, low, close }, index) => {
    const before = bars[index - 1];
    ensure(low > 0n && high <= MAX_AMOUNT, "a bar's prices are amounts above zero");
    ensure(low <= open && low <= close && open <= high && close <= high, "a bar lies between its low and its high");
    ensure(before === undefined || (at > before.at && (at - before.at) % barMs === 0), "bars ascend on one grid");
  });
  return `bars ${recordOf(series.value)}`;
}

function recordOf(series: BarSeries): string {
  const files = (["ETH/USD", "ETH/USDT", "USDT/USD"] as FeedId[]).map((market, index) => ({
    ...{ name: `${index}.csv`, venue: `venue${index}`, market, series },
  }));
  const record = buildRecord(files);
  if (!record.ok) return classOf(record.error);
  const { from, to, stepMs, feeds } = record.value;
  ensure(from < to && from % stepMs === 0, "a record is some whole steps long");
  for (const { sources } of feeds) {
    for (const { bars, barMs } of sources.map((source) => source.series)) {
      ensure(barMs % stepMs === 0, "a bar is whole steps");
      for (const { at } of bars) ensure(at % stepMs === 0, "a bar begins at a step");
    }
  }
  return `record ${stepMs}`;
}

function readGas(text: string): string {
  const gas = parseGas(text);
  if (!gas.ok) return classOf(gas.error);
  const { points } = gas.value;
  points.forEach(({ at, fee }, index) => {
    ensure(fee >= 0n && at > (points[index - 1]?.at ?? -1), "fees are amounts at ascending times");
    const held = feeAt(gas.value, at);
    ensure(held !== undefined && held >= 1n, "a fee holds from its own instant, and is at least one unit");
  });
  ensure(!joinGas([gas.value, gas.value]).ok, "a series does not follow itself");
  ensure(joinGas([gas.value]).ok, "a series joined with none is itself");
  return "gas";
}

function readLabels(text: string): string {
  const labels = parseLabels(text);
  if (!labels.ok) return classOf(labels.error);
  for (const label of labels.value) ensure(label.from < label.to && label.name.length > 0, "a label is a span with a name");
  return `labels ${labels.value.some((label) => concerns(label, ETH))}`;
}

/** As the program reads YAML, but that it shows warnings. */
function readThresholds(text: string): string {
  let plain: unknown;
  try {
    plain = parse(text, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    return "no YAML";
  }
  const set = parseThresholdSet(plain);
  if (!set.ok) return classOf(set.error[0]?.expected ?? "");
  const again = parseThresholdSet(JSON.parse(JSON.stringify(set.value)));
  ensure(again.ok && JSON.stringify(again.value) === JSON.stringify(set.value), "a set of thresholds parses as itself");
  return "thresholds";
}

function readName(text: string): string {
  const market = parseFileName(text);
  const venue = venueOf(text);
  if (market.ok) ensure(venue.ok && venue.value === market.value.venue, "a file's venue is the one its market is on");
  return `${market.ok} ${venue.ok}`;
}

function readState(text: string): string {
  const checkpoint = readCheckpoint(text, "x");
  if (!checkpoint.ok) return classOf(checkpoint.error);
  ensure(readCheckpoint(writeCheckpoint(checkpoint.value), "x").ok, "a checkpoint that reads is one that is written");
  return "checkpoint";
}
