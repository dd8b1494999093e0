import type { JSX } from "preact";
import { type Warning, warningsOf } from "../view/banner.ts";
import { useLive } from "./live-context.ts";

/** The region stands always, so that what comes into it is read out; its numbers are not, or they would be every second. */
export function Warnings(): JSX.Element {
  const live = useLive();
  const warnings = warningsOf({
    link: live.link.value,
    freshness: live.freshness.value,
    round: live.spoken.value,
    hasList: live.list.value !== undefined,
    now: live.now.value,
    clockOff: live.clockOff.value,
  });
  return (
    <div class="warnings">
      <p class="sr" role="alert">
        {warnings.map(({ title }) => `${title}. `).join("")}
      </p>
      {warnings.map((warning) => (
        <WarningLine key={warning.title} warning={warning} hurry={live.hurry} />
      ))}
    </div>
  );
}

function WarningLine({ warning, hurry }: { readonly warning: Warning; readonly hurry: () => void }): JSX.Element {
  const { tone, title, text, canRetry } = warning;
  return (
    <div class={`warning warning-${tone}`}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        {tone === "stop" ? <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" /> : <path d="M8 1l7 13H1z" />}
      </svg>
      <p>
        <strong>{title}.</strong> {text}
      </p>
      {canRetry ? (
        <button type="button" onClick={hurry}>
          Try now
        </button>
      ) : undefined}
    </div>
  );
}
