import type { Digest } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import type { RoundHeader } from "../protocol/eip712.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound, FeedVerdict, RoundBody } from "../protocol/round.ts";

/** Both ends of `[from, to]` count; Unix ms of the rounds' timestamps. */
export type HistoryRange = { readonly from: number; readonly to: number; readonly limit: number };

/** One feed in one past round. */
export type HistoryPoint = { readonly header: RoundHeader; readonly verdict: FeedVerdict };

/** Certified rounds, from a node's store or from a follower of nodes: whatever is served here was verified there. */
export type RoundSource = {
  readonly latest: () => CertifiedRound | undefined;
  readonly byRound: (round: number) => CertifiedRound | undefined;
  /** What recomputes the round of this header digest; undefined once retention let it go. */
  readonly bodyOf: (digest: Digest) => RoundBody | undefined;
  /** The newest `limit` rounds of the range that priced the feed, oldest first. */
  readonly history: (feed: FeedId, range: HistoryRange) => readonly HistoryPoint[];
  /** Rounds after this number, the oldest `limit` of them, oldest first. */
  readonly since: (round: number, limit: number) => readonly CertifiedRound[];
  /** Calls back with every newly certified round, after `latest` and `byRound` know it; gives back the way to stop. */
  readonly subscribe: (listener: (round: CertifiedRound) => void) => () => void;
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
  readonly rounds: RoundSource;
  /** Undefined when no node samples in this process, or not yet. */
  readonly sources: (feed: FeedId) => SourcesView | undefined;
  /** The newest `limit` pieces of evidence, newest first. */
  readonly evidence: (limit: number) => readonly Evidence[];
  /** Unix ms. */
  readonly now: () => number;
};

/** Where a failure of the gateway's own is told; pino's loggers are of this shape. */
export type GatewayLogger = {
  readonly error: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
};
