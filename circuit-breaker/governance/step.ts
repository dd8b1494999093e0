import type { Digest } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { GovernanceMemory } from "../governance-memory.ts";
import type { QuorumView } from "../quorum-view.ts";
import type { DocumentCode } from "./codes.ts";

/** A document and how many of the round's observations carry it. */
export type CarriedDocument = { readonly digest: Digest; readonly document: GovernanceDocument; readonly carriers: number };

/** `taken`: it changed something in this round. Else why not. */
export type DocumentOutcome = { readonly digest: Digest; readonly code: DocumentCode };

export type GovernanceInput = {
  readonly config: NetworkConfig;
  readonly configDigest: Digest;
  /** Of the parent; another one than `configDigest` in the first round under a new config, undefined in the first of all. */
  readonly parentConfigDigest: Digest | undefined;
  readonly memory: GovernanceMemory;
  readonly round: number;
  readonly parentRound: number | undefined;
  readonly timestamp: number;
  readonly f: number;
  /** By ascending digest. */
  readonly documents: readonly CarriedDocument[];
  /** Feeds priced in this round. */
  readonly views: ReadonlyMap<FeedId, QuorumView>;
  /** Medians of what 2f+1 observations at least give as a feed's price under the pending config. */
  readonly shadows: ReadonlyMap<FeedId, bigint>;
  /** When a feed's gap began, 0 for none, of the parent's memory. */
  readonly gapAt: (feed: FeedId) => number;
};

export type GovernanceRound = {
  readonly memory: GovernanceMemory;
  /** In the documents' order. */
  readonly intake: readonly DocumentOutcome[];
  /** What stands over a feed or chain leaf in this round: the strictest action in force, and its end. Action 0: nothing. */
  readonly manualOf: (feed: FeedId) => { readonly action: number; readonly until: number };
  /** Feeds whose gap governors accepted in this round. */
  readonly acceptedGaps: ReadonlySet<FeedId>;
  /** Feeds that keep a pending config out, and by how much its price differs; the most there is when it has none. */
  readonly refusals: ReadonlyMap<FeedId, number>;
};
