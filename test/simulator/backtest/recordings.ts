import { ONE } from "../../../protocol/amount.ts";
import type { Preset } from "../../../protocol/thresholds.ts";
import type { Bar } from "../../../simulator/backtest/bars.ts";
import { networkOf } from "../../../simulator/backtest/network.ts";
import { buildRecord, type HistoryFile, type MarketRecord } from "../../../simulator/backtest/record.ts";
import type { Judgement } from "../../../simulator/backtest/result.ts";
import { createRun, type Run, type RunPlan } from "../../../simulator/backtest/run.ts";
import { DEFAULT_THRESHOLDS, type ThresholdSet } from "../../../simulator/backtest/threshold-set.ts";
import { feedId } from "../../support/rounds.ts";

/** 2024-01-01. */
export const START = 1_704_067_200_000;
export const MINUTE = 60_000;

export const JUDGEMENT: Judgement = { labels: [], loan: { bufferBps: 700, penaltyBps: 500 }, tripsPerYear: 12 };

/** One bar a minute from whole prices: each opens at the price before it and closes at its own, with nothing beyond. */
export function minuteBars(closes: readonly number[], { from = START, barMs = MINUTE } = {}): readonly Bar[] {
  return closes.map((close, index) => {
    const [open, end] = [closes[Math.max(0, index - 1)] ?? close, close].map(
      (price) => (BigInt(Math.round(price * 1e6)) * ONE) / 1_000_000n,
    );
    if (open === undefined || end === undefined) throw new Error("two prices");
    return { at: from + index * barMs, open, high: open > end ? open : end, low: open < end ? open : end, close: end };
  });
}

export function historyFile(venue: string, market: string, bars: readonly Bar[], barMs = MINUTE): HistoryFile {
  return { name: `${venue}-${market.replace("/", "")}-1m.csv`, venue, market: feedId(market), series: { barMs, bars } };
}

/** The file's text as a venue would have written it. */
export function csvOf(bars: readonly Bar[]): string {
  const text = (amount: bigint) => `${amount / ONE}.${String(amount % ONE).padStart(18, "0")}`;
  const lines = bars.map(({ at, open, high, low, close }) => [at, ...[open, high, low, close].map(text), 1].join(","));
  return `timestamp_ms,open,high,low,close,volume\n${lines.join("\n")}\n`;
}

export function recordOf(files: readonly HistoryFile[], window = {}): MarketRecord {
  const record = buildRecord(files, window);
  if (!record.ok) throw new Error(record.error);
  return record.value;
}

export function planOf(
  record: MarketRecord,
  {
    set = DEFAULT_THRESHOLDS,
    preset = "major",
    basket = [],
    chain,
    ...rest
  }: Partial<RunPlan> & {
    readonly set?: ThresholdSet;
    readonly preset?: Preset;
    readonly basket?: readonly { readonly feed: string; readonly weight: number }[];
    readonly chain?: string;
  } = {},
): RunPlan {
  const network = networkOf(record, set, { presetOf: () => preset, basket, chain });
  if (!network.ok) throw new Error(JSON.stringify(network.error));
  return { record, network: network.value, holdMs: 30 * MINUTE, gas: undefined, ...rest };
}

export function runToEnd(plan: RunPlan): Run {
  const run = createRun(plan);
  run.advance(Number.MAX_SAFE_INTEGER);
  return run;
}

/** Prices that wander by less than a basis point a minute. */
export function calm(minutes: number, price = 20_000): readonly number[] {
  return Array.from({ length: minutes }, (_, index) => price * (1 + 0.00005 * Math.sin(index)));
}
