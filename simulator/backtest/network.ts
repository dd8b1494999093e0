import { type ConfigFault, genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { type Preset, resolveThresholds } from "../../protocol/thresholds.ts";
import type { MarketRecord, RecordedFeed } from "./record.ts";
import { presetFor, type ThresholdSet } from "./threshold-set.ts";

/** n = 4, f = 1: the smallest committee there is. All of them see the same. */
const OBSERVERS = 4;
/** Every config declares more groups than it wants; the record has no price of this one. */
const SILENT_VENUE = "not-recorded";
/** Ethereum's; what its leaf needs to know of a chain. */
const BLOCK_MS = 12_000;
const MIN_BASKET = 3;

/** Which feeds a set of thresholds is tried on, and what is not in the record. */
export type NetworkTerms = {
  readonly presetOf: (feed: FeedId) => Preset;
  /** The default basket; of it counts what the record holds, three of them at least. */
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
  readonly chain: string | undefined;
};

/**
 * The network that would have watched this record: its config goes through the protocol's own schema, relations included. A feed with
 * fewer groups than it wants gets each of them as often as it takes, so that the record's poverty does not open the breaker.
 *
 * @example
 * // one file, wantGroups 4 → venues kraken.1 … kraken.4 at its price, and not-recorded, which never has one
 */
export function networkOf(record: MarketRecord, set: ThresholdSet, terms: NetworkTerms): Result<Network, readonly ConfigFault[]> {
  const { stepMs, feeds } = record;
  const basket = basketOf(record, set, terms);
  const parsed = parseNetworkConfig({
    network: "backtest",
    rules: 1,
    roundMs: stepMs,
    committee: Array.from({ length: OBSERVERS }, (_, index) => ({ name: `observer${index + 1}`, address: addressOf(index + 1) })),
    chains: terms.chain === undefined ? [] : [{ chain: terms.chain, blockMs: BLOCK_MS }],
    thresholds: set.thresholds,
    basket: basket.length < MIN_BASKET ? [] : basket,
    feeds: feeds.map((recorded) => {
      const own = set.feeds[recorded.feed]?.thresholds ?? {};
      const preset = presetFor(set, recorded.feed, terms.presetOf);
      const { wantGroups } = resolveThresholds(preset, set.thresholds, own);
      return { feed: recorded.feed, preset, thresholds: own, sources: sourcesOf(recorded, wantGroups) };
    }),
  });
  return parsed.ok ? ok(genesisNetwork(parsed.value)) : fail(parsed.error);
}

/** How often each venue of a feed is counted. @example copiesOf(1 venue, wantGroups 4); // 4 */
export function copiesOf({ sources }: RecordedFeed, wantGroups: number): number {
  const venues = new Set(sources.map(({ series }) => series.venue)).size;
  return venues >= wantGroups ? 1 : Math.ceil(wantGroups / venues);
}

function sourcesOf(recorded: RecordedFeed, wantGroups: number) {
  const copies = copiesOf(recorded, wantGroups);
  const silent = { venue: SILENT_VENUE, market: recorded.feed, weight: 1 };
  const quoted = recorded.sources.flatMap(({ series, leg }) =>
    Array.from({ length: copies }, (_, index) => ({
      venue: copyName(series.venue, index, copies),
      market: series.market,
      weight: 1,
      convert: leg === undefined ? [] : [{ multiply: leg }],
    })),
  );
  return [...quoted, silent];
}

/** The venue that the config names for a copy. */
export function copyName(venue: string, index: number, copies: number): string {
  return copies === 1 ? venue : `${venue}.${index + 1}`;
}

function basketOf({ feeds }: MarketRecord, set: ThresholdSet, { basket, presetOf }: NetworkTerms) {
  const known = new Map(feeds.map(({ feed }) => [String(feed), presetFor(set, feed, presetOf)]));
  return basket.filter(({ feed }) => ["major", "large"].includes(known.get(feed) ?? ""));
}

function addressOf(index: number): string {
  return `0x${String(index).padStart(40, "0")}`;
}
