import type { JSX } from "preact";
import type { Preset } from "../../protocol/thresholds.ts";
import type { WhatIf, WhatIfOutcome } from "../data/api.ts";
import { formatCount, formatSpan } from "../view/format.ts";
import { PROPOSAL_COMMANDS, sayShare, sayTrip, toYaml } from "../view/what-if.ts";
import { Clock, Day } from "./times.tsx";

/** Both outcomes in numbers, side by side. */
export function OutcomeTable({ whatIf: { before, after, looked } }: { readonly whatIf: WhatIf }): JSX.Element {
  const rows: readonly (readonly [string, (outcome: WhatIfOutcome) => string])[] = [
    ["Pauses", ({ tripCount }) => formatCount(tripCount)],
    ["Longest pause", ({ longestPauseMs }) => (longestPauseMs === 0 ? "–" : formatSpan(longestPauseMs))],
    ["Normal", ({ rounds }) => sayShare(rounds.closed, looked.rounds)],
    ["Probing", ({ rounds }) => sayShare(rounds.halfOpen, looked.rounds)],
    ["Paused", ({ rounds }) => sayShare(rounds.open, looked.rounds)],
    ["No liquidation at all", ({ noneRounds }) => sayShare(noneRounds, looked.rounds)],
  ];
  return (
    <div class="scroll">
      <table class="outcomes">
        <caption class="quiet">
          {formatCount(looked.rounds)} rounds, <Day at={looked.fromAt} /> to <Day at={looked.toAt} />
        </caption>
        <thead>
          <tr>
            <th scope="col">Of these rounds</th>
            <th scope="col" class="right">
              As certified
            </th>
            <th scope="col" class="right">
              As changed
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([title, show]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="right num">{show(before)}</td>
              <td class="right num">{show(before) === show(after) ? show(after) : <strong>{show(after)}</strong>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Trips that are written out; the API names more. */
const WRITTEN = 8;

/** Every pause in words, the newest first. */
export function TripLists({ whatIf: { before, after, changed } }: { readonly whatIf: WhatIf }): JSX.Element {
  return (
    <div class={changed.length === 0 ? undefined : "two"}>
      <TripList title="Pauses as certified" outcome={before} />
      {changed.length === 0 ? undefined : <TripList title="Pauses as changed" outcome={after} />}
    </div>
  );
}

function TripList({ title, outcome }: { readonly title: string; readonly outcome: WhatIfOutcome }): JSX.Element {
  const newest = outcome.trips.toReversed().slice(0, WRITTEN);
  const more = outcome.tripCount - newest.length;
  return (
    <section class="trips">
      <h3>{title}</h3>
      {newest.length === 0 ? <p class="quiet">None.</p> : undefined}
      <ol>
        {newest.map((trip) => (
          <li key={trip.from.round}>
            <span class="num">
              {trip.sinceBefore ? "before " : ""}
              <Clock at={trip.from.timestamp} />
            </span>{" "}
            <strong class="num">
              {trip.to === null ? "still paused" : `for ${formatSpan(trip.to.timestamp - trip.from.timestamp)}`}
            </strong>
            <span>{sayTrip(trip)}</span>
          </li>
        ))}
      </ol>
      {more > 0 ? <p class="quiet">And {formatCount(more)} before those.</p> : undefined}
    </section>
  );
}

/** What a governor does next: the lines of the file and the commands behind it. */
export function ProposalLines({ whatIf, preset }: { readonly whatIf: WhatIf; readonly preset: Preset }): JSX.Element {
  return (
    <details class="proposal">
      <summary>Make a proposal of it</summary>
      <p>
        In a copy of the network's config, <code>next.yaml</code>, beside what stands under <code>feeds:</code> for this feed:
      </p>
      <pre>
        <code>{toYaml(whatIf.feed, whatIf.changed, preset)}</code>
      </pre>
      <p>
        Then, with as many governors' signatures as the config asks for. The replay covers every feed and the incident suite; this
        page looked at one feed alone.
      </p>
      <pre>
        <code>{PROPOSAL_COMMANDS.join("\n")}</code>
      </pre>
    </details>
  );
}
