import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { followSeries } from "../data/follow-series.ts";
import { formatClock, formatPrice, formatWidth } from "../view/format.ts";
import { describeSeries, type Point, toColumns, toRibbon } from "../view/series.ts";
import { sayState } from "../view/words.ts";
import { useLive } from "./live-context.ts";
import { createPriceChart, type PriceChart } from "./price-chart.ts";
import { StateMark } from "./state-mark.tsx";
import { Clock } from "./times.tsx";
import { zoneMs } from "./zone.ts";
import "uplot/dist/uPlot.min.css";

const MINUTE_MS = 60_000;
const RANGES = [
  [5 * MINUTE_MS, "5 min"],
  [15 * MINUTE_MS, "15 min"],
  [60 * MINUTE_MS, "1 h"],
] as const;
type Picked = { readonly index: number; readonly point: Point } | undefined;

type HistoryProps = { readonly feed: string; readonly slug: string; readonly title: string };

/** The last minutes, from the gateway's history and then from the stream. */
export function FeedHistory({ feed, slug, title }: HistoryProps): JSX.Element {
  const live = useLive();
  const [rangeMs, setRange] = useState<number>(RANGES[0][0]);
  const [picked, setPicked] = useState<Picked>(undefined);
  const [count, setCount] = useState(0);
  const [failed, setFailed] = useState<string | undefined>(undefined);
  const [summary, setSummary] = useState("No rounds yet.");
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<PriceChart | undefined>(undefined);

  useEffect(() => {
    if (place.current === null) return;
    let shown: readonly Point[] = [];
    let rows: readonly number[] = [];
    const own = createPriceChart(place.current, (index) => {
      const at = index === undefined ? undefined : rows[index];
      const point = at === undefined ? undefined : shown.find(({ timestamp }) => timestamp === at * 1_000);
      setPicked(index === undefined || point === undefined ? undefined : { index, point });
    });
    chart.current = own;
    const draw = (points: readonly Point[]): void => {
      const to = points.at(-1)?.timestamp ?? live.now.peek();
      shown = points.filter(({ timestamp }) => timestamp > to - rangeMs);
      const columns = toColumns(shown);
      rows = columns[0];
      own.show(columns, toRibbon(shown), { from: to - rangeMs, to });
      setSummary(describeSeries(shown));
      setCount(Math.max(0, rows.length - 1));
    };
    const stop = followSeries(live, { feed, slug, rangeMs, onPoints: draw, onFailed: setFailed });
    return () => {
      stop();
      own.destroy();
    };
  }, [feed, slug, rangeMs, live]);

  const step = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    chart.current?.step(event.shiftKey ? by * 10 : by);
  };

  return (
    <section class="panel" aria-labelledby="history">
      <div class="panel-head">
        <h2 id="history">{title}</h2>
        <fieldset class="filters">
          <legend class="sr">Range</legend>
          {RANGES.map(([ms, name]) => (
            <label key={ms} class={ms === rangeMs ? "filter filter-on" : "filter"}>
              <input class="sr" type="radio" name="range" checked={ms === rangeMs} onChange={() => setRange(ms)} />
              {name}
            </label>
          ))}
        </fieldset>
      </div>
      <Readout point={picked?.point} />
      <div
        class="chart"
        ref={place}
        role="slider"
        aria-label={`Chart. ${summary}`}
        aria-valuemin={0}
        aria-valuemax={count}
        aria-valuenow={picked === undefined ? count : picked.index}
        aria-valuetext={picked === undefined ? "No round chosen" : sayPoint(picked.point)}
        tabIndex={0}
        onKeyDown={step}
        onBlur={() => setPicked(undefined)}
      />
      <p class="chart-key" aria-hidden="true">
        <span class="key key-price" /> price <span class="key key-band" /> interval <span class="key key-ema" /> average
        <span class="chart-states">
          <span class="key key-closed" /> normal <span class="key key-half" /> probing <span class="key key-open" /> paused
        </span>
      </p>
      {failed === undefined ? undefined : <p class="quiet">Older rounds could not be read: {failed}.</p>}
    </section>
  );
}

/** What stands under the cursor; its line is there from the start, so that nothing moves. */
function Readout({ point }: { readonly point: Point | undefined }): JSX.Element {
  if (point === undefined) return <p class="readout quiet">Point at the chart, or focus it and use the arrow keys.</p>;
  return (
    <p class="readout num">
      <Clock at={point.timestamp} /> <strong>{formatPrice(point.price)}</strong> <span class="quiet">in</span>{" "}
      {formatPrice(point.low)} – {formatPrice(point.high)} <span class="quiet">({formatWidth(point) ?? "–"} bps)</span>{" "}
      <span class="quiet">average</span> {formatPrice(point.ema)} <StateMark state={point.breaker.state} />
    </p>
  );
}

function sayPoint({ timestamp, price, low, high, breaker }: Point): string {
  const at = formatClock(timestamp, zoneMs(timestamp));
  return `${at}: ${formatPrice(price)}, between ${formatPrice(low)} and ${formatPrice(high)}, ${sayState(breaker)}`;
}
