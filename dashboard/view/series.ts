import type { HistoryPoint, State } from "../data/api.ts";

/** What the chart needs of a round; a bundle's feed and a point of the history have it alike. */
export type Point = Pick<HistoryPoint, "round" | "timestamp" | "price" | "low" | "high" | "ema"> & {
  readonly breaker: { readonly state: State };
};

/** Two rounds further apart than this many round lengths have a hole between them. */
const GAP_ROUNDS = 3;
/** Rounds kept for the longest range on offer, and some more. */
export const MAX_POINTS = 4_000;

/** Both in order, each round once; of one round the later arrival counts. The oldest beyond the bound go. */
export function mergePoints(known: readonly Point[], fresh: readonly Point[]): readonly Point[] {
  const last = known.at(-1);
  const [first] = fresh;
  if (first === undefined) return known;
  if (last === undefined || first.round > last.round) return [...known, ...fresh].slice(-MAX_POINTS);
  const byRound = new Map([...known, ...fresh].map((point) => [point.round, point]));
  return [...byRound.values()].sort((a, b) => a.round - b.round).slice(-MAX_POINTS);
}

export type Columns = readonly [
  seconds: readonly number[],
  price: readonly (number | null)[],
  low: readonly (number | null)[],
  high: readonly (number | null)[],
  ema: readonly (number | null)[],
];

/** As the chart takes them: columns of numbers, seconds first, with an empty row in each hole so that no line crosses it. */
export function toColumns(points: readonly Point[]): Columns {
  const columns: [number[], (number | null)[], (number | null)[], (number | null)[], (number | null)[]] = [[], [], [], [], []];
  let before: Point | undefined;
  for (const point of points) {
    if (before !== undefined && isHole(before, point)) push(columns, (before.timestamp + roundMsOf(before)) / 1_000, undefined);
    push(columns, point.timestamp / 1_000, point);
    before = point;
  }
  return columns;
}

function push(columns: (number | null)[][], seconds: number, point: Point | undefined): void {
  const row = point === undefined ? [null, null, null, null] : [point.price, point.low, point.high, point.ema].map(Number);
  for (const [index, value] of [seconds, ...row].entries()) columns[index]?.push(value);
}

export type Segment = { readonly state: State; readonly from: number; readonly to: number };

/** Spans of one state, Unix ms; where rounds are missing there is none: nothing was certified then. */
export function toRibbon(points: readonly Point[]): readonly Segment[] {
  const segments: Segment[] = [];
  let before: Point | undefined;
  for (const point of points) {
    const { state } = point.breaker;
    const last = segments.at(-1);
    const to = point.timestamp + roundMsOf(point);
    const joined = before !== undefined && !isHole(before, point);
    if (last !== undefined && joined && last.state === state) segments[segments.length - 1] = { ...last, to };
    else segments.push({ state, from: point.timestamp, to });
    before = point;
  }
  return segments;
}

/** Whether rounds are missing between two: a round's number times its network's round length is its time. */
export function isHole(before: Point, after: Point): boolean {
  return after.timestamp - before.timestamp > GAP_ROUNDS * roundMsOf(after);
}

function roundMsOf({ round, timestamp }: Point): number {
  return round === 0 ? 0 : timestamp / round;
}

/** What a chart says to those who do not see it. */
export function describeSeries(points: readonly Point[]): string {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return "No rounds yet.";
  const values = points.map(({ price }) => Number(price));
  const lowest = points[values.indexOf(Math.min(...values))]?.price ?? "";
  const highest = points[values.indexOf(Math.max(...values))]?.price ?? "";
  const states = new Set(points.map(({ breaker }) => breaker.state));
  return `${points.length} rounds: from ${first.price} to ${last.price}, lowest ${lowest}, highest ${highest}; breaker ${[...states].join(", ")}.`;
}
