import { CARRIED_BIT, hasReason, type Report, RULES } from "../../protocol/report.ts";

/** However long a record is, its picture has at most this many points. */
export const MAX_POINTS = 1_200;

/** What may be liquidated at a point, at worst: 0 anything, 1 with half-open's budget, 2 only what is robustly insolvent, 3 nothing. */
export const LEVELS = ["closed", "half-open", "open", "none"] as const;
export type LevelCode = 0 | 1 | 2 | 3;

/** Spans of `pointMs` from `from` on; per span the last, lowest and highest price, the outer ends served, the worst level, all reasons. */
export type ChartSeries = {
  readonly from: number;
  readonly pointMs: number;
  price: (number | null)[];
  min: number[];
  max: number[];
  low: number[];
  high: number[];
  level: LevelCode[];
  reasons: number[];
};

const RULE_BITS = 2 ** RULES.length;

export function createChart({
  from,
  to,
  stepMs,
}: {
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}): ChartSeries {
  const steps = Math.ceil((to - from) / stepMs);
  const pointMs = Math.max(1, Math.ceil(steps / MAX_POINTS)) * stepMs;
  return { from, pointMs, price: [], min: [], max: [], low: [], high: [], level: [], reasons: [] };
}

/** Takes one round into its span. Changes `chart`. */
export function drawRound(chart: ChartSeries, { at, report }: { readonly at: number; readonly report: Report }): void {
  const index = Math.floor((at - chart.from) / chart.pointMs);
  while (chart.price.length < index) addPoint(chart, null);
  const price = toNumber(report.price);
  if (chart.price.length === index) addPoint(chart, price);
  chart.price[index] = price;
  chart.min[index] = Math.min(chart.min[index] ?? price, price);
  chart.max[index] = Math.max(chart.max[index] ?? price, price);
  chart.low[index] = Math.min(chart.low[index] ?? price, toNumber(report.low));
  chart.high[index] = Math.max(chart.high[index] ?? price, toNumber(report.high));
  chart.level[index] = Math.max(chart.level[index] ?? 0, levelOf(report)) as LevelCode;
  chart.reasons[index] = (chart.reasons[index] ?? 0) | bitsOf(report.reasons);
}

function addPoint(chart: ChartSeries, price: number | null): void {
  const value = price ?? 0;
  chart.price.push(price);
  for (const list of [chart.min, chart.max, chart.low, chart.high]) list.push(value);
  chart.level.push(0);
  chart.reasons.push(0);
}

function levelOf({ liquidate, state }: Report): LevelCode {
  if (liquidate === "none") return 3;
  if (state === "open" || liquidate === "robust") return 2;
  return state === "half-open" ? 1 : 0;
}

/** Rules in their bits, and the carried price in the bit above them. */
function bitsOf(reasons: number): number {
  return (reasons % RULE_BITS) + (hasReason(reasons, CARRIED_BIT) ? RULE_BITS : 0);
}

/** The same with eight digits a figure: more than a screen can show, and a third of the bytes. */
export function roundChart(chart: ChartSeries): ChartSeries {
  const short = (value: number) => Number(value.toPrecision(8));
  return {
    ...chart,
    price: chart.price.map((price) => (price === null ? null : short(price))),
    min: chart.min.map(short),
    max: chart.max.map(short),
    low: chart.low.map(short),
    high: chart.high.map(short),
  };
}

/** An amount of 10⁻¹⁸ as a float, for charts and statistics. */
export function toNumber(amount: bigint): number {
  return Number(amount) / 1e18;
}
