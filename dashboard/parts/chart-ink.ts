import type uPlot from "uplot";
import type { Segment } from "../view/series.ts";
import { zoneMs } from "./zone.ts";

export type Colors = Readonly<
  Record<"price" | "ema" | "band" | "line" | "quiet" | "surface" | "closed" | "half" | "open" | "font", string>
>;

/** Colours come from the style sheet. */
export function readColors(place: HTMLElement): Colors {
  const style = getComputedStyle(place);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ...{ price: of("--chart-price"), ema: of("--chart-ema"), band: of("--chart-band"), line: of("--line"), quiet: of("--ink-3") },
    ...{ surface: of("--surface"), closed: of("--closed"), half: of("--half"), open: of("--open") },
    font: `11px ${style.fontFamily}`,
  };
}

/** The chart's own way to tell the time, made to show this page's zone. */
export function zonedDate(seconds: number): Date {
  return new Date((seconds + zoneMs(seconds * 1_000) / 1_000) * 1_000 + new Date().getTimezoneOffset() * 60_000);
}

function timeTicks(_: uPlot, seconds: number[]): string[] {
  const [first = 0, second = first + 60] = seconds;
  const length = second - first >= 60 ? 5 : 8;
  return seconds.map((at) => new Date(at * 1_000 + zoneMs(at * 1_000)).toISOString().slice(11, 11 + length));
}

/** The time below a chart, with room for the ribbons between. */
export function timeAxis(colors: Colors, ribbons: number): uPlot.Axis {
  return {
    stroke: colors.quiet,
    grid: { show: false },
    ticks: { show: false },
    gap: ribbons,
    size: 28 + ribbons,
    font: colors.font,
    values: timeTicks,
  };
}

/** The scale beside a chart, of this width. */
export function valueAxis(colors: Colors, size: number): uPlot.Axis {
  return {
    stroke: colors.quiet,
    grid: { stroke: colors.line, width: 1 },
    ticks: { show: false },
    size,
    gap: 6,
    font: colors.font,
  };
}

/** Shape before colour: closed is a thin line, half-open hatched, open a full bar; where no round was certified there is nothing. */
export function drawRibbon(
  chart: uPlot,
  segments: readonly Segment[],
  { colors, offset }: { readonly colors: Colors; readonly offset: number },
): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const top = bbox.top + bbox.height + offset * ratio;
  const height = 9 * ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, top, bbox.width, height);
  ctx.clip();
  for (const { state, from, to } of segments) {
    const left = chart.valToPos(from / 1_000, "x", true);
    const width = Math.max(ratio, chart.valToPos(to / 1_000, "x", true) - left);
    if (state === "closed") {
      ctx.fillStyle = colors.closed;
      ctx.fillRect(left, top + height / 2 - ratio, width, 2 * ratio);
    } else if (state === "open") {
      ctx.fillStyle = colors.open;
      ctx.fillRect(left, top, width, height);
    } else {
      hatch(ctx, { left, top, width, height, color: colors.half, ratio });
    }
  }
  ctx.restore();
}

type Hatch = {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly color: string;
  readonly ratio: number;
};

function hatch(ctx: CanvasRenderingContext2D, { left, top, width, height, color, ratio }: Hatch): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.6 * ratio;
  ctx.beginPath();
  const step = 4 * ratio;
  for (let x = Math.floor(left / step) * step - height; x < left + width; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}
