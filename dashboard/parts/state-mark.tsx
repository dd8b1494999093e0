import type { JSX } from "preact";
import type { State } from "../data/api.ts";
import { STATE_WORDS } from "../view/words.ts";

/** A circuit's switch: shape, word and colour say the same, so that none of them is needed. */
export function StateMark({ state, full = false }: { readonly state: State | undefined; readonly full?: boolean }): JSX.Element {
  if (state === undefined) return <span class="state state-none">No price yet</span>;
  const { word, breaker } = STATE_WORDS[state];
  return (
    <span class={`state state-${state}`}>
      <StateShape state={state} />
      <span>{word}</span>
      {full ? <span class="state-term">breaker {breaker}</span> : <span class="sr"> (breaker {breaker})</span>}
    </span>
  );
}

const LEVERS: Readonly<Record<State, string>> = { closed: "M7 8H19", "half-open": "M7 8L18.5 4.5", open: "M7 8L16 1.5" };

export function StateShape({ state }: { readonly state: State }): JSX.Element {
  return (
    <svg class="shape" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true">
      <path d="M0 8H4M22 8H26" />
      <path d={LEVERS[state]} class={state === "half-open" ? "dashed" : ""} />
      <circle cx="5.5" cy="8" r="2.1" />
      <circle cx="20.5" cy="8" r="2.1" />
    </svg>
  );
}
