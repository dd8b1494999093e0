import type { Digest } from "../../protocol/bytes.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import type { FeedConfig, Network } from "../../protocol/config.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { Report } from "../../protocol/report.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import type { TrialFacts } from "./checker.ts";
import type { Messages } from "./messages.ts";
import { type Included, type QuorumTruth, quorumTruth } from "./quorum-truth.ts";
import { type Remembered, readMemory } from "./remembered.ts";
import type { Truth } from "./truth.ts";

/** Timers count no more than this of one round (BREAKER.md B1). */
const MAX_TICK_ROUNDS = 5;

/** One certified round, as the first node that committed it showed it. */
export type RoundFact = {
  /** True time of the first commit. */
  readonly at: number;
  readonly node: number;
  readonly digest: Digest;
  readonly header: RoundHeader;
  /** Of its config. */
  readonly network: Network;
  readonly certificate: Certificate;
  readonly body: RoundBody;
  readonly certified: CertifiedRound;
  readonly parent: RoundFact | undefined;
  readonly leader: number;
  /** Since the parent; 0 without one. */
  readonly dtMs: number;
  readonly tickMs: number;
  readonly included: readonly Included[];
  readonly reports: ReadonlyMap<FeedId, Report>;
  readonly feeds: readonly FeedFact[];
  /** The parent's memory, out of this round's body. */
  readonly remembered: ReadonlyMap<string, Remembered>;
};

/** One feed of a certified round. */
export type FeedFact = { readonly config: FeedConfig; readonly report: Report; readonly quorum: QuorumTruth };

/** Every certified round once, parents before children. */
export type Ledger = {
  readonly take: (occurrence: Occurrence) => void;
  readonly byDigest: (digest: Digest) => RoundFact | undefined;
  readonly all: () => readonly RoundFact[];
  /** Committed by somebody, with a parent that nobody ever committed. */
  readonly parentless: () => readonly (Occurrence & { readonly kind: "committed" })[];
};

export function createLedger(
  facts: TrialFacts,
  {
    truth,
    messages,
    onRound,
  }: { readonly truth: Truth; readonly messages: Messages; readonly onRound: (round: RoundFact) => void },
): Ledger {
  const rounds = new Map<Digest, RoundFact>();
  const waiting = new Map<Digest, (Occurrence & { readonly kind: "committed" })[]>();

  const accept = (occurrence: Occurrence & { readonly kind: "committed" }): void => {
    const { digest, certificate } = occurrence.certified;
    const { parent } = certificate.header;
    if (rounds.has(digest)) return;
    if (parent !== ZERO_DIGEST && !rounds.has(parent)) {
      waiting.set(parent, [...(waiting.get(parent) ?? []), occurrence]);
      return;
    }
    const fact = describe(facts, { truth, messages, occurrence, parent: rounds.get(parent) });
    rounds.set(digest, fact);
    onRound(fact);
    const children = waiting.get(digest) ?? [];
    waiting.delete(digest);
    children.forEach(accept);
  };

  return {
    take: (occurrence) => {
      if (occurrence.kind === "committed") accept(occurrence);
    },
    byDigest: (digest) => rounds.get(digest),
    all: () => [...rounds.values()],
    parentless: () => [...waiting.values()].flat(),
  };
}

/** A config that nobody ever proposed is judged elsewhere; here it is read as the first one. */
function networkOfRound({ network, networkOf }: TrialFacts, digest: Digest): Network {
  return digest === network.configDigest ? network : (networkOf(digest) ?? network);
}

function describe(
  facts: TrialFacts,
  {
    truth,
    messages,
    occurrence,
    parent,
  }: {
    readonly truth: Truth;
    readonly messages: Messages;
    readonly occurrence: Occurrence & { readonly kind: "committed" };
    readonly parent: RoundFact | undefined;
  },
): RoundFact {
  const { certified, body, at, node } = occurrence;
  const { header } = certified.certificate;
  const network = networkOfRound(facts, header.configDigest);
  const { config } = network;
  const dtMs = parent === undefined ? 0 : header.timestamp - parent.header.timestamp;
  const included = body.observations.flatMap((signed) => {
    const known = messages.observation(signed);
    return known === undefined ? [] : [{ node: truth.indexOf(known.signer), observation: known.observation }];
  });
  const configs = new Map(config.feeds.map((feed) => [feed.feed, feed]));
  const reports = new Map(certified.feeds.map(({ report }) => [report.feed, report]));
  const feeds = certified.feeds.flatMap(({ report }) => {
    const feed = configs.get(report.feed);
    if (feed === undefined) return [];
    const quorum = quorumTruth(included, feed, { config, f: truth.f, timestamp: header.timestamp });
    return [{ config: feed, report, quorum }];
  });
  return {
    at,
    node,
    digest: certified.digest,
    header,
    network,
    certificate: certified.certificate,
    body,
    certified,
    parent,
    leader: truth.leaderOf(header.round, network),
    dtMs,
    tickMs: Math.min(dtMs, MAX_TICK_ROUNDS * config.roundMs),
    included,
    reports,
    feeds,
    remembered: readMemory(body.memory),
  };
}
