import { assert } from "../protocol/assert.ts";

/** One line of the table: our figure beside the one it is compared with, both measured in this run. */
export type Row = {
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  readonly ratio: string;
  /** Absent: a figure that explains another row and has no aim of its own. */
  readonly aim?: { readonly text: string; readonly met: boolean };
};

/** What a benchmark says: its rows, and in sentences what was compared and what the figures do not show. */
export type Outcome = { readonly rows: readonly Row[]; readonly notes: readonly string[] };

/** A figure that a benchmark cannot give ends it; the others go on. */
export type Benchmark = { readonly name: string; readonly title: string; readonly run: () => Outcome | Promise<Outcome> };

/**
 * CPU time that this thread has used, in ms. For work that never waits it is the wall time of an idle machine: what the neighbours on
 * a shared one take does not count.
 */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The nearest rank: `quantile(values, 0.95)` is a value that was measured. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  assert(value !== undefined, "there is something to take a quantile of");
  return value;
}

/**
 * CPU ms per call of each work, the median over `repetitions`. The works take turns (A B A B), so that whatever slows the machine for
 * a while slows them all; each turn repeats its work until `minMs` have passed. The first turn of each warms up and does not count.
 */
export function timeInTurns<K extends string>(
  works: Readonly<Record<K, () => unknown>>,
  { repetitions, minMs }: { readonly repetitions: number; readonly minMs: number },
): Readonly<Record<K, number>> {
  const names = Object.keys(works) as K[];
  const samples = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn <= repetitions; turn++) {
    for (const name of names) {
      const ms = timeCalls(works[name], minMs);
      if (turn > 0) samples.get(name)?.push(ms);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples.get(name) ?? [])])) as Record<K, number>;
}

function timeCalls(work: () => unknown, minMs: number): number {
  const startedAt = cpuMs();
  let calls = 0;
  let spent = 0;
  while (spent < minMs) {
    work();
    calls += 1;
    spent = cpuMs() - startedAt;
  }
  return spent / calls;
}

/** @example formatCount(12_345.6); // "12,346" */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function formatMs(ms: number): string {
  return `${ms < 1 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

export function formatRatio(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)} ×`;
}

export function atLeast(value: number, limit: number, text: string): { readonly text: string; readonly met: boolean } {
  return { text: `≥ ${text}`, met: value >= limit };
}

export function atMost(value: number, limit: number, text: string): { readonly text: string; readonly met: boolean } {
  return { text: `≤ ${text}`, met: value <= limit };
}
