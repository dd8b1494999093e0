import type { Digest } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound, HistoryEntry, RoundBody, StoredRound } from "../protocol/round.ts";

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
};

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
  readonly network: Network;
  readonly store: RoundStore;
  /** Calls back with every new head after the store has it; gives back the way to stop. */
  readonly subscribe: (listener: (round: CertifiedRound) => void) => () => void;
  /** Undefined when no node samples in this process, or not yet. */
  readonly sources: (feed: FeedId) => SourcesView | undefined;
  /** Unix ms. */
  readonly now: () => number;
};

/** Where a failure of the gateway's own is told; pino's loggers are of this shape. */
export type GatewayLogger = {
  readonly error: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
};
