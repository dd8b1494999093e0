import { ONE } from "../../protocol/amount.ts";
import { type Digest, fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { reportTree } from "../../protocol/document.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import { compareText, type FeedId, parseFeedId } from "../../protocol/feed.ts";
import type { DocumentKind } from "../../protocol/governance.ts";
import type { Report } from "../../protocol/report.ts";
import type { BreakerTransition, CertifiedRound, FeedVerdict, Reason, RoundBody } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";
import { digestOf, plainSources, type TestKey, testKeys, testNetwork } from "./network.ts";

export function feedId(text: string): FeedId {
  const feed = parseFeedId(text);
  if (!feed.ok) throw new Error(`${text}: ${feed.error}`);
  return feed.value;
}

/** A network of n nodes with these feeds, all majors. */
export function networkOf(feeds: readonly string[], n = 4): Network {
  return testNetwork({ feeds: feeds.map((feed) => ({ feed, preset: "major", sources: plainSources(feed, 6) })) }, n);
}

export function report(feed: string, timestamp: number, overrides: Partial<Report> = {}): Report {
  return {
    feed: feedId(feed),
    price: 1_800n * ONE + ONE / 8n,
    low: 1_799n * ONE,
    high: 1_801n * ONE,
    ema: 1_802n * ONE,
    volatility: (62n * ONE) / 100n,
    observedAt: timestamp - 90,
    state: "closed",
    liquidate: "any",
    borrow: true,
    budgetBps: 10_000,
    reasons: 0,
    since: timestamp - 120_000,
    ...overrides,
  };
}

/** A verdict whose report's bits are those of its reasons, unless told otherwise. */
export function verdict(
  feed: string,
  timestamp: number,
  overrides: Partial<Report> = {},
  reasons: readonly Reason[] = [],
): FeedVerdict {
  return { report: report(feed, timestamp, overrides), reasons };
}

/** A round certified by the committee's first q keys, every hash and signature real. */
export function certify({
  network,
  round,
  verdicts,
  parent = ZERO_DIGEST,
  keys = testKeys(network.config.committee.length),
}: {
  readonly network: Network;
  readonly round: number;
  readonly verdicts: readonly FeedVerdict[];
  readonly parent?: Digest;
  readonly keys?: readonly TestKey[];
}): CertifiedRound {
  const feeds = [...verdicts].sort((a, b) => compareText(a.report.feed, b.report.feed));
  const { roundMs, leaseMs } = network.config;
  const header: RoundHeader = {
    round,
    timestamp: round * roundMs,
    validUntil: round * roundMs + leaseMs,
    parent,
    reportsRoot: reportTree(feeds).root,
    stateRoot: digestOf(2),
    inputsRoot: digestOf(3),
    configDigest: network.configDigest,
  };
  const digest = roundDigest(network.domain, header);
  const signatures = keys.slice(0, network.committee.quorum).map(({ scheme, privateKey, address }) => ({
    signer: address,
    signature: scheme.sign(fromHex(digest), privateKey),
  }));
  return { digest, certificate: { header, signatures }, feeds };
}

/** Consecutive rounds from `first`, each the child of the one before, pricing the same feeds. */
export function certifyChain(
  network: Network,
  feeds: readonly string[],
  first: number,
  count: number,
): readonly CertifiedRound[] {
  const rounds: CertifiedRound[] = [];
  for (let round = first; round < first + count; round++) {
    const timestamp = round * network.config.roundMs;
    const verdicts = feeds.map((feed) => verdict(feed, timestamp, { price: 1_800n * ONE + BigInt(round - first) * ONE }));
    rounds.push(certify({ network, round, verdicts, parent: rounds.at(-1)?.digest ?? ZERO_DIGEST }));
  }
  return rounds;
}

type LogQuery = { readonly feed?: FeedId; readonly from?: number; readonly to?: number; readonly limit: number };

/** Rounds in memory behind the gateway's ports; `publish` is what a node does when it certified one more. */
export function memoryStore(initial: readonly CertifiedRound[] = []) {
  const rounds: CertifiedRound[] = [...initial];
  const bodies = new Map<Digest, RoundBody>();
  const evidence: Evidence[] = [];
  const log: BreakerTransition[] = [];
  const documents: { readonly digest: Digest; readonly kind: DocumentKind; readonly bytes: Uint8Array }[] = [];
  const transitions: Transition[] = [];
  const listeners = new Set<(round: CertifiedRound) => void>();
  const stored = (certified: CertifiedRound | undefined) => (certified === undefined ? undefined : { certified, orphan: false });
  const between = ({ from, to }: { readonly from: number; readonly to: number }) =>
    rounds.filter(({ certificate: { header } }) => header.round >= from && header.round <= to);
  return {
    store: {
      latest: () => stored(rounds.at(-1)),
      byRound: (round: number) => stored(between({ from: round, to: round })[0]),
      bodyOf: (digest: Digest) => bodies.get(digest),
      range: ({ from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number }) =>
        between({ from, to })
          .slice(0, limit)
          .map((certified) => ({ certified, orphan: false })),
      history: (feed: FeedId, span: { readonly from: number; readonly to: number; readonly limit: number }) =>
        between(span)
          .flatMap(({ digest, certificate: { header }, feeds }) => {
            const found = feeds.find((item) => item.report.feed === feed);
            return found === undefined ? [] : [{ round: header.round, timestamp: header.timestamp, digest, verdict: found }];
          })
          .reverse()
          .slice(0, span.limit),
      evidence: ({ limit }: { readonly limit: number }) => evidence.slice(0, limit),
      breakerLog: ({ feed, from = 0, to = Number.MAX_SAFE_INTEGER, limit }: LogQuery) =>
        log
          .filter((entry) => (feed === undefined || entry.feed === feed) && entry.round >= from && entry.round <= to)
          .sort((a, b) => b.round - a.round || compareText(a.feed, b.feed))
          .slice(0, limit),
      documents: ({ limit }: { readonly limit: number }) => documents.toReversed().slice(0, limit),
      document: (digest: Digest) => documents.find((document) => document.digest === digest),
      transitions: () => transitions,
    },
    /** What a node keeps beside its rounds; a test adds to it. */
    kept: { log, documents, transitions },
    subscribe: (listener: (round: CertifiedRound) => void) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    publish: (round: CertifiedRound, body?: RoundBody) => {
      rounds.push(round);
      if (body !== undefined) bodies.set(round.digest, body);
      for (const listener of listeners) listener(round);
    },
    accuse: (item: Evidence) => {
      evidence.unshift(item);
    },
    listeners: () => listeners.size,
  };
}
