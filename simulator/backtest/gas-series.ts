import { ONE, parseAmount } from "../../protocol/amount.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { parseInstant } from "./bars.ts";

const MAX_ROWS = 1_000_000;
const GWEI_PER_WEI = 1_000_000_000n;
/** A row holds until the next one, but no longer than this: a file that stops says nothing of what follows. */
const MAX_HOLD_MS = 3_600_000;

/**
 * The first of these columns that a file has is taken for its base fee. Before EIP-1559 there was none; the price that 30 % of the
 * transactions did not exceed is the nearest to what inclusion cost, and no whale's tip moves it.
 */
const FEE_COLUMNS = [
  { name: "base_fee_gwei", scale: 1n },
  { name: "base_fee_wei", scale: GWEI_PER_WEI },
  { name: "p30_wei", scale: GWEI_PER_WEI },
] as const;

/** Base fees in gwei (10⁻¹⁸) by ascending time. */
export type GasSeries = {
  readonly column: string;
  readonly points: readonly { readonly at: number; readonly fee: bigint }[];
};

/**
 * A CSV with `timestamp_ms` and a fee column. Strict about those two; other columns are ignored.
 *
 * @example
 * parseGas("timestamp_ms,base_fee_gwei\n0,21.5\n600000,22\n"); // { column: "base_fee_gwei", points: [{ at: 0, fee: 21.5e18 }, …] }
 */
export function parseGas(text: string): Result<GasSeries, string> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > MAX_ROWS + 1) return fail(`expected at most ${MAX_ROWS} lines`);
  const names = (lines[0] ?? "").split(",");
  const column = FEE_COLUMNS.find(({ name }) => names.includes(name));
  if (names[0] !== "timestamp_ms" || column === undefined) {
    return fail(`line 1: expected timestamp_ms first and one of ${FEE_COLUMNS.map(({ name }) => name).join(", ")}`);
  }
  const position = names.indexOf(column.name);
  const points: { at: number; fee: bigint }[] = [];
  for (let index = 1; index < lines.length; index++) {
    const fields = (lines[index] ?? "").split(",");
    const at = parseInstant(fields[0] ?? "");
    const fee = parseAmount(fields[position] ?? "");
    if (fields.length !== names.length) return fail(`line ${index + 1}: expected ${names.length} fields, found ${fields.length}`);
    if (at === undefined) return fail(`line ${index + 1}: timestamp_ms: expected Unix ms, found "${fields[0]}"`);
    if (at <= (points.at(-1)?.at ?? -1)) return fail(`line ${index + 1}: timestamp_ms: expected a later time than before`);
    if (!fee.ok) return fail(`line ${index + 1}: ${column.name}: expected a decimal amount (${fee.error})`);
    points.push({ at, fee: fee.value / column.scale });
  }
  return points.length === 0 ? fail("expected at least one row") : ok({ column: column.name, points });
}

/** Several files of one chain as one series. They must not overlap in time. */
export function joinGas(series: readonly GasSeries[]): Result<GasSeries | undefined, string> {
  const ordered = [...series].sort((a, b) => (a.points[0]?.at ?? 0) - (b.points[0]?.at ?? 0));
  const points: GasSeries["points"][number][] = [];
  for (const { points: more } of ordered) {
    if ((more[0]?.at ?? 0) <= (points.at(-1)?.at ?? -1)) return fail("expected gas files that do not overlap in time");
    for (const point of more) points.push(point);
  }
  const column = [...new Set(series.map((item) => item.column))].join(", ");
  return ok(points.length === 0 ? undefined : { column, points });
}

/** The fee in force at an instant, at least one unit; undefined before the first row and an hour after the last one. */
export function feeAt({ points }: GasSeries, at: number): bigint | undefined {
  const point = points[lastAtOrBefore(points, at)];
  if (point === undefined || at - point.at >= MAX_HOLD_MS) return undefined;
  return point.fee > 0n ? point.fee : 1n;
}

/** Position of the last item that begins at or before an instant; −1 when there is none. */
export function lastAtOrBefore(items: readonly { readonly at: number }[], at: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** For people and charts. */
export function toGwei(fee: bigint): number {
  return Number(fee) / Number(ONE);
}
