import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatAmount } from "../../protocol/amount.ts";
import type { Source, Sources } from "../data/api.ts";
import { getJson } from "../data/fetch.ts";
import { type DotAxis, layoutDots, placeOnAxis } from "../view/dots.ts";
import { sayDrop } from "../view/drops.ts";
import { formatPrice, formatSpan } from "../view/format.ts";

const POLL_MS = 2_000;
const WIDTH = 1_000;
const LANE = 22;
const TOP = 14;
/** Least distance of two dots in a lane, in thousandths of the axis. */
const GAP = 20;

type Loaded = { readonly sources: Sources | undefined; readonly failed: string | undefined };

/** How the node behind this page got its own price: every source as a dot, and the same as a table. */
export function SourcesPanel({ slug }: { readonly slug: string }): JSX.Element {
  const [{ sources, failed }, setLoaded] = useState<Loaded>({ sources: undefined, failed: undefined });
  const [active, setActive] = useState<number | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      if (document.visibilityState === "visible") {
        const found = await getJson<Sources>(`v1/feeds/${slug}/sources`, controller.signal).catch(
          (error: Error) => error.message,
        );
        if (controller.signal.aborted) return;
        setLoaded(({ sources: known }) =>
          typeof found === "string" ? { sources: known, failed: found } : { sources: found, failed: undefined },
        );
      }
      timer = setTimeout(() => void ask(), POLL_MS);
    };
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [slug]);
  return (
    <section class="panel" aria-labelledby="sources">
      <h2 id="sources">Sources</h2>
      {sources === undefined ? (
        failed === undefined ? (
          <div class="skeleton skeleton-lines" aria-hidden="true" />
        ) : (
          <p class="quiet">{failed}.</p>
        )
      ) : (
        <div class={failed === undefined ? undefined : "is-stale"}>
          <p class="quiet">
            One node's own account, sampled every round; the certified price is the median of a quorum of nodes.
            {failed === undefined ? "" : ` Not refreshed: ${failed}.`}
            {sources.refusal === null ? "" : ` This node has no price now: ${sources.refusal}.`}
          </p>
          <Dots sources={sources} active={active} />
          <SourceTable sources={sources.sources} active={active} point={setActive} />
        </div>
      )}
    </section>
  );
}

type Pointing = { readonly active: number | undefined; readonly point: (index: number | undefined) => void };

function Dots({ sources, active }: { readonly sources: Sources } & Pick<Pointing, "active">): JSX.Element | null {
  const axis = layoutDots(sources.sources, { low: sources.low, high: sources.high, gap: GAP });
  if (axis === undefined) return null;
  const height = TOP + Math.max(2, axis.lanes) * LANE;
  return (
    <figure class="dots" aria-hidden="true">
      <div class="dots-field" style={{ height: `${height}px` }}>
        <Band axis={axis} sources={sources} />
        {axis.dots.map(({ index, x, lane, used, beyond }) => {
          const source = sources.sources[index];
          return source === undefined ? undefined : (
            <span
              key={index}
              class={`dot ${used ? "dot-used" : "dot-dropped"}${index === active ? " dot-active" : ""}${beyond === undefined ? "" : ` dot-${beyond}`}`}
              style={{ left: `${(x * 100) / WIDTH}%`, bottom: `${lane * LANE + LANE / 2}px` }}
              title={`${source.venue}: ${source.price ?? ""}${source.detail === undefined ? "" : `, ${source.detail}`}`}
            />
          );
        })}
      </div>
      <figcaption class="dots-ends num">
        <span>{formatPrice(formatAmount(axis.low))}</span>
        <span class="dots-key">
          <span class="dot dot-used" /> used <span class="dot dot-dropped" /> dropped <span class="band-key" /> this node's
          interval
        </span>
        <span>{formatPrice(formatAmount(axis.high))}</span>
      </figcaption>
    </figure>
  );
}

function Band({
  axis,
  sources: { price, low, high },
}: {
  readonly axis: DotAxis;
  readonly sources: Sources;
}): JSX.Element | null {
  if (price === null || low === null || high === null) return null;
  const [from, to, at] = [low, high, price].map((text) => placeOnAxis(text, axis));
  if (from === undefined || to === undefined || at === undefined) return null;
  return (
    <>
      <span class="band" style={{ left: `${from / 10}%`, width: `${(to - from) / 10}%` }} />
      <span class="band-price" style={{ left: `${at / 10}%` }} />
    </>
  );
}

function SourceTable({ sources, active, point }: { readonly sources: readonly Source[] } & Pointing): JSX.Element {
  return (
    <table class="sources">
      <thead>
        <tr>
          <th scope="col">Venue</th>
          <th scope="col" class="mid">
            Path
          </th>
          <th scope="col" class="right">
            Price
          </th>
          <th scope="col" class="right mid">
            Age
          </th>
          <th scope="col" class="right mid">
            Weight
          </th>
          <th scope="col">Part</th>
        </tr>
      </thead>
      <tbody>
        {sources.map((source, index) => (
          <tr
            key={`${source.venue} ${source.convert}`}
            class={`source-${source.status}${index === active ? " source-active" : ""}`}
            onMouseEnter={() => point(index)}
            onMouseLeave={() => point(undefined)}
          >
            <th scope="row">{source.venue}</th>
            <td class="mid">{source.convert}</td>
            <td class="right num value">{source.price === undefined ? "–" : formatPrice(source.price)}</td>
            <td class="right num mid">{source.ageMs === undefined ? "–" : formatSpan(Math.max(0, source.ageMs))}</td>
            <td class="right num mid">{source.weightBps === undefined ? "–" : `${(source.weightBps / 100).toFixed(1)} %`}</td>
            <td>
              <span class={`part part-${source.status}`}>
                {source.status === "used" ? "used" : `dropped: ${sayDrop(source)}`}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
