import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { CHAIN_BASE } from "../../protocol/feed.ts";
import type { BundleItem } from "../data/api.ts";
import { BreakerLogPanel } from "../parts/breaker-log.tsx";
import { FeedHistory } from "../parts/feed-history.tsx";
import { IntervalBar } from "../parts/interval-bar.tsx";
import { useLive } from "../parts/live-context.ts";
import { ReasonList } from "../parts/reason-list.tsx";
import { SourcesPanel } from "../parts/sources-panel.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Clock } from "../parts/times.tsx";
import { formatExact, formatPrice, formatSpan, formatVolatility, formatWidth } from "../view/format.ts";
import { CHAIN_MEANS, sayChainSentences, sayMeans, saySentences } from "../view/words.ts";

/** One feed: what is certified of it, what may be done with it, why, and how it came about. */
export function FeedPage({ feed, slug }: { readonly feed: string; readonly slug: string }): JSX.Element {
  const live = useLive();
  const item = useSignal<BundleItem | undefined>(undefined);
  useEffect(
    () =>
      live.onBundle(({ feeds }) => {
        const found = feeds.find((entry) => entry.feed === feed);
        if (found !== undefined) item.value = found;
      }),
    [live, feed, item],
  );
  const known = live.list.value === undefined || isListed(live, feed);
  if (!known) {
    return (
      <section class="empty">
        <h1>{feed}</h1>
        <p>
          This network has no such feed. <a href="#/">All feeds</a>
        </p>
      </section>
    );
  }
  const isChain = feed.startsWith(`${CHAIN_BASE}/`);
  const preset = live.list.value?.feeds.find((entry) => entry.feed === feed)?.preset;
  return (
    <>
      <div class="feed-head">
        <p class="crumbs">
          <a href="#/">Feeds</a> <span aria-hidden="true">/</span>
        </p>
        <h1>{feed}</h1>
        <span class="preset">{isChain ? "chain" : preset}</span>
        <a class="head-link" href={`#/verify/${slug}`}>
          Verify this feed
        </a>
      </div>
      <div class="feed-grid">
        <PricePanel item={item.value} isChain={isChain} />
        <VerdictPanel item={item.value} isChain={isChain} />
      </div>
      <ReasonsPanel item={item.value} />
      <FeedHistory feed={feed} slug={slug} title={isChain ? "Base fee" : "Price and interval"} />
      {isChain ? undefined : <SourcesPanel slug={slug} />}
      <BreakerLogPanel slug={slug} state={item.value?.breaker.state} />
    </>
  );
}

function isListed(live: ReturnType<typeof useLive>, feed: string): boolean {
  const feeds = live.list.value?.feeds ?? [];
  const chains = live.chains.value?.chains ?? [];
  return [...feeds, ...chains].some((entry) => entry.feed === feed);
}

type ItemProps = { readonly item: BundleItem | undefined; readonly isChain: boolean };

function PricePanel({ item, isChain }: ItemProps): JSX.Element {
  const { now } = useLive();
  return (
    <section class="panel price-panel" aria-label={isChain ? "Base fee" : "Price"}>
      {item === undefined ? (
        <div class="skeleton skeleton-price" aria-hidden="true" />
      ) : (
        <>
          <p class="big num value" title={`Signed: ${formatExact(item.price)}`}>
            {formatPrice(item.price)}
            {isChain ? <span class="unit"> gwei</span> : undefined}
          </p>
          {isChain ? undefined : <IntervalBar item={item} />}
          <dl class="facts">
            {isChain ? undefined : <Fact name="Interval" text={`${formatWidth(item) ?? "–"} bps`} />}
            <Fact
              name="Average"
              text={formatPrice(item.ema)}
              hint={isChain ? "Over 24 hours" : "Slow average; borrowing takes the worse of it and the interval's end"}
            />
            {isChain ? undefined : <Fact name="Volatility" text={formatVolatility(item.volatility)} hint="Annualised" />}
            <Fact name="Observed" text={`${formatSpan(now.value - item.observedAt)} ago`} />
          </dl>
        </>
      )}
    </section>
  );
}

function Fact({ name, text, hint }: { readonly name: string; readonly text: string; readonly hint?: string }): JSX.Element {
  return (
    <div>
      <dt title={hint}>{name}</dt>
      <dd class="num value">{text}</dd>
    </div>
  );
}

function VerdictPanel({ item, isChain }: ItemProps): JSX.Element {
  const { now, freshness } = useLive();
  if (item === undefined)
    return (
      <section class="panel verdict" aria-label="Verdict" aria-busy="true">
        <div class="skeleton skeleton-price" aria-hidden="true" />
      </section>
    );
  const { breaker, permits } = item;
  const { state, since } = breaker;
  return (
    <section class={`panel verdict verdict-${state}`} aria-label="Verdict">
      <p class="verdict-state">
        <StateMark state={state} full />
        <span class="verdict-since">
          for {formatSpan(now.value - since)}, since <Clock at={since} />
        </span>
      </p>
      <p class="verdict-means">
        {freshness.value === "ended" ? (
          <strong>The lease has ended: nothing is permitted any more.</strong>
        ) : isChain ? (
          CHAIN_MEANS[state]
        ) : (
          sayMeans(breaker)
        )}
      </p>
      <ul class="permits">
        {(isChain ? sayChainSentences : saySentences)(permits).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {state === "half-open" ? <Ramp budgetBps={permits.budgetBps} /> : undefined}
    </section>
  );
}

/** Half-open's way back: the share of a consumer's limit that disputed loans may use grows from a tenth to all. */
function Ramp({ budgetBps }: { readonly budgetBps: number }): JSX.Element {
  const percent = Math.round(budgetBps / 100);
  return (
    <div class="ramp">
      <span id="ramp">Budget for disputed loans</span>
      <meter aria-labelledby="ramp" min={0} max={100} value={percent} class="sr">
        {percent} %
      </meter>
      <span class="ramp-bar" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      <span class="num">{percent} %</span>
    </div>
  );
}

function ReasonsPanel({ item }: { readonly item: BundleItem | undefined }): JSX.Element | null {
  const reasons = item?.breaker.reasons ?? [];
  if (reasons.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="reasons">
      <h2 id="reasons">Why</h2>
      <ReasonList reasons={reasons} />
    </section>
  );
}
