import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { CommitteeWithConfig } from "../data/api.ts";
import { formatNamed } from "../view/format.ts";
import { groupTerms, type Terms, type ThresholdRow } from "../view/governing.ts";

/** The numbers that the breaker judges by, feeds of equal terms together, beside their preset's. */
export function ThresholdsPanel({ feeds }: { readonly feeds: CommitteeWithConfig["config"]["feeds"] }): JSX.Element {
  const groups = groupTerms(feeds);
  const [chosen, choose] = useState(0);
  const [all, showAll] = useState(false);
  const terms = groups[chosen] ?? groups[0];
  return (
    <section class="panel" aria-labelledby="thresholds">
      <div class="panel-head">
        <h2 id="thresholds">Thresholds</h2>
        <fieldset class="filters">
          <legend class="sr">Feeds</legend>
          {groups.map(({ preset, feeds: members }, index) => (
            <label key={members.join()} class={index === chosen ? "filter filter-on" : "filter"} title={members.join(", ")}>
              <input class="sr" type="radio" name="terms" checked={index === chosen} onChange={() => choose(index)} />
              {groups.filter((group) => group.preset === preset).length > 1 ? `${preset}: ${members[0]}` : preset}{" "}
              <span class="num filter-count">{members.length}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {terms === undefined ? undefined : <TermsTable terms={terms} all={all} />}
      <button type="button" onClick={() => showAll(!all)} aria-expanded={all}>
        {all ? "Show those that differ" : "Show all thresholds"}
      </button>
    </section>
  );
}

function TermsTable({ terms, all }: { readonly terms: Terms; readonly all: boolean }): JSX.Element {
  const { feeds, preset, rows, changed } = terms;
  const shown = all ? rows : rows.filter((row) => row.value !== row.preset);
  return (
    <>
      <p class="quiet">
        {feeds.join(", ")}:{" "}
        {changed === 0 ? `as the preset ${preset}` : `${changed} of ${rows.length} thresholds differ from the preset ${preset}`}.
      </p>
      {shown.length === 0 ? undefined : (
        <div class="scroll">
          <table class={all ? "thresholds thresholds-all" : "thresholds"}>
            <thead>
              <tr>
                <th scope="col">Threshold</th>
                <th scope="col" class="right">
                  In force
                </th>
                <th scope="col" class="right">
                  Preset
                </th>
                <th scope="col" class="right mid">
                  Allowed
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <ThresholdLine key={row.name} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function ThresholdLine({ row: { name, value, preset, floor, ceiling } }: { readonly row: ThresholdRow }): JSX.Element {
  const differs = value !== preset;
  return (
    <tr class={differs ? "differs" : undefined}>
      <th scope="row">
        <code>{name}</code>
      </th>
      <td class="right num">{differs ? <strong>{formatNamed(name, value)}</strong> : formatNamed(name, value)}</td>
      <td class="right num">{formatNamed(name, preset)}</td>
      <td class="right num mid quiet">
        {formatNamed(name, floor)} – {formatNamed(name, ceiling)}
      </td>
    </tr>
  );
}
