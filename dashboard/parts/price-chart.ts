import uPlot from "uplot";
import type { Columns, Segment } from "../view/series.ts";
import { drawRibbon, readColors, timeAxis, valueAxis, zonedDate } from "./chart-ink.ts";

const HEIGHT = 260;
/** Room between the plot and the time axis for the ribbon. */
const RIBBON = 18;
const RIBBON_GAP = 5;

export type ChartPick = { readonly index: number } | undefined;
export type PriceChart = {
  readonly show: (columns: Columns, segments: readonly Segment[], span: { readonly from: number; readonly to: number }) => void;
  /** Moves the cursor to the next or the previous round. */
  readonly step: (by: number) => void;
  readonly destroy: () => void;
};

/** Price with its interval as a band, the slow average, and the breaker's state as a ribbon beneath. Colours come from the style sheet. */
export function createPriceChart(place: HTMLElement, onPick: (index: number | undefined) => void): PriceChart {
  let segments: readonly Segment[] = [];
  let columns: Columns = [[], [], [], [], []];
  let span = { from: 0, to: 1 };
  const build = (): uPlot => {
    const colors = readColors(place);
    return new uPlot(
      {
        width: Math.max(place.clientWidth, 240),
        height: HEIGHT,
        padding: [8, 4, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, fill: colors.price, stroke: colors.surface } },
        tzDate: zonedDate,
        scales: {
          x: { time: true, range: () => [span.from / 1_000, span.to / 1_000] },
          y: { range: (_, low, high) => padded(low, high) },
        },
        axes: [timeAxis(colors, RIBBON), valueAxis(colors, 78)],
        series: [
          {},
          { stroke: colors.price, width: 1.6, points: { show: false } },
          { stroke: "transparent", width: 0, points: { show: false } },
          { stroke: "transparent", width: 0, points: { show: false } },
          { stroke: colors.ema, width: 1.2, dash: [5, 4], points: { show: false } },
        ],
        bands: [{ series: [3, 2], fill: colors.band }],
        hooks: {
          setCursor: [({ cursor }) => onPick(cursor.idx ?? undefined)],
          draw: [(chart) => drawRibbon(chart, segments, { colors, offset: RIBBON_GAP })],
        },
      },
      columns as unknown as uPlot.AlignedData,
      place,
    );
  };
  let chart = build();
  const rebuild = (): void => {
    chart.destroy();
    chart = build();
  };
  const resize = new ResizeObserver(() => chart.setSize({ width: Math.max(place.clientWidth, 240), height: HEIGHT }));
  resize.observe(place);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", rebuild);
  addEventListener("themechange", rebuild);
  return {
    show: (nextColumns, nextSegments, nextSpan) => {
      columns = nextColumns;
      segments = nextSegments;
      span = nextSpan;
      chart.setData(columns as unknown as uPlot.AlignedData);
    },
    step: (by) => {
      const count = columns[0].length;
      if (count === 0) return;
      const at = Math.min(count - 1, Math.max(0, (chart.cursor.idx ?? count) + by));
      chart.setCursor({ left: chart.valToPos(columns[0][at] ?? 0, "x"), top: 10 });
    },
    destroy: () => {
      resize.disconnect();
      scheme.removeEventListener("change", rebuild);
      removeEventListener("themechange", rebuild);
      chart.destroy();
    },
  };
}

/** Some air above and below, and a span where the price stood still. */
function padded(low: number, high: number): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const air = high === low ? Math.abs(high) * 0.001 || 1 : (high - low) * 0.08;
  return [low - air, high + air];
}
