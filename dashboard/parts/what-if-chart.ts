import uPlot from "uplot";
import type { WhatIf } from "../data/api.ts";
import { formatBps, formatSpan } from "../view/format.ts";
import { drawRibbon, readColors, timeAxis, valueAxis, zonedDate } from "./chart-ink.ts";

const HEIGHT = 250;
/** Room between the plot and the time axis for both ribbons. */
const RIBBONS = 40;

type Series = WhatIf["plot"]["series"][number];

export type Drawn = {
  readonly whatIf: WhatIf;
  /** What the dragged threshold is held against. */
  readonly series: Series;
  /** In force and as dragged; undefined where the series is not what the dragged threshold is held against. */
  readonly limits: { readonly inForce: number; readonly draft: number } | undefined;
};

export type WhatIfChart = { readonly show: (drawn: Drawn) => void; readonly destroy: () => void };

/** What was measured against the limit in force and the dragged one; beneath it the breaker's state under both, the certified one above. */
export function createWhatIfChart(place: HTMLElement): WhatIfChart {
  let drawn: Drawn | undefined;
  let chart: uPlot | undefined;
  const build = (): void => {
    chart?.destroy();
    chart =
      drawn === undefined
        ? undefined
        : new uPlot(
            optionsOf(place, () => drawn),
            columnsOf(drawn),
            place,
          );
  };
  const resize = new ResizeObserver(() => chart?.setSize({ width: Math.max(place.clientWidth, 240), height: HEIGHT }));
  resize.observe(place);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", build);
  addEventListener("themechange", build);
  return {
    show: (next) => {
      const isOther = drawn?.series.threshold !== next.series.threshold;
      drawn = next;
      if (chart === undefined || isOther) build();
      else chart.setData(columnsOf(next));
    },
    destroy: () => {
      resize.disconnect();
      scheme.removeEventListener("change", build);
      removeEventListener("themechange", build);
      chart?.destroy();
    },
  };
}

function columnsOf({ whatIf: { plot }, series }: Drawn): uPlot.AlignedData {
  const seconds = series.values.map((_, point) => (plot.fromAt + point * plot.stepMs) / 1_000);
  const prices = plot.high.map((price) => (price === null ? null : Number(price)));
  return [seconds, series.values as (number | null)[], (series.after ?? []) as (number | null)[], prices];
}

function optionsOf(place: HTMLElement, current: () => Drawn | undefined): uPlot.Options {
  const colors = readColors(place);
  const wide = place.clientWidth > 560;
  return {
    width: Math.max(place.clientWidth, 240),
    height: HEIGHT,
    padding: [10, wide ? 4 : 10, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    tzDate: zonedDate,
    scales: {
      x: { time: true, range: (_, low, high) => [low, Math.max(high, low + 60)] },
      y: { range: () => rangeOf(current()) },
      price: { range: (_, low, high) => padded(low, high) },
    },
    axes: [
      timeAxis(colors, RIBBONS),
      {
        ...valueAxis(colors, 64),
        values: (_, values) => values.map((value) => sayTick(value, current()?.series.unit)),
      },
      {
        scale: "price",
        side: 1,
        show: wide,
        stroke: colors.ema,
        grid: { show: false },
        ticks: { show: false },
        size: 70,
        font: colors.font,
      },
    ],
    series: [
      {},
      { stroke: colors.price, width: 1.5, points: { show: false } },
      { stroke: colors.open, width: 1.2, dash: [3, 3], points: { show: false } },
      { scale: "price", stroke: colors.ema, width: 1, points: { show: false } },
    ],
    hooks: { draw: [(chart) => drawOver(chart, current(), colors)] },
  };
}

/** From zero to above everything that is drawn, the limits as well. */
function rangeOf(drawn: Drawn | undefined): [number, number] {
  if (drawn === undefined) return [0, 1];
  const values = [...drawn.series.values, ...(drawn.series.after ?? [])].map((value) => value ?? 0);
  return [
    0,
    Math.max(
      1,
      drawn.limits?.inForce ?? 0,
      drawn.limits?.draft ?? 0,
      values.reduce((most, value) => Math.max(most, value), 0),
    ) * 1.12,
  ];
}

function padded(low: number, high: number): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const air = high === low ? Math.abs(high) * 0.001 || 1 : (high - low) * 0.25;
  return [low - air, high + air];
}

function sayTick(value: number, unit: Series["unit"] | undefined): string {
  if (unit === "Ms") return value === 0 ? "0" : formatSpan(value);
  return unit === "Bps" ? formatBps(value) : String(value);
}

type Colors = ReturnType<typeof readColors>;

function drawOver(chart: uPlot, drawn: Drawn | undefined, colors: Colors): void {
  if (drawn === undefined) return;
  const { before, after } = drawn.whatIf;
  drawRibbon(chart, before.stretches, { colors, offset: 6 });
  drawRibbon(chart, after.stretches, { colors, offset: 24 });
  if (drawn.limits === undefined) return;
  const { inForce, draft } = drawn.limits;
  const { font } = colors;
  drawLimit(chart, inForce, { color: colors.quiet, dash: [2, 3], text: "in force", below: draft > inForce, font });
  if (draft !== inForce)
    drawLimit(chart, draft, { color: colors.open, dash: [], text: "as changed", below: draft < inForce, font });
}

type Line = {
  readonly color: string;
  readonly dash: readonly number[];
  readonly text: string;
  readonly below: boolean;
  readonly font: string;
};

function drawLimit(chart: uPlot, value: number, { color, dash, text, below, font }: Line): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const y = chart.valToPos(value, "y", true);
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = 1.6 * ratio;
  ctx.setLineDash(dash.map((length) => length * ratio));
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = font.replace("11px", `${11 * ratio}px`);
  ctx.textBaseline = below ? "top" : "bottom";
  ctx.fillText(text, bbox.left + 6 * ratio, y + (below ? 3 : -3) * ratio);
  ctx.restore();
}
