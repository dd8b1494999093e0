import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CommitteeWithConfig, WhatIf, WhatIfLoading } from "../data/api.ts";
import { askWhatIf } from "../data/what-if.ts";
import { formatCount } from "../view/format.ts";
import { changesOf, DRAWN, sayMissing, sayOutcome, type Tuned, UNDRAWN } from "../view/what-if.ts";
import { ThresholdField } from "./threshold-field.tsx";
import { createWhatIfChart, type WhatIfChart } from "./what-if-chart.ts";
import { OutcomeTable, ProposalLines, TripLists } from "./what-if-result.tsx";
import "uplot/dist/uPlot.min.css";

/** A slider is let alone for so long before the gateway is asked. */
const SETTLED_MS = 250;
/** Without a change the rounds go on all the same. */
const REFRESH_MS = 30_000;
const RANGES = [
  [1, "1 h"],
  [6, "6 h"],
  [24, "24 h"],
] as const;

type Feed = CommitteeWithConfig["config"]["feeds"][number];
type Values = Partial<Record<Tuned, number>>;
type Answer = {
  readonly whatIf: WhatIf | undefined;
  readonly loading: WhatIfLoading | undefined;
  readonly failed: string | undefined;
  /** The question that is under way is another one than what is shown. */
  readonly pending: boolean;
};
const NOTHING: Answer = { whatIf: undefined, loading: undefined, failed: undefined, pending: true };

/** What other thresholds would have done with the last hours of one feed, before anybody votes on them. */
export function WhatIfPanel({ feeds }: { readonly feeds: readonly Feed[] }): JSX.Element {
  const [name, setName] = useState(feeds[0]?.feed ?? "");
  const [hours, setHours] = useState<number>(RANGES[0][0]);
  const [values, setValues] = useState<Values>({});
  const [held, hold] = useState<Tuned>("jumpBps");
  const feed = feeds.find((item) => item.feed === name) ?? feeds[0];
  const changes = feed === undefined ? {} : changesOf(feed.thresholds, values);
  const answer = useWhatIf(feed?.feed, changes, hours);
  if (feed === undefined) return <p class="quiet">This network has no feeds.</p>;
  const choose = (next: string): void => {
    setName(next);
    setValues({});
    hold("jumpBps");
  };
  const change = (threshold: Tuned, value: number): void => {
    hold(threshold);
    setValues({ ...values, [threshold]: value });
  };
  const fieldOf = (threshold: Tuned): JSX.Element => (
    <ThresholdField
      key={`${feed.feed} ${threshold}`}
      name={threshold}
      inForce={feed.thresholds[threshold]}
      value={values[threshold] ?? feed.thresholds[threshold]}
      isHeld={threshold === held}
      onHold={() => hold(threshold)}
      onChange={(value) => change(threshold, value)}
    />
  );
  const drawn = DRAWN.filter((threshold) => threshold !== "pegBps" || feed.peg !== undefined);
  const isChanged = Object.keys(changes).length > 0;
  return (
    <section class="panel what-if" aria-labelledby="what-if">
      <div class="panel-head">
        <h2 id="what-if">What if</h2>
        <div class="what-if-asked">
          <label>
            <span class="sr">Feed</span>
            <select value={feed.feed} onChange={(event) => choose(event.currentTarget.value)}>
              {feeds.map(({ feed: item }) => (
                <option key={item}>{item}</option>
              ))}
            </select>
          </label>
          <Ranges hours={hours} onChoose={setHours} />
        </div>
      </div>
      <p class="quiet">
        Drag a threshold and see what it would have done with the rounds that were certified. Nothing is changed by it.
      </p>
      <div class="what-if-body">
        <div class="what-if-fields">
          {drawn.map(fieldOf)}
          <details>
            <summary>How a pause ends</summary>
            {UNDRAWN.map(fieldOf)}
          </details>
          <button type="button" disabled={!isChanged} onClick={() => setValues({})}>
            As in force
          </button>
        </div>
        <div class="what-if-shown" aria-busy={answer.pending}>
          <Drawing answer={answer} held={held} inForce={feed.thresholds[held]} draft={values[held] ?? feed.thresholds[held]} />
          <Said answer={answer} />
          {answer.whatIf === undefined ? undefined : (
            <div class={answer.pending ? "is-stale" : undefined}>
              <OutcomeTable whatIf={answer.whatIf} />
              <TripLists whatIf={answer.whatIf} />
            </div>
          )}
        </div>
      </div>
      {answer.whatIf === undefined || answer.pending || !isChanged ? undefined : (
        <ProposalLines whatIf={answer.whatIf} preset={feed.preset} />
      )}
    </section>
  );
}

/** The newest question is asked; those before it are given up. */
function useWhatIf(feed: string | undefined, changes: Values, hours: number): Answer {
  const [answer, setAnswer] = useState<Answer>(NOTHING);
  const question = JSON.stringify(changes);
  const shown = useRef(feed);
  useEffect(() => {
    if (feed === undefined) return;
    const isOther = shown.current !== feed;
    shown.current = feed;
    setAnswer((known) => (isOther ? NOTHING : { ...known, pending: true }));
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const onLoading = (loading: WhatIfLoading): void => setAnswer((known) => ({ ...known, loading }));
      const asked = { feed, thresholds: JSON.parse(question) as Record<string, number>, hours };
      const found = await askWhatIf(asked, { signal, onLoading }).catch((error: Error) => error);
      if (signal.aborted) return;
      setAnswer((known) =>
        found instanceof Error
          ? { ...known, loading: undefined, failed: found.message, pending: false }
          : { whatIf: found, loading: undefined, failed: undefined, pending: false },
      );
      timer = setTimeout(() => void ask(), REFRESH_MS);
    };
    timer = setTimeout(() => void ask(), SETTLED_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [feed, question, hours]);
  return answer;
}

function Ranges({ hours, onChoose }: { readonly hours: number; readonly onChoose: (hours: number) => void }): JSX.Element {
  return (
    <fieldset class="filters">
      <legend class="sr">Look back</legend>
      {RANGES.map(([length, text]) => (
        <label key={length} class={length === hours ? "filter filter-on" : "filter"}>
          <input class="sr" type="radio" name="what-if-hours" checked={length === hours} onChange={() => onChoose(length)} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

type DrawingProps = { readonly answer: Answer; readonly held: Tuned; readonly inForce: number; readonly draft: number };

/** The plot follows the slider at once; what the dragged value would have done comes when it is known. */
function Drawing({ answer: { whatIf }, held, inForce, draft }: DrawingProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<WhatIfChart | undefined>(undefined);
  useEffect(() => {
    if (place.current === null) return;
    chart.current = createWhatIfChart(place.current);
    return () => chart.current?.destroy();
  }, []);
  const series = whatIf?.plot.series.find(({ threshold }) => threshold === held) ?? whatIf?.plot.series[0];
  const isDrawn = series?.threshold === held;
  useEffect(() => {
    if (whatIf === undefined || series === undefined) return;
    chart.current?.show({ whatIf, series, limits: isDrawn ? { inForce, draft } : undefined });
  }, [whatIf, series, isDrawn, inForce, draft]);
  return (
    <>
      <div class={whatIf === undefined ? "chart what-if-chart skeleton" : "chart what-if-chart"} ref={place} aria-hidden="true" />
      <p class="chart-key" aria-hidden="true">
        <span class="key key-price" /> measured against <code>{series?.threshold ?? held}</code>
        {series?.after === undefined ? undefined : (
          <>
            <span class="key key-after" /> with the change
          </>
        )}
        <span class="key key-ema-line" /> price
        <span class="chart-states">
          upper bar as certified, lower as changed: <span class="key key-closed" /> normal <span class="key key-half" /> probing{" "}
          <span class="key key-open" /> paused
        </span>
      </p>
    </>
  );
}

function Said({ answer: { whatIf, loading, failed, pending } }: { readonly answer: Answer }): JSX.Element {
  const missing = whatIf === undefined ? [] : sayMissing(whatIf);
  return (
    <>
      <p class="what-if-said" role="status">
        {failed !== undefined
          ? `No answer: ${failed}.`
          : loading !== undefined
            ? `Opening the stored rounds for the first time: ${formatCount(loading.loaded)} of ${formatCount(loading.of)}.`
            : whatIf === undefined
              ? "Asking …"
              : pending
                ? "Working it out …"
                : sayOutcome(whatIf)}
      </p>
      {missing.map((text) => (
        <p key={text} class="quiet what-if-missing">
          {text}
        </p>
      ))}
    </>
  );
}
