import type { Plan } from "./plan.ts";

/** After each named instant memory finds its new level first: buffers, a store's pages, a young process's heap. */
const SETTLING_MS = 30_000;
/** A line through fewer points says nothing. */
const MIN_POINTS = 6;
const LEVELS = "▁▂▃▄▅▆▇█";

export type Point = { readonly atMs: number; readonly mb: number; readonly pid: number };

export type Slope = {
  readonly mbPerMinute: number;
  /** Widened for neighbouring looks that are alike: (1 + r) / (1 − r) with r the residuals' correlation with the next. */
  readonly standardError: number;
  readonly points: number;
};

/**
 * Growth of memory over the steady stretches, by least squares: one slope, and a level for each stretch between the plan's named instants
 * (a gateway that takes over another's readers stands higher from then on; that is no growth). The first half minute of each stretch, and
 * of each process that was started anew, is left out. Undefined when there are too few looks.
 *
 * @example
 * slopeOf([0, 5, 10, 15, 20, 25].map((s) => ({ atMs: s * 1000, mb: 100 + s, pid: 1 })), [{ from: 0, to: 30_000 }])?.mbPerMinute; // 60
 */
export function slopeOf(points: readonly Point[], stretches: readonly Stretch[]): Slope | undefined {
  const groups = stretches
    .map(({ from, to }) => points.filter(({ atMs }) => atMs >= from && atMs < to))
    .filter((group) => group.length >= 3 && new Set(group.map(({ pid }) => pid)).size === 1);
  const centred = groups.flatMap((group) => {
    const x = mean(group.map(({ atMs }) => atMs / 60_000));
    const y = mean(group.map(({ mb }) => mb));
    return group.map(({ atMs, mb }) => ({ x: atMs / 60_000 - x, y: mb - y }));
  });
  const freedom = centred.length - groups.length - 1;
  if (centred.length < MIN_POINTS || freedom < 1) return undefined;
  const sxx = centred.reduce((sum, { x }) => sum + x * x, 0);
  const mbPerMinute = centred.reduce((sum, { x, y }) => sum + x * y, 0) / sxx;
  const residuals = centred.map(({ x, y }) => y - mbPerMinute * x);
  const variance = residuals.reduce((sum, item) => sum + item * item, 0) / freedom;
  const standardError = Math.sqrt((variance / sxx) * inflation(residuals));
  return { mbPerMinute, standardError, points: centred.length };
}

export type Stretch = { readonly from: number; readonly to: number };

/** Between the plan's named instants, without the half minute after each. */
export function steadyStretches({ steadyAt, frozenAt, outages, durationMs }: Plan): readonly Stretch[] {
  const instants = [steadyAt, frozenAt, ...outages.flatMap(({ killAt, startAt }) => [killAt, startAt]), durationMs];
  const sorted = [...instants].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((instant, index) => ({ from: instant + SETTLING_MS, to: sorted[index + 1] ?? durationMs }));
}

/**
 * A line of blocks, the whole run from left to right; a blank where the process was dead.
 *
 * @example
 * plot([{ atMs: 0, mb: 1, pid: 1 }, { atMs: 500, mb: 8, pid: 1 }], 1000, 2); // "▁█"
 */
export function plot(points: readonly Point[], durationMs: number, width: number): string {
  const values = points.map(({ mb }) => mb);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return Array.from({ length: width }, (_, column) => {
    const inside = points.filter(({ atMs }) => Math.min(width - 1, Math.floor((atMs / durationMs) * width)) === column);
    if (inside.length === 0) return " ";
    const height = most === least ? 0 : (mean(inside.map(({ mb }) => mb)) - least) / (most - least);
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(height * LEVELS.length))];
  }).join("");
}

function inflation(residuals: readonly number[]): number {
  const squares = residuals.reduce((sum, item) => sum + item * item, 0);
  if (squares === 0) return 1;
  const products = residuals.slice(1).reduce((sum, item, index) => sum + item * (residuals[index] ?? 0), 0);
  const r = Math.min(0.95, Math.max(0, products / squares));
  return (1 + r) / (1 - r);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
