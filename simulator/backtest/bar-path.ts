import type { Bar } from "./bars.ts";

/** Low first or high first. */
export type PathOrder = "OLHC" | "OHLC";

/** A bar has four corners, so it takes at least four steps. */
export const CORNERS = 4;

/**
 * The order that is worse for a breaker: the longer way, |O−L| + |L−H| + |H−C| against |O−H| + |H−L| + |L−C|. That is the one which
 * first overshoots towards the close, then turns to the opposite extreme and back: low first when the price fell, high first when it
 * rose. The largest single step, L to H, is the same both ways and cannot decide. It does not depend on thresholds, so that two sets
 * of them are tried on one market; and it is one for all venues of a feed, weighed by their moves in bps, because venues at opposite
 * ends of a bar would be a dispersion that only the file format made. When nothing moved from open to close, the extreme farther from
 * the open comes first.
 *
 * @example
 * // open 100, high 101, low 90, close 92: 10 + 11 + 9 = 30 against 1 + 11 + 2 = 14
 * worseOrder([{ at: 0, open: 100n, high: 101n, low: 90n, close: 92n }]); // "OLHC"
 */
export function worseOrder(bars: readonly Bar[]): PathOrder {
  let fall = 0n;
  let below = 0n;
  for (const { open, high, low, close } of bars) {
    fall += share(open - close, open);
    below += share(open - low - (high - open), open);
  }
  if (fall !== 0n) return fall > 0n ? "OLHC" : "OHLC";
  return below > 0n ? "OLHC" : "OHLC";
}

/** In 10⁻⁹ of the open, truncated. */
function share(part: bigint, whole: bigint): bigint {
  return (part * 1_000_000_000n) / whole;
}

/**
 * The price at step k of a bar's `steps` (≥ 4): its corners at equal distances from the first step to the last, straight lines between
 * them, truncated towards the earlier corner. Four steps are the corners themselves.
 *
 * @example
 * // O 100, L 90, H 101, C 92 in seven steps: 100, 95, 90, 95, 101, 97, 92
 */
export function stepPrice(
  bar: Bar,
  order: PathOrder,
  { step, steps }: { readonly step: number; readonly steps: number },
): bigint {
  const { open, high, low, close } = bar;
  const corners = order === "OLHC" ? [open, low, high, close] : [open, high, low, close];
  const reached = step * (CORNERS - 1);
  const leg = Math.floor(reached / (steps - 1));
  const from = corners[leg] ?? close;
  const to = corners[leg + 1] ?? close;
  const rest = reached - leg * (steps - 1);
  return rest === 0 ? from : from + ((to - from) * BigInt(rest)) / BigInt(steps - 1);
}

/** Bars of `targetMs` from shorter ones that lie on its grid: first open, highest high, lowest low, last close. */
export function mergeBars(bars: readonly Bar[], targetMs: number): readonly Bar[] {
  const merged: Bar[] = [];
  for (const bar of bars) {
    const at = bar.at - (bar.at % targetMs);
    const last = merged.at(-1);
    if (last?.at !== at) merged.push({ ...bar, at });
    else {
      merged[merged.length - 1] = {
        ...last,
        high: bar.high > last.high ? bar.high : last.high,
        low: bar.low < last.low ? bar.low : last.low,
        close: bar.close,
      };
    }
  }
  return merged;
}
