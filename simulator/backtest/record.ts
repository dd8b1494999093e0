import { baseOf, compareText, type FeedId, quoteOf } from "../../protocol/feed.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { CORNERS, mergeBars } from "./bar-path.ts";
import type { Bar, BarSeries } from "./bars.ts";

/** A step never is longer than this, the grid on which BREAKER.md's figures were made, nor shorter than a live round. */
const MAX_STEP_MS = 15_000;
const MIN_STEP_MS = 1_000;
/** Bars longer than this make smooth slides out of steps. */
const FINE_BAR_MS = 60_000;
const MAX_FILES = 64;
/** A year of 15 s rounds, eight times over. */
const MAX_STEPS = 17_000_000;

/** A history file as read: whose market it is, and whether a person said which feed it stands for. */
export type HistoryFile = {
  readonly name: string;
  readonly venue: string;
  readonly market: FeedId;
  readonly series: BarSeries;
};

/** One venue's market over the whole record, on the record's grid. */
export type MarketSeries = {
  readonly venue: string;
  readonly market: FeedId;
  readonly files: readonly string[];
  readonly barMs: number;
  readonly bars: readonly Bar[];
};

/** A feed and what quotes it; `leg` is the feed that turns a source's quote asset into the feed's. */
export type RecordedFeed = {
  readonly feed: FeedId;
  readonly sources: readonly { readonly series: MarketSeries; readonly leg: FeedId | undefined }[];
};

/** All of a history on one grid: rounds of `stepMs` from `from` to before `to` (Unix ms). Feeds by ascending id. */
export type MarketRecord = {
  readonly stepMs: number;
  readonly from: number;
  readonly to: number;
  readonly feeds: readonly RecordedFeed[];
  readonly warnings: readonly string[];
};

/**
 * Files → feeds: files of one venue and market are joined in time; a market quoted in an asset for which the record holds a dollar
 * price counts for the dollar feed through that leg; anything else is a feed of its own.
 */
export function buildRecord(
  files: readonly HistoryFile[],
  window: { readonly from?: number | undefined; readonly to?: number | undefined } = {},
): Result<MarketRecord, string> {
  if (files.length === 0) return fail("expected at least one history file");
  if (files.length > MAX_FILES) return fail(`expected at most ${MAX_FILES} history files, found ${files.length}`);
  const finest = Math.min(...files.map(({ series }) => series.barMs));
  const stepMs = Math.min(MAX_STEP_MS, Math.max(MIN_STEP_MS, Math.floor(finest / CORNERS)));
  const markets = joinMarkets(files, stepMs);
  if (!markets.ok) return markets;
  const begin = Math.min(...markets.value.map(({ bars }) => bars[0]?.at ?? 0));
  const end = Math.max(...markets.value.map(({ bars, barMs }) => (bars.at(-1)?.at ?? 0) + barMs));
  const from = Math.max(begin, Math.ceil((window.from ?? begin) / stepMs) * stepMs);
  const to = Math.min(end, Math.floor((window.to ?? end) / stepMs) * stepMs);
  if (from >= to) return fail("the window holds nothing of the record");
  if ((to - from) / stepMs > MAX_STEPS) return fail(`expected at most ${MAX_STEPS} rounds; narrow the window`);
  const coarse = markets.value.filter(({ barMs }) => barMs > FINE_BAR_MS);
  return ok({
    stepMs,
    from,
    to,
    feeds: groupFeeds(markets.value),
    warnings: coarse.map(
      ({ files: [name], barMs }) =>
        `${name}: bars of ${barMs / 60_000} min are drawn as straight lines between their corners; moves within a round are understated`,
    ),
  });
}

function joinMarkets(files: readonly HistoryFile[], stepMs: number): Result<readonly MarketSeries[], string> {
  const joined = new Map<string, MarketSeries>();
  const ordered = [...files].sort((a, b) => (a.series.bars[0]?.at ?? 0) - (b.series.bars[0]?.at ?? 0));
  for (const { name, venue, market, series } of ordered) {
    const fine = series.barMs < CORNERS * stepMs;
    const bars = fine ? mergeBars(series.bars, CORNERS * stepMs) : series.bars;
    const barMs = fine ? CORNERS * stepMs : series.barMs;
    const first = bars[0]?.at ?? 0;
    if (barMs % stepMs !== 0 || first % stepMs !== 0) return fail(`${name}: its bars do not lie on the grid of ${stepMs} ms`);
    const key = `${venue} ${market}`;
    const before = joined.get(key);
    const endBefore = before === undefined ? first : (before.bars.at(-1)?.at ?? 0) + before.barMs;
    if (first < endBefore || (before !== undefined && before.barMs !== barMs)) {
      return fail(`${name}: expected to follow ${before?.files.join(", ")} in time, with bars of the same length`);
    }
    const whole = before === undefined ? bars : before.bars.concat(bars);
    joined.set(key, { venue, market, files: [...(before?.files ?? []), name], barMs, bars: whole });
  }
  return ok([...joined.values()]);
}

function groupFeeds(markets: readonly MarketSeries[]): readonly RecordedFeed[] {
  const known = new Set(markets.map(({ market }) => market));
  const feeds = new Map<FeedId, RecordedFeed["sources"][number][]>();
  for (const series of markets) {
    const { market } = series;
    const leg = `${quoteOf(market)}/USD` as FeedId;
    const converted = quoteOf(market) !== "USD" && known.has(leg);
    const feed = converted ? (`${baseOf(market)}/USD` as FeedId) : market;
    feeds.set(feed, [...(feeds.get(feed) ?? []), { series, leg: converted ? leg : undefined }]);
  }
  return [...feeds]
    .map(([feed, sources]) => ({ feed, sources: [...sources].sort((a, b) => compareText(a.series.venue, b.series.venue)) }))
    .sort((a, b) => compareText(a.feed, b.feed));
}
