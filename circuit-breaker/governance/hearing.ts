import type { Digest } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { GovernanceMemory } from "../governance-memory.ts";

/** What a document is judged against besides memory. */
export type Hearing = {
  /** The config in force in this round, and its digest. */
  readonly config: NetworkConfig;
  readonly configDigest: Digest;
  /** Of the round, Unix ms. */
  readonly timestamp: number;
  readonly f: number;
  /** When a feed's gap began, 0 for none, of the parent's memory. */
  readonly gapAt: (feed: FeedId) => number;
};

/** What the documents that a round took in so far have made of it. */
export type Draft = { readonly memory: GovernanceMemory; readonly acceptedGaps: ReadonlySet<FeedId> };

/** The document of one kind. */
export type DocumentOf<K extends GovernanceDocument["kind"]> = Extract<GovernanceDocument, { readonly kind: K }>;
