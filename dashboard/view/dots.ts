import { parseAmount } from "../../protocol/amount.ts";
import type { Source } from "../data/api.ts";

/** Around what counts, so that the outermost dots do not stand on the edge. */
const MARGIN_PER_MILLE = 150n;
const WIDTH = 1_000n;

export type Dot = {
  /** Index among the sources. */
  readonly index: number;
  /** 0 … 1000 along the axis. */
  readonly x: number;
  /** 0 is the line itself; others stack above it. */
  readonly lane: number;
  readonly used: boolean;
  /** The source is off the axis on this side; `x` is the edge. */
  readonly beyond: "low" | "high" | undefined;
};
export type DotAxis = { readonly low: bigint; readonly high: bigint; readonly dots: readonly Dot[]; readonly lanes: number };

/**
 * Every source with a price as a dot on one axis. The axis spans the used sources and the node's own interval, so that one venue at half
 * the price does not squeeze all others into a line: it stands at the edge and says so. Dots that would touch stack.
 *
 * @param gap the least distance of two dots in one lane, in thousandths of the axis
 */
export function layoutDots(
  sources: readonly Source[],
  { low, high, gap }: { readonly low: string | null; readonly high: string | null; readonly gap: number },
): DotAxis | undefined {
  const priced = sources.flatMap(({ price, status }, index) => {
    const amount = parseAmount(price ?? "");
    return amount.ok ? [{ index, value: amount.value, used: status === "used" }] : [];
  });
  const inner = priced.filter(({ used }) => used).map(({ value }) => value);
  const ends = [low, high].flatMap((text) => {
    const amount = parseAmount(text ?? "");
    return amount.ok ? [amount.value] : [];
  });
  const counted = inner.length + ends.length > 0 ? [...inner, ...ends] : priced.map(({ value }) => value);
  if (counted.length === 0) return undefined;
  const axis = spread(counted);
  const placed = priced
    .map(({ index, value, used }) => ({ index, used, ...place(value, axis) }))
    .sort((a, b) => a.x - b.x || a.index - b.index);
  const dots = stack(placed, gap);
  return { ...axis, dots, lanes: dots.reduce((most, { lane }) => Math.max(most, lane + 1), 0) };
}

/** Where an amount's text lies along an axis, 0 … 1000; undefined when it is none. */
export function placeOnAxis(text: string, axis: Pick<DotAxis, "low" | "high">): number | undefined {
  const amount = parseAmount(text);
  return amount.ok ? place(amount.value, axis).x : undefined;
}

function spread(values: readonly bigint[]): { readonly low: bigint; readonly high: bigint } {
  const low = values.reduce((least, value) => (value < least ? value : least));
  const high = values.reduce((most, value) => (value > most ? value : most));
  const span = high - low > 0n ? high - low : high / 1_000n + 1n;
  const margin = (span * MARGIN_PER_MILLE) / 1_000n + 1n;
  return { low: low - margin, high: high + margin };
}

function place(value: bigint, { low, high }: { readonly low: bigint; readonly high: bigint }): Pick<Dot, "x" | "beyond"> {
  if (value < low) return { x: 0, beyond: "low" };
  if (value > high) return { x: Number(WIDTH), beyond: "high" };
  return { x: Number(((value - low) * WIDTH) / (high - low)), beyond: undefined };
}

function stack(placed: readonly Omit<Dot, "lane">[], gap: number): readonly Dot[] {
  const lastX: number[] = [];
  return placed.map((dot) => {
    const free = lastX.findIndex((x) => dot.x - x >= gap);
    const lane = free < 0 ? lastX.length : free;
    lastX[lane] = dot.x;
    return { ...dot, lane };
  });
}
