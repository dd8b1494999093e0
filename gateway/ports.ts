import type { Address, Digest } from "../protocol/bytes.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { DocumentKind, FeedScope } from "../protocol/governance.ts";
import type { BreakerTransition, CertifiedRound, HistoryEntry, RoundBody, StoredRound } from "../protocol/round.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import type { Transition } from "../protocol/transition.ts";
import type { WhatIfView } from "./what-if.ts";

/** Certified rounds, from a node's store or from a follower of nodes: whatever is served here was verified there. */
export type RoundStore = {
  readonly latest: () => StoredRound | undefined;
  readonly byRound: (round: number) => StoredRound | undefined;
  /** What recomputes the round of this header digest; undefined once retention let it go. */
  readonly bodyOf: (digest: Digest) => RoundBody | undefined;
  /** Rounds of the walk with from ≤ round ≤ to, ascending, at most `limit`. */
  readonly range: (span: { readonly from: number; readonly to: number; readonly limit: number }) => readonly StoredRound[];
  /** One feed in the rounds of the walk with from ≤ round ≤ to, newest first, at most `limit`. */
  readonly history: (
    feed: FeedId,
    span: { readonly from: number; readonly to: number; readonly limit: number },
  ) => readonly HistoryEntry[];
  /** Equivocations, newest first. */
  readonly evidence: (options: { readonly limit: number }) => readonly Evidence[];
  /** Breakers' changes of state in rounds of the walk with from ≤ round ≤ to, newest first and within a round by ascending feed. */
  readonly breakerLog: (query: {
    readonly feed?: FeedId;
    readonly from?: number;
    readonly to?: number;
    readonly limit: number;
  }) => readonly BreakerTransition[];
  /** What guardians and governors said, newest first. */
  readonly documents: (options: { readonly limit: number }) => readonly DocumentView[];
  readonly document: (digest: Digest) => DocumentView | undefined;
  /** From the genesis config to the one in force, oldest first. */
  readonly transitions: () => readonly Transition[];
};

export type DocumentView = { readonly digest: Digest; readonly kind: DocumentKind; readonly bytes: Uint8Array };

/** What governance set in motion, as the newest round's memory has it; digests are zero for "none". */
export type GovernanceView = {
  readonly keyholders: readonly {
    readonly address: Address;
    readonly nonce: number;
    readonly usedMs: number;
    readonly usedAt: number;
  }[];
  readonly pauses: readonly {
    readonly feed: FeedScope;
    readonly action: "robust" | "none";
    readonly until: number;
    readonly power: "guardian" | "guardians" | "governors";
    readonly keyholders: readonly Address[];
  }[];
  readonly pending:
    | {
        readonly configDigest: Digest;
        readonly activation: number;
        readonly feeds: readonly { readonly feed: FeedId; readonly agreedAt: number; readonly accepted: boolean }[];
      }
    | undefined;
  readonly previous: Digest;
};

/** `malformed`: no document of this network's keyholders. Every other code is the judgement of the network's own fold. */
export type SubmissionView =
  | { readonly ok: true; readonly digest: Digest; readonly code: string }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** One source's part in a node's price; `drop` says why it did not count. Amounts of 10⁻¹⁸, weights in bps, Unix ms. */
export type SourceOutcomeView = {
  readonly source: {
    readonly venue: string;
    readonly market: string;
    readonly group: string;
    readonly weight: number;
    readonly convert: readonly ({ readonly multiply: FeedId } | { readonly divide: FeedId })[];
  };
  readonly drop?: { readonly code: string; readonly detail: string };
  /** As the venue quotes it. */
  readonly raw?: bigint;
  /** In terms of the feed. */
  readonly price?: bigint;
  readonly asOf?: number;
  readonly weightBps?: number;
};

/** How this node came to its own price of a feed at the instant `at`; without `entry` it has none and `refusal` says why. */
export type SourcesView = {
  readonly at: number;
  readonly price: {
    readonly feed: FeedId;
    readonly entry?: {
      readonly price: bigint;
      readonly low: bigint;
      readonly high: bigint;
      readonly asOf: number;
      readonly groups: number;
      readonly topBps: number;
      readonly outsideBps: number;
    };
    readonly refusal?: string;
    readonly sources: readonly SourceOutcomeView[];
  };
};

/** Everything the gateway asks of the process around it. */
export type GatewayPorts = {
  /** Under the config in force: another one after each change of config. */
  readonly network: () => Network;
  /** As the network was founded: where its consumers begin to follow it. */
  readonly genesis: NetworkConfig;
  readonly store: RoundStore;
  /** Calls back with every new head after the store has it; gives back the way to stop. */
  readonly subscribe: (listener: (round: CertifiedRound) => void) => () => void;
  /** Undefined when no node samples in this process, or not yet. */
  readonly sources: (feed: FeedId) => SourcesView | undefined;
  /** Undefined before the first round. */
  readonly governance: () => GovernanceView | undefined;
  /** Takes what keyholders signed, as canonical bytes; absent where no node runs in this process. */
  readonly submit?: (bytes: Uint8Array) => SubmissionView;
  /** What a proposed config would have done over past rounds, up to `to` or the newest one; absent where nobody can say. */
  readonly replay?: (
    config: NetworkConfig,
    options: { readonly to: number | undefined },
  ) => Promise<{ readonly digest: Digest; readonly report: object }>;
  /**
   * What other thresholds of a feed, all of them given, would have done over the last hours; absent where nobody can say. One question at a
   * time. Rejects with code `replay` where the rounds are not here.
   */
  readonly whatIf?: (question: {
    readonly feed: FeedId;
    readonly thresholds: Thresholds;
    readonly hours: number;
  }) => Promise<
    | { readonly kind: "loading"; readonly loaded: number; readonly of: number }
    | { readonly kind: "answer"; readonly whatIf: WhatIfView }
  >;
  /** Unix ms. */
  readonly now: () => number;
};

/** Where a failure of the gateway's own is told; pino's loggers are of this shape. */
export type GatewayLogger = {
  readonly error: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
};
