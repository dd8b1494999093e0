import { fail, ok, type Result } from "../../protocol/result.ts";
import { CORNERS, stepPrice, worseOrder } from "../backtest/bar-path.ts";
import { type Bar, parseBars } from "../backtest/bars.ts";
import type { Path } from "./quotes.ts";
import type { Scenario } from "./scenario.ts";

/** Texts of data files by their path below the data folder, as `history/2023-03-usdc-depeg/kraken-USDCUSD-1m.csv`. */
export type DataFiles = ReadonlyMap<string, string>;

/** A scenario that is played from recorded prices, and the files that it needs. */
export type SeriesScenario = {
  readonly name: string;
  readonly title: string;
  readonly files: readonly string[];
  readonly build: (files: DataFiles) => Result<Scenario, string>;
};

/** Rounds of a whole day's series: a minute's bar is then its four corners, a longer one straight lines between them. */
export const SERIES_ROUND_MS = 15_000;

/** A bar's length and the instant of second zero; `roundMs` is how finely a bar is walked. */
export type BarGrid = { readonly barMs: number; readonly startAt: number; readonly roundMs?: number };

export function readBars(files: DataFiles, file: string): Result<readonly Bar[], string> {
  const text = files.get(file);
  if (text === undefined) return fail(`${file} is not there`);
  const parsed = parseBars(text);
  return parsed.ok ? ok(parsed.value.bars) : fail(`${file}: ${parsed.error}`);
}

/**
 * Bars as a path: each along its corners, in the order that is worse for a breaker; a missing bar holds the last close.
 */
export function barPath(bars: readonly Bar[], { barMs, startAt, roundMs = SERIES_ROUND_MS }: BarGrid): Path {
  const orders = bars.map((bar) => worseOrder([bar]));
  const steps = Math.max(CORNERS, barMs / roundMs);
  return (second) => {
    const at = startAt + second * 1_000;
    const index = lastAtOrBefore(bars, at);
    const bar = bars[index];
    if (bar === undefined) return bars[0]?.open;
    if (at - bar.at >= barMs) return bar.close;
    const step = Math.min(steps - 1, Math.floor(((at - bar.at) * steps) / barMs));
    return stepPrice(bar, orders[index] ?? "OLHC", { step, steps });
  };
}

/** The closes alone: of two venues' bars that are to be divided by each other, since nobody knows when in a minute each had its corners. */
export function closePath(bars: readonly Bar[], { barMs, startAt }: BarGrid): Path {
  return (second) => {
    // A close is known when its bar is over.
    const bar = bars[lastAtOrBefore(bars, startAt + second * 1_000 - barMs)];
    return bar?.close ?? bars[0]?.open;
  };
}

/** One path over another. */
export function quotient(numerator: Path, denominator: Path, unit: bigint): Path {
  return (second) => {
    const above = numerator(second);
    const below = denominator(second);
    return above === undefined || below === undefined || below === 0n ? undefined : (above * unit) / below;
  };
}

function lastAtOrBefore(bars: readonly Bar[], at: number): number {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bars[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
