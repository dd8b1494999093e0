import { EMPTY_GOVERNANCE } from "../../circuit-breaker/governance-memory.ts";
import { moveBps } from "../../circuit-breaker/integers.ts";
import { type Digest, keccakHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { configDigest, type Network, type NetworkConfig } from "../../protocol/config.ts";
import { changedFeeds } from "../../protocol/config-change.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import type { FeedEntry, SignedObservation } from "../../protocol/observation.ts";
import type { FeedVerdict } from "../../protocol/round.ts";
import { priceFeeds } from "../price.ts";
import { type FoldParent, foldRound } from "../round.ts";
import { implyMarkets } from "./implied.ts";
import { createTally, type FeedTotals } from "./totals.ts";

/** A stored round of the walk: where it started from, what went in, and what was certified. */
export type ReplayedRound = {
  readonly parent: FoldParent | undefined;
  readonly round: number;
  readonly timestamp: number;
  readonly observations: readonly SignedObservation[];
  readonly documents: readonly SignedDocument[];
  readonly feeds: readonly FeedVerdict[];
};

/** One incident of the suite under the config in force and under the proposed one. */
export type IncidentReplay = { readonly name: string; readonly before: string; readonly after: string };

/** How a proposed price compares with the certified one; moves in bps of the smaller. `unpriced` rounds say nothing. */
export type ShadowReplay = {
  readonly rounds: number;
  readonly unpriced: number;
  /** Rounds in which it lies further away than configBps. */
  readonly beyond: number;
  readonly maxMoveBps: number;
  readonly lastMoveBps: number;
};

export type FeedReplay = {
  readonly feed: FeedId;
  /** `price`: its sources, conversions, caps or peg change; else its thresholds alone; `new` and `gone` have only one side. */
  readonly change: "none" | "thresholds" | "price" | "new" | "gone";
  readonly shadow: ShadowReplay | null;
  readonly before: FeedTotals | null;
  readonly after: FeedTotals | null;
};

/**
 * What a proposed config would have done over past rounds and in the incidents of the suite. Every node computes the same one; its
 * digest is what a config document carries. With a refusal no honest node carries that document.
 */
export type ReplayReport = {
  readonly replaces: Digest;
  readonly proposes: Digest;
  /** First and last round replayed, and how many there are between. */
  readonly from: number;
  readonly to: number;
  readonly rounds: number;
  readonly feeds: readonly FeedReplay[];
  readonly incidents: readonly IncidentReplay[];
  readonly refusals: readonly string[];
};

/** One round in twenty may lie beyond: a price may differ in a minute's turmoil, not all day. */
const BEYOND_SHARE = 20;
export const AS_EXPECTED = "as expected";

/** keccak of the report's RFC 8785 JSON. */
export function replayDigest(report: ReplayReport): Digest {
  return keccakHex(utf8(canonicalJson(report as unknown as Json)));
}

export type Replay = {
  /** Rounds of one walk under the config in force, ascending. */
  readonly take: (round: ReplayedRound) => void;
  readonly finish: (incidents: readonly IncidentReplay[]) => ReplayReport;
};

/** The what-if of a config: pure, and in steps, because a day of rounds takes longer than a node may be busy at once. */
export function createReplay(current: Network, next: NetworkConfig): Replay {
  const changed = new Set(changedFeeds(current.config, next));
  const before = tallies(current.config);
  const after = tallies(next);
  const shadows = createShadows(current.config, next, changed);
  // Memory and header stay the current chain's: only what the config says is exchanged.
  const network: Network = { ...current, config: next };
  let parent: FoldParent | undefined;
  let span: { readonly from: number; readonly to: number } | undefined;
  let rounds = 0;
  return {
    take: (taken) => {
      if (rounds === 0 && taken.parent !== undefined) parent = atRest(taken.parent, current.configDigest);
      const forMs = taken.timestamp - (parent?.header.timestamp ?? taken.timestamp);
      const priced = shadows.take(taken);
      for (const verdict of taken.feeds) before.get(verdict.report.feed)?.count(verdict, forMs);
      const observations = taken.observations.map((signed) => reprice(signed, priced));
      const documents = taken.documents.filter(changesNoConfig);
      const folded = foldRound({ network, parent, round: taken.round, observations, documents });
      for (const verdict of folded.feeds) after.get(verdict.report.feed)?.count(verdict, forMs);
      const header = { round: taken.round, timestamp: taken.timestamp, configDigest: current.configDigest };
      parent = { header, memory: folded.memory };
      span = { from: span?.from ?? taken.round, to: taken.round };
      rounds += 1;
    },
    finish: (incidents) => {
      const feeds = [...new Set([...before.keys(), ...after.keys()])].sort().map((feed) => ({
        feed,
        change: changeOf(feed, current.config, next, changed),
        shadow: shadows.of(feed),
        before: before.get(feed)?.totals() ?? null,
        after: after.get(feed)?.totals() ?? null,
      }));
      const { from, to } = span ?? { from: 0, to: 0 };
      const proposes = configDigest(next);
      const refusals = [...feeds.flatMap((feed) => refusePrice(feed, current.config)), ...incidents.flatMap(refuseIncident)];
      return { replaces: current.configDigest, proposes, from, to, rounds, feeds, incidents, refusals };
    },
  };
}

function tallies({ feeds }: NetworkConfig) {
  return new Map(feeds.map(({ feed }) => [feed, createTally()]));
}

/** What the first round stood on, without the config changes that governance had set in motion: a replay activates nothing. */
function atRest({ header, memory }: FoldParent, configDigest: Digest): FoldParent {
  const { keyholders, pauses, certified } = memory.governance;
  return {
    header: { ...header, configDigest },
    memory: { feeds: memory.feeds, governance: { ...EMPTY_GOVERNANCE, keyholders, pauses, certified } },
  };
}

/** Pauses, who may still say them, and accepted gaps: what the certified rounds did with those the replay does as well. */
function changesNoConfig({ document }: SignedDocument): boolean {
  if (document.kind === "accept") return document.configDigest === ZERO_DIGEST;
  return document.kind === "pause" || document.kind === "removal";
}

type Repriced = ReadonlyMap<FeedId, { readonly was: bigint; readonly is: bigint }>;

function createShadows(current: NetworkConfig, next: NetworkConfig, changed: ReadonlySet<FeedId>) {
  const limits = new Map(current.feeds.map(({ feed, thresholds }) => [feed, thresholds.configBps]));
  const shadows = new Map([...changed].map((feed) => [feed, { ...NO_SHADOW }]));
  return {
    /** The changed feeds' prices in this round, beside the certified ones. */
    take: ({ feeds, timestamp }: ReplayedRound): Repriced => {
      const repriced = new Map<FeedId, { readonly was: bigint; readonly is: bigint }>();
      if (changed.size === 0) return repriced;
      const prices = new Map(feeds.map(({ report }) => [report.feed, report.price]));
      const proposed = priceFeeds(next.feeds, implyMarkets(current, prices, timestamp), {
        at: timestamp,
        maxSkewMs: next.maxSkewMs,
      });
      for (const [feed, shadow] of shadows) {
        const was = prices.get(feed);
        const is = proposed.get(feed)?.entry?.price;
        shadow.rounds += 1;
        if (was === undefined || is === undefined) {
          shadow.unpriced += 1;
          continue;
        }
        shadow.lastMoveBps = moveBps(is, was);
        shadow.maxMoveBps = Math.max(shadow.maxMoveBps, shadow.lastMoveBps);
        if (shadow.lastMoveBps > (limits.get(feed) ?? 0)) shadow.beyond += 1;
        repriced.set(feed, { was, is });
      }
      return repriced;
    },
    of: (feed: FeedId): ShadowReplay | null => {
      const shadow = shadows.get(feed);
      return shadow === undefined ? null : { ...shadow };
    },
  };
}

const NO_SHADOW = { rounds: 0, unpriced: 0, beyond: 0, maxMoveBps: 0, lastMoveBps: 0 };

/** A node's entry moved as far as the feed's price moved: its distance from the other nodes stays what it was. */
function reprice(signed: SignedObservation, repriced: Repriced): SignedObservation {
  if (repriced.size === 0) return signed;
  const entries = signed.observation.entries.map((entry): FeedEntry => {
    const price = repriced.get(entry.feed);
    if (price === undefined) return entry;
    const scale = (amount: bigint): bigint => (amount * price.is) / price.was || 1n;
    return { ...entry, price: scale(entry.price), low: scale(entry.low), high: scale(entry.high) };
  });
  return { ...signed, observation: { ...signed.observation, entries, shadows: [] } };
}

function changeOf(feed: FeedId, current: NetworkConfig, next: NetworkConfig, changed: ReadonlySet<FeedId>): FeedReplay["change"] {
  const [was, is] = [current, next].map(({ feeds }) => feeds.find((item) => item.feed === feed));
  if (was === undefined) return "new";
  if (is === undefined) return "gone";
  if (changed.has(feed)) return "price";
  const [a, b] = [was.thresholds, is.thresholds].map((thresholds) => canonicalJson(thresholds as unknown as Json));
  return a === b ? "none" : "thresholds";
}

function refusePrice({ feed, shadow }: FeedReplay, { feeds }: NetworkConfig): readonly string[] {
  if (shadow === null || shadow.beyond * BEYOND_SHARE <= shadow.rounds) return [];
  const limit = feeds.find((item) => item.feed === feed)?.thresholds.configBps;
  const { beyond, rounds, maxMoveBps } = shadow;
  return [`${feed}: its price differs by more than ${limit} bps in ${beyond} of ${rounds} rounds, by up to ${maxMoveBps} bps`];
}

function refuseIncident({ name, before, after }: IncidentReplay): readonly string[] {
  return before === AS_EXPECTED && after !== AS_EXPECTED ? [`incident ${name}: ${after}`] : [];
}
