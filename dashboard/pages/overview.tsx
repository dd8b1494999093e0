import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLive } from "../parts/live-context.ts";
import { OverviewTable } from "../parts/overview-table.tsx";
import {
  chainRow,
  countStates,
  feedRow,
  filterRows,
  type Row,
  STATE_FILTERS,
  type StateFilter,
  sortRows,
} from "../view/overview.ts";
import { STATE_WORDS } from "../view/words.ts";

/** Every feed and chain at a glance, what is paused first. */
export function OverviewPage(): JSX.Element {
  const live = useLive();
  const state = useSignal<StateFilter>("all");
  const text = useSignal("");
  const rows = useComputed<readonly Row[] | undefined>(() => {
    const { list, chains } = live;
    if (list.value === undefined || chains.value === undefined) return undefined;
    return sortRows([...list.value.feeds.map(feedRow), ...chains.value.chains.map(chainRow)]);
  });
  const all = rows.value;
  const shown = all === undefined ? undefined : filterRows(all, { state: state.value, text: text.value });
  return (
    <>
      <div class="overview-head">
        <h1>Feeds</h1>
        <p class="tally" role="status">
          {all === undefined ? "Loading …" : sayTally(countStates(all))}
        </p>
        <StateFilters rows={all} chosen={state.value} choose={(next) => (state.value = next)} />
        <TextFilter text={text.value} change={(next) => (text.value = next)} />
      </div>
      {shown === undefined ? (
        <div class="skeleton skeleton-table" aria-hidden="true" />
      ) : shown.length === 0 ? (
        <p class="empty">
          No feed fits.{" "}
          <button
            type="button"
            onClick={() => {
              state.value = "all";
              text.value = "";
            }}
          >
            Show all
          </button>
        </p>
      ) : (
        <OverviewTable rows={shown} />
      )}
    </>
  );
}

function sayTally(counts: ReturnType<typeof countStates>): string {
  const { open, "half-open": half, closed, all } = counts;
  if (closed === all) return `All ${all} normal`;
  const parts = [
    [open, "paused"],
    [half, "probing"],
    [all - open - half - closed, "without a price"],
    [closed, "normal"],
  ] as const;
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(", ");
}

type FiltersProps = {
  readonly rows: readonly Row[] | undefined;
  readonly chosen: StateFilter;
  readonly choose: (state: StateFilter) => void;
};

function StateFilters({ rows, chosen, choose }: FiltersProps): JSX.Element {
  const counts = countStates(rows ?? []);
  return (
    <fieldset class="filters">
      <legend class="sr">Show</legend>
      {STATE_FILTERS.map((state) => (
        <label key={state} class={state === chosen ? "filter filter-on" : "filter"}>
          <input class="sr" type="radio" name="state" checked={state === chosen} onChange={() => choose(state)} />
          {state === "all" ? "All" : STATE_WORDS[state].word} <span class="num filter-count">{counts[state]}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** `/` leads here from anywhere on the page, Escape empties it. */
function TextFilter({ text, change }: { readonly text: string; readonly change: (text: string) => void }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLInputElement && event.target.type !== "radio";
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  return (
    <label class="search">
      <span class="sr">Find a feed by name, class, state or reason</span>
      <input
        ref={field}
        type="search"
        value={text}
        placeholder="Find a feed"
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onKeyDown={({ key }) => key === "Escape" && change("")}
      />
      <span class="kbd" aria-hidden="true">
        /
      </span>
    </label>
  );
}
