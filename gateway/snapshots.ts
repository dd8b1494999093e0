import type { Digest } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { reportTree, toBundleDocument, toFeedDocument } from "../protocol/document.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import { clearsIn, showTransition, toBreakerDocument, toChainsDocument } from "./breaker.ts";
import { toFeedList } from "./documents.ts";
import { createKeptTexts } from "./kept-texts.ts";
import type { RoundStore } from "./ports.ts";

/** Rounds whose trees and texts are kept: readers that come back within a minute cost no second tree. */
const MAX_SNAPSHOTS = 64;
/** Of a round's bundles, whose selections of feeds strangers choose: the bundle of a hundred feeds is a hundred thousand characters. */
const MAX_BUNDLE_CHARS = 2 * 2 ** 20;

/** One round's documents as JSON text, each made when first asked for and then kept. */
export type RoundSnapshot = {
  readonly round: CertifiedRound;
  /** A strong entity tag of every document here: a reader that shows it has the same bytes. */
  readonly tag: string;
  /** Undefined when the round has no leaf for the feed. */
  readonly feed: (feed: FeedId) => string | undefined;
  /** Undefined when the round has no leaf for one of them. */
  readonly bundle: (feeds: readonly FeedId[]) => string | undefined;
  readonly feedList: () => string;
  readonly breaker: () => string;
  readonly chains: () => string;
  /** The breakers that changed in this round. */
  readonly transitions: () => readonly { readonly feed: FeedId; readonly text: string }[];
};

type Parts = { readonly network: () => Network; readonly breakerLog: RoundStore["breakerLog"] };

type Kept = { readonly network: Network; readonly snapshot: RoundSnapshot };

/**
 * Snapshots by header digest, the most recently asked for kept. A round never changes; what the config in force lists and explains beside
 * it does, so a change of config makes another snapshot of the same round.
 */
export function createSnapshots({ network, breakerLog }: Parts): (round: CertifiedRound) => RoundSnapshot {
  const kept = new Map<Digest, Kept>();
  let last: Kept | undefined;
  return (round) => {
    const current = network();
    if (last?.snapshot.round === round && last.network === current) return last.snapshot;
    const found = kept.get(round.digest);
    last = found?.network === current ? found : { network: current, snapshot: createSnapshot(current, breakerLog, round) };
    kept.delete(round.digest);
    kept.set(round.digest, last);
    for (const digest of kept.keys()) {
      if (kept.size <= MAX_SNAPSHOTS) break;
      kept.delete(digest);
    }
    return last.snapshot;
  };
}

function createSnapshot(network: Network, breakerLog: RoundStore["breakerLog"], round: CertifiedRound): RoundSnapshot {
  const tree = once(() => reportTree(round.feeds));
  // As many as there are feeds: a stranger chooses among them.
  const feeds = createKeptTexts(Number.POSITIVE_INFINITY);
  const bundles = createKeptTexts(MAX_BUNDLE_CHARS);
  const clears = clearsIn(network.config);
  const feedText = (feed: FeedId) => textOf(toFeedDocument({ round, feed, tree: tree(), clears }));
  return {
    round,
    tag: `"${round.digest.slice(2)}-${network.configDigest.slice(2, 18)}"`,
    feed: (feed) => feeds(feed, () => feedText(feed)),
    bundle: (chosen) => bundles(chosen.join(","), () => textOf(toBundleDocument({ round, feeds: chosen, tree: tree(), clears }))),
    feedList: once(() => JSON.stringify(toFeedList(network, round))),
    breaker: once(() => JSON.stringify(toBreakerDocument(network, round))),
    chains: once(() => JSON.stringify(toChainsDocument(network, round))),
    transitions: once(() => transitionsIn(breakerLog, round)),
  };
}

function transitionsIn(breakerLog: RoundStore["breakerLog"], { digest, certificate, feeds }: CertifiedRound) {
  const { round } = certificate.header;
  const entries = breakerLog({ from: round, to: round, limit: feeds.length });
  return entries
    .filter((entry) => entry.digest === digest)
    .map((entry) => ({ feed: entry.feed, text: JSON.stringify(showTransition(entry)) }));
}

function textOf(document: object | undefined): string | undefined {
  return document === undefined ? undefined : JSON.stringify(document);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
