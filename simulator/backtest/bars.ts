import { parseAmount } from "../../protocol/amount.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";

/** Of one file: 3 800 days of minutes. */
export const MAX_ROWS = 5_500_000;
/** A day: nothing can be said of a breaker from bars longer than that. */
const MAX_BAR_MS = 86_400_000;
const HEADER = "timestamp_ms,open,high,low,close,volume";

/** What a venue traded at in one span of time that begins at `at` (Unix ms); amounts of 10⁻¹⁸, low ≤ open, close ≤ high, low > 0. */
export type Bar = {
  readonly at: number;
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
};

/** Bars by ascending time; `barMs` is the shortest distance between two of them. */
export type BarSeries = { readonly barMs: number; readonly bars: readonly Bar[] };

/**
 * `timestamp_ms,open,high,low,close,volume`, a header line and then one bar a line, exact decimal text. Strict: a line that is out of
 * order, off the grid, or whose low is not its lowest price is a fault, and the fault names the line.
 *
 * @example
 * parseBars("timestamp_ms,open,high,low,close,volume\n0,2,3,1,2,9\n60000,2,2,2,2,0\n"); // { barMs: 60000, bars: [{ at: 0, … }, …] }
 */
export function parseBars(text: string): Result<BarSeries, string> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== HEADER) return fail(`line 1: expected the header ${HEADER}`);
  if (lines.length > MAX_ROWS + 1) return fail(`expected at most ${MAX_ROWS} lines`);
  if (lines.length < 3) return fail("expected at least two bars");
  const bars: Bar[] = [];
  for (let index = 1; index < lines.length; index++) {
    const bar = parseBar(lines[index] ?? "", bars.at(-1));
    if (!bar.ok) return fail(`line ${index + 1}: ${bar.error}`);
    bars.push(bar.value);
  }
  return findGrid(bars);
}

function parseBar(line: string, previous: Bar | undefined): Result<Bar, string> {
  const fields = line.split(",");
  const [time = "", open = "", high = "", low = "", close = "", volume = ""] = fields;
  if (fields.length !== 6) return fail(`expected 6 fields, found ${fields.length}`);
  const at = parseInstant(time);
  if (at === undefined) return fail(`timestamp_ms: expected Unix ms, found "${time}"`);
  if (previous !== undefined && at <= previous.at) return fail(`timestamp_ms: expected more than ${previous.at}, found ${at}`);
  if (!parseAmount(volume).ok) return fail(`volume: expected a decimal amount, found "${volume}"`);
  const prices: bigint[] = [];
  for (const [name, decimal] of Object.entries({ open, high, low, close })) {
    const amount = parseAmount(decimal);
    if (!amount.ok) return fail(`${name}: expected a decimal price, found "${decimal}" (${amount.error})`);
    if (amount.value === 0n) return fail(`${name}: expected a price above zero`);
    prices.push(amount.value);
  }
  const [o = 0n, h = 0n, l = 0n, c = 0n] = prices;
  if (h < o || h < c) return fail("high: expected at least open and close");
  if (l > o || l > c) return fail("low: expected at most open and close");
  return ok({ at, open: o, high: h, low: l, close: c });
}

/** Unix ms as a file writes them: digits only, within what dates can hold. */
export function parseInstant(text: string): number | undefined {
  const instant = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return instant <= 8_640_000_000_000_000 ? instant : undefined;
}

function findGrid(bars: readonly Bar[]): Result<BarSeries, string> {
  let barMs = Number.POSITIVE_INFINITY;
  for (let index = 1; index < bars.length; index++) {
    barMs = Math.min(barMs, (bars[index]?.at ?? 0) - (bars[index - 1]?.at ?? 0));
  }
  if (barMs > MAX_BAR_MS) return fail(`expected bars of at most a day, found ${barMs} ms between any two`);
  const first = bars[0]?.at ?? 0;
  const off = bars.findIndex(({ at }) => (at - first) % barMs !== 0);
  if (off >= 0) return fail(`line ${off + 2}: timestamp_ms: expected a whole number of bars of ${barMs} ms after the first`);
  return ok({ barMs, bars });
}
