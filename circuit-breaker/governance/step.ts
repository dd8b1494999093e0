import type { Digest } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { GovernanceMemory } from "../governance-memory.ts";
import type { QuorumView } from "../quorum-view.ts";
import type { DocumentCode } from "./codes.ts";
import type { Draft } from "./hearing.ts";
import { apply, judge } from "./intake.ts";
import { countCertified, openMemory } from "./opening.ts";
import { createManualOf, type Manual } from "./pauses.ts";
import { gatePending } from "./pending.ts";

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
  readonly manualOf: (feed: FeedId) => Manual;
  /** Feeds whose gap governors accepted in this round. */
  readonly acceptedGaps: ReadonlySet<FeedId>;
  /** Feeds that keep a pending config out, and by how much its price differs; the most there is when it has none. */
  readonly refusals: ReadonlyMap<FeedId, number>;
};

const NO_FEEDS: ReadonlySet<FeedId> = new Set();

/**
 * One round of governance: a pure, total function of the parent's memory, the documents that the round's observations carry and the
 * prices by which a pending config is measured. Pauses that are over end first; then the documents act, each on what those before it
 * left; then the pending config passes its gate, waits, or is dropped. What a document says counts in its own round.
 */
export function stepGovernance(input: GovernanceInput): GovernanceRound {
  const { config, round, parentRound, timestamp, views, shadows } = input;
  const opened = openMemory(input.memory, input);
  const certified = countCertified(opened.certified, { round, parentRound });
  const { draft, intake } = takeDocuments({ memory: { ...opened, certified }, acceptedGaps: NO_FEEDS }, input);
  const outage = parentRound !== undefined && (round - parentRound) * config.roundMs > config.leaseMs;
  const { memory, refusals } = gatePending(draft.memory, { config, timestamp, outage, views, shadows });
  return { memory, intake, manualOf: createManualOf(memory.pauses), acceptedGaps: draft.acceptedGaps, refusals };
}

function takeDocuments(opened: Draft, input: GovernanceInput) {
  let draft = opened;
  const intake: DocumentOutcome[] = [];
  for (const { digest, document, carriers } of input.documents) {
    const code = judge(document, draft, input, carriers);
    if (code === "taken") draft = apply(document, draft, input);
    intake.push({ digest, code });
  }
  return { draft, intake };
}
