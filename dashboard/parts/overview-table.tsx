import type { JSX, TargetedKeyboardEvent } from "preact";
import { formatSpan } from "../view/format.ts";
import type { Row } from "../view/overview.ts";
import { permitWords, sayReason } from "../view/words.ts";
import { useLive } from "./live-context.ts";
import { StateMark } from "./state-mark.tsx";
import { Trail } from "./trail.tsx";

/** One line a feed. Arrows walk the lines; each is a link to the feed's page. */
export function OverviewTable({ rows }: { readonly rows: readonly Row[] }): JSX.Element {
  return (
    <table class="feeds" onKeyDown={walk}>
      <thead>
        <tr>
          <th scope="col">Feed</th>
          <th scope="col">State</th>
          <th scope="col" class="right">
            Price
          </th>
          <th scope="col" class="right wide" title="Against the feed's slow average, which borrowing is valued by">
            vs. average
          </th>
          <th scope="col" class="right mid" title="Width of the certified interval, in basis points of the price">
            Interval, bps
          </th>
          <td class="wide trail-cell" />
          <th scope="col">Liquidate</th>
          <th scope="col" class="mid">
            Borrow
          </th>
          <th scope="col" class="right wide" title="Share of the consumer's own limit that disputed liquidations may use">
            Budget
          </th>
          <th scope="col" class="why">
            Why
          </th>
          <th scope="col" class="right wide" title="Since the price was observed">
            Age
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <FeedLine key={row.feed} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function FeedLine({ row }: { readonly row: Row }): JSX.Element {
  const { feed, slug, kind, preset, price, change, widthBps, state, reasons, permits } = row;
  const [base, quote] = feed.split("/");
  const words = permits === undefined ? undefined : permitWords(permits);
  return (
    <tr class={`line line-${state ?? "none"}`} data-feed={feed}>
      <th scope="row" class="feed-cell">
        <a href={`#/feeds/${slug}`}>
          {base}/<wbr />
          {quote}
        </a>
        <span class="preset">{kind === "chain" ? "chain" : preset}</span>
      </th>
      <td>
        <StateMark state={state} />
      </td>
      <td class="right num price value">
        {price ?? "–"}
        {widthBps === undefined ? undefined : <span class="narrow sub">{widthBps} bps wide</span>}
      </td>
      <td class="right num wide value">{change?.text ?? "–"}</td>
      <td class="right num mid value">{widthBps ?? "–"}</td>
      <td class="wide trail-cell">
        <RowTrail feed={feed} />
      </td>
      <td class={`permit permit-${permits?.liquidate ?? "none"}`}>
        {words?.liquidate ?? "none"}
        <span class="narrow sub">borrow {words?.borrow ?? "no"}</span>
      </td>
      <td class={`mid permit permit-${permits?.borrow ? "any" : "none"}`}>{words?.borrow ?? "no"}</td>
      <td class="right num wide">{words?.budget ?? "–"}</td>
      <td class="why">{reasons.map(sayReason).join("; ")}</td>
      <td class="right num wide">
        <Age at={row.observedAt} />
      </td>
    </tr>
  );
}

function RowTrail({ feed }: { readonly feed: string }): JSX.Element {
  return <Trail values={useLive().trail(feed)} />;
}

function Age({ at }: { readonly at: number | undefined }): JSX.Element {
  const { now } = useLive();
  return <>{at === undefined ? "–" : formatSpan(now.value - at)}</>;
}

const STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, count) => count - 1,
};

function walk(event: TargetedKeyboardEvent<HTMLTableElement>): void {
  const step = STEPS[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>("tbody a")];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  if (at < 0) return;
  event.preventDefault();
  links[step(at, links.length)]?.focus();
}
