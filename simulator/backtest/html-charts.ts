import { RULES } from "../../protocol/report.ts";
import { type ChartSeries, LEVELS } from "./chart-series.ts";
import { formatFigure, formatTime } from "./figures.ts";
import { escapeHtml } from "./html-text.ts";
import type { Label } from "./labels.ts";
import type { GasChart } from "./report.ts";

const WIDTH = 1_200;
const PRICE_HEIGHT = 240;
const GAS_HEIGHT = 80;
const RIBBON_HEIGHT = 16;
const LANE_HEIGHT = 8;
/** A pause of one point must still be seen on a phone. */
const MIN_MARK = 3;
/** A price that moved by more than this factor is drawn by its logarithm. */
const LOG_FACTOR = 4;

const LEVEL_WORDS = ["closed: any liquidation", "half-open: within a budget", "open: robustly insolvent only", "no liquidation"];

export type ChartParts = {
  /** What the upper lane shows. */
  readonly name: string;
  readonly chart: ChartSeries;
  readonly points: number;
  readonly labels: readonly Label[];
  readonly gas: GasChart | null;
};

/** All lanes of one feed in one run, over one time axis. The words stand in HTML around the SVG, so that they keep their size on a phone. */
export function renderCharts({ name, chart, points, labels, gas }: ChartParts): string {
  const lanes = [renderPrice({ name, chart, points, labels }), renderRibbon(chart, points), ...renderReasons(chart, points)];
  if (gas !== null) lanes.push(renderGas(gas, points));
  return `<div class="charts">${lanes.join("")}${renderAxis(chart, points)}</div>`;
}

export function renderLegend(): string {
  return `<p class="legend">${LEVEL_WORDS.map((words, level) => `<span><i class="level-${LEVELS[level]}"></i>${words}</span>`).join("")}</p>`;
}

type Scale = { readonly y: (value: number) => number; readonly marks: readonly number[] };

function scaleOf(values: readonly number[], height: number): Scale {
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const logarithmic = least > 0 && most / least > LOG_FACTOR;
  const map = logarithmic ? Math.log : (value: number) => value;
  const back = logarithmic ? Math.exp : (value: number) => value;
  const [low, high] = [map(least), map(most)];
  const span = high > low ? high - low : 1;
  return {
    y: (value) => height - 2 - ((map(value) - low) / span) * (height - 4),
    marks: [1, 0.5, 0].map((share) => back(low + span * share)),
  };
}

function renderPrice({ name, chart, points, labels }: Omit<ChartParts, "gas">): string {
  const present = chart.price.flatMap((price, index) => (price === null ? [] : [index]));
  if (present.length === 0) return "";
  const extremes = present.flatMap((index) => [chart.min[index] ?? 0, chart.max[index] ?? 0]);
  const scale = scaleOf(extremes, PRICE_HEIGHT);
  const bound = (value: number) => Math.min(PRICE_HEIGHT, Math.max(0, scale.y(Math.max(value, Number.MIN_VALUE))));
  const x = (index: number) => coordinate(((index + 0.5) / points) * WIDTH);
  const shapes = runsOf(chart.price.map((price) => price !== null)).flatMap(({ from, to, value }) => {
    if (!value) return [];
    const indices = Array.from({ length: to - from }, (_, offset) => from + offset);
    const area = (upper: readonly number[], lower: readonly number[]) =>
      pathOf([
        ...indices.map((index) => `${x(index)} ${coordinate(bound(upper[index] ?? 0))}`),
        ...[...indices].reverse().map((index) => `${x(index)} ${coordinate(bound(lower[index] ?? 0))}`),
      ]);
    const line = pathOf(indices.map((index) => `${x(index)} ${coordinate(bound(chart.price[index] ?? 0))}`));
    return [
      `<path class="band" d="${area(chart.high, chart.low)}Z"/>`,
      `<path class="range" d="${area(chart.max, chart.min)}Z"/>`,
      `<path class="line" d="${line}"/>`,
    ];
  });
  const spans = labels.map((label) => renderLabel(label, chart, points));
  return plot(name, PRICE_HEIGHT, [...spans, ...shapes].join(""), scale.marks.map(formatFigure));
}

function renderLabel({ from, to, kind, name }: Label, chart: ChartSeries, points: number): string {
  const end = points * chart.pointMs;
  const [left, right] = [from, to].map((at) => (Math.min(end, Math.max(0, at - chart.from)) / end) * WIDTH);
  const width = Math.max(MIN_MARK, (right ?? 0) - (left ?? 0));
  const rect = `<rect class="label-${kind}" x="${coordinate(left ?? 0)}" width="${coordinate(width)}" height="${PRICE_HEIGHT}">`;
  return `${rect}<title>${escapeHtml(name)}</title></rect>`;
}

/** The worst level of each point, the worse ones drawn over the others. */
function renderRibbon(chart: ChartSeries, points: number): string {
  const levels = chart.price.map((price, index) => (price === null ? undefined : chart.level[index]));
  const runs = runsOf(levels).filter(({ value }) => value !== undefined);
  const marks = [...runs]
    .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))
    .map(({ from, to, value }) => {
      const level = LEVELS[value ?? 0];
      return mark({ from, to, className: `level-${level}`, height: RIBBON_HEIGHT, words: level }, chart, points);
    });
  return lane("state", RIBBON_HEIGHT, marks.join(""));
}

function renderReasons(chart: ChartSeries, points: number): readonly string[] {
  const names = [...RULES, "carried"];
  return names.flatMap((name, bit) => {
    const runs = runsOf(chart.reasons.map((reasons) => Math.floor(reasons / 2 ** bit) % 2 === 1)).filter(({ value }) => value);
    if (runs.length === 0) return [];
    const marks = runs.map(({ from, to }) =>
      mark({ from, to, className: "reason", height: LANE_HEIGHT, words: name }, chart, points),
    );
    return [lane(name, LANE_HEIGHT, marks.join(""))];
  });
}

function renderGas(gas: GasChart, points: number): string {
  const fees = gas.gwei.flatMap((fee) => (fee === null ? [] : [fee]));
  if (fees.length === 0) return "";
  const scale = scaleOf([0, ...fees], GAS_HEIGHT);
  const lines = runsOf(gas.gwei.map((fee) => fee !== null)).flatMap(({ from, to, value }) => {
    if (!value) return [];
    const at = Array.from({ length: to - from }, (_, offset) => from + offset);
    const place = (index: number) =>
      `${coordinate(((index + 0.5) / points) * WIDTH)} ${coordinate(scale.y(gas.gwei[index] ?? 0))}`;
    return [`<path class="line gas" d="${pathOf(at.map(place))}"/>`];
  });
  return plot("gas, gwei", GAS_HEIGHT, lines.join(""), scale.marks.map(formatFigure));
}

function renderAxis(chart: ChartSeries, points: number): string {
  const spanMs = points * chart.pointMs;
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => formatTime(chart.from + share * spanMs).slice(5));
  return `<div class="axis"><span class="name">UTC</span><div>${marks.map((text) => `<span>${text}</span>`).join("")}</div></div>`;
}

function plot(name: string, height: number, content: string, marks: readonly string[]): string {
  const scale = `<div class="scale">${marks.map((text) => `<span>${text}</span>`).join("")}</div>`;
  return `<div class="lane plot"><span class="name">${name}</span><div class="field">${svg(height, content)}${scale}</div></div>`;
}

function lane(name: string, height: number, content: string): string {
  return `<div class="lane"><span class="name">${name}</span><div class="field">${svg(height, content)}</div></div>`;
}

function svg(height: number, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" style="height:${height}px" preserveAspectRatio="none" role="img">${content}</svg>`;
}

function mark(
  {
    from,
    to,
    className,
    height,
    words,
  }: { readonly from: number; readonly to: number; readonly className: string; readonly height: number; readonly words: string },
  chart: ChartSeries,
  points: number,
): string {
  const x = (from / points) * WIDTH;
  const width = Math.max(MIN_MARK, ((to - from) / points) * WIDTH);
  const title = `${words} ${formatTime(chart.from + from * chart.pointMs)} – ${formatTime(chart.from + to * chart.pointMs)}`;
  return `<rect class="${className}" x="${coordinate(x)}" width="${coordinate(width)}" height="${height}"><title>${title}</title></rect>`;
}

/** Stretches of equal values. @example runsOf([1, 1, 2]); // [{ from: 0, to: 2, value: 1 }, { from: 2, to: 3, value: 2 }] */
function runsOf<T>(values: readonly T[]): readonly { readonly from: number; readonly to: number; readonly value: T }[] {
  const runs: { from: number; to: number; value: T }[] = [];
  values.forEach((value, index) => {
    const last = runs.at(-1);
    if (last !== undefined && last.value === value) last.to = index + 1;
    else runs.push({ from: index, to: index + 1, value });
  });
  return runs;
}

function pathOf(places: readonly string[]): string {
  return `M${places.join("L")}`;
}

function coordinate(value: number): string {
  return String(Number(value.toFixed(1)));
}
