import type { JSX } from "preact";
import type { Reason } from "../data/api.ts";
import { barOf, formatMeasure, measureOf, sayClears, sayMeasure, titleOf } from "../view/words.ts";

/** Each active rule: what it found, its measure against its limit, and what has to happen until it lets go. */
export function ReasonList({ reasons }: { readonly reasons: readonly Reason[] }): JSX.Element {
  return (
    <ul class="reasons">
      {reasons.map((reason) => (
        <ReasonItem key={reason.rule} reason={reason} />
      ))}
    </ul>
  );
}

function ReasonItem({ reason }: { readonly reason: Reason }): JSX.Element {
  const { title, says } = titleOf(reason);
  const measure = measureOf(reason);
  const bar = barOf(measure);
  const measured = formatMeasure(measure.measured, measure.unit);
  const isPause = reason.rule === "manual";
  return (
    <li class={measure.beyond ? "reason reason-beyond" : "reason"}>
      <h3>
        {title} <code class="rule">{reason.rule}</code>
      </h3>
      <p>{says}</p>
      {isPause ? (
        <p class="measure num">{measured} left</p>
      ) : (
        <div class="measure">
          <span class="measure-bar" aria-hidden="true">
            <span class="measure-fill" style={{ width: `${bar.measured}%` }} />
            <span class="measure-limit" style={{ left: `${bar.limit}%` }} />
          </span>
          <span class="num measure-text">
            <strong>{sayMeasure(measure)}</strong>
            {measure.beyond ? "" : " now"}
          </span>
        </div>
      )}
      {measure.beyond || isPause ? undefined : <p class="quiet">Within its limit again; its quiet time runs.</p>}
      {reason.clears === undefined ? undefined : (
        <p class="clears">
          <span class="label">Clears with</span> {sayClears(reason.clears)}.
        </p>
      )}
    </li>
  );
}
