import type { MarketView } from "../../aggregator/source.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { type PathOrder, stepPrice, worseOrder } from "./bar-path.ts";
import type { Bar } from "./bars.ts";
import { lastAtOrBefore } from "./gas-series.ts";
import { copiesOf, copyName } from "./network.ts";
import type { MarketRecord, MarketSeries } from "./record.ts";

export type Lookup = (venue: string, market: string) => MarketView | undefined;

/** The files of one feed with bars of one length: they take each bar the same way round. */
type Herd = { readonly series: readonly Reader[]; barAt: number; order: PathOrder };
type Reader = { readonly source: MarketSeries; readonly venues: readonly string[]; position: number };

/**
 * What every venue of the record says at a step (Unix ms). Inside a bar its path, as a trade of that instant. A missing bar holds the
 * last close as if it were traded afresh, because no trade is no change; from `holdMs` on the venue has fallen silent and its last
 * quote grows old. Steps may be asked for in any order; ascending is fast.
 */
export function createQuotes(
  record: MarketRecord,
  { config }: Network,
  { holdMs }: { readonly holdMs: number },
): (at: number) => Lookup {
  const herds = record.feeds.flatMap((feed): Herd[] => {
    const wantGroups = config.feeds.find((item) => item.feed === feed.feed)?.thresholds.wantGroups ?? 1;
    const copies = copiesOf(feed, wantGroups);
    const readers = feed.sources.map(({ series }) => ({
      source: series,
      venues: Array.from({ length: copies }, (_, index) => copyName(series.venue, index, copies)),
      position: 0,
    }));
    const lengths = [...new Set(readers.map(({ source }) => source.barMs))];
    return lengths.map((barMs) => ({
      series: readers.filter(({ source }) => source.barMs === barMs),
      barAt: Number.NEGATIVE_INFINITY,
      order: "OLHC",
    }));
  });
  const views = new Map<FeedId, Map<string, MarketView>>();
  for (const { source } of herds.flatMap(({ series }) => series)) views.set(source.market, new Map());
  return (at) => {
    for (const herd of herds) quoteHerd(herd, views, { at, stepMs: record.stepMs, holdMs });
    return (venue, market) => views.get(market as FeedId)?.get(venue);
  };
}

type Step = { readonly at: number; readonly stepMs: number; readonly holdMs: number };

function quoteHerd(herd: Herd, views: ReadonlyMap<FeedId, Map<string, MarketView>>, step: Step): void {
  for (const reader of herd.series) moveTo(reader, step.at);
  for (const { source, venues, position } of herd.series) {
    const bar = source.bars[position];
    const view = bar === undefined ? undefined : quote(bar, source.barMs, herd, step);
    for (const venue of venues) {
      if (view === undefined) views.get(source.market)?.delete(venue);
      else views.get(source.market)?.set(venue, view);
    }
  }
}

function moveTo(reader: Reader, at: number): void {
  const { bars } = reader.source;
  const next = bars[reader.position + 1];
  const here = bars[reader.position];
  if (here !== undefined && here.at <= at && (next === undefined || next.at > at)) return;
  reader.position = next !== undefined && next.at === at ? reader.position + 1 : lastAtOrBefore(bars, at);
}

function quote(bar: Bar, barMs: number, herd: Herd, { at, stepMs, holdMs }: Step): MarketView {
  if (at < bar.at + barMs) {
    const timing = { step: (at - bar.at) / stepMs, steps: barMs / stepMs };
    return tradedAt(stepPrice(bar, orderOf(herd, bar.at), timing), at);
  }
  return tradedAt(bar.close, Math.min(at, bar.at + barMs + holdMs));
}

/** Looked at once a bar: every file that has this bar takes part. */
function orderOf(herd: Herd, barAt: number): PathOrder {
  if (herd.barAt === barAt) return herd.order;
  const bars = herd.series.flatMap(({ source, position }) => {
    const bar = source.bars[position];
    return bar?.at === barAt ? [bar] : [];
  });
  herd.barAt = barAt;
  herd.order = worseOrder(bars);
  return herd.order;
}

function tradedAt(last: bigint, lastAt: number): MarketView {
  return { quote: { last, lastAt, sentAt: lastAt } };
}
