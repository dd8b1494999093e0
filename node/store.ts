import type { Digest } from "../protocol/bytes.ts";
import type { Evidence, EvidenceKind } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { DocumentKind } from "../protocol/governance.ts";
import type { BreakerTransition, CertifiedRound, HistoryEntry, RoundBody, StoredRound } from "../protocol/round.ts";
import type { Transition } from "../protocol/transition.ts";
import type { GuardRecord } from "./machine.ts";

/** A promise as the store keeps it: what a node signs at most once for its kind and round (P2). `recordedAt` is Unix ms. */
export type SignedRecord = GuardRecord & { readonly recordedAt: number };

/**
 * `recorded`: durable, may be signed and sent. `same`: the very same was recorded before, sending it again is harmless.
 * `conflict`: something else stands there, or the round is at or below the floor under which records were dropped: never sign.
 */
export type RecordOutcome = "recorded" | "same" | "conflict";

/** How many of each are kept. Oldest go first, except evidence: the first proofs against a signer suffice. */
export type Retention = {
  readonly rounds: number;
  readonly bodies: number;
  /** Records of signings, three for each round that the node led. */
  readonly signed: number;
  readonly evidencePerSigner: number;
};

/**
 * A week of one-second rounds, two days of bodies: what a replay report covers, and the time to sign a config that names it. Of signings
 * two days: the newest are what P2 needs, a floor covers the rest.
 */
export const DEFAULT_RETENTION: Retention = { rounds: 604_800, bodies: 172_800, signed: 400_000, evidencePerSigner: 16 };

/** Documents kept of each kind, the oldest going first: guardians' many pauses cannot push out a config of up to 4 MiB, nor the other way. */
export const DOCUMENTS_KEPT: Readonly<Record<DocumentKind, number>> = {
  pause: 4_096,
  accept: 4_096,
  rollback: 256,
  removal: 256,
  config: 64,
};

/** Bounds of one answer; a larger `limit` is cut to them. */
export const MAX_RANGE = 1_000;
export const MAX_HISTORY = 5_000;
export const MAX_EVIDENCE = 2_048;
export const MAX_DOCUMENTS = 1_024;

/** What guardians or governors said, in canonical bytes. */
export type KeptDocument = { readonly digest: Digest; readonly kind: DocumentKind; readonly bytes: Uint8Array };

/** What a node keeps. Synchronous: `recordSigned` has reached the disk when it returns, where there is one. */
export type Store = {
  /** Durable record before a signature leaves the node (P2). Throws when it could not be made durable: then do not sign. */
  readonly recordSigned: (signing: GuardRecord) => RecordOutcome;
  readonly signedAt: (kind: EvidenceKind, round: number) => SignedRecord | undefined;
  readonly newestSignedRound: () => number | undefined;
  /** Idempotent, one transaction. A body that comes later than its certificate is added by saving again. */
  readonly saveRound: (round: { readonly certified: CertifiedRound; readonly body?: RoundBody | undefined }) => "saved" | "known";
  /** The newest certificate's round. */
  readonly latest: () => StoredRound | undefined;
  readonly byDigest: (digest: Digest) => StoredRound | undefined;
  /** The one on the walk, else an orphan of that number. */
  readonly byRound: (round: number) => StoredRound | undefined;
  readonly bodyOf: (digest: Digest) => RoundBody | undefined;
  /** Rounds of the walk with from ≤ round ≤ to, ascending, at most `limit` and {@link MAX_RANGE}. */
  readonly range: (span: { readonly from: number; readonly to: number; readonly limit?: number }) => readonly StoredRound[];
  /** One feed in the rounds of the walk with from ≤ round ≤ to, newest first, at most `limit` and {@link MAX_HISTORY}. */
  readonly history: (
    feed: FeedId,
    span: { readonly from?: number; readonly to?: number; readonly limit: number },
  ) => readonly HistoryEntry[];
  /** Certificates off the walk: the metric `sibling_certificates`. */
  readonly orphans: () => number;
  /**
   * Breakers' changes of state in rounds of the walk with from ≤ round ≤ to, newest first and within a round by ascending feed, at most
   * `limit` and {@link MAX_HISTORY}. An entry is made when a round is saved with its body, and lives as long as the round.
   */
  readonly breakerLog: (query: {
    readonly feed?: FeedId;
    readonly from?: number;
    readonly to?: number;
    readonly limit: number;
  }) => readonly BreakerTransition[];
  /** What guardians and governors said, by its digest; of each kind the newest {@link DOCUMENTS_KEPT}. */
  readonly saveDocument: (document: {
    readonly digest: Digest;
    readonly bytes: Uint8Array;
    readonly document: { readonly kind: DocumentKind };
  }) => "saved" | "known";
  readonly document: (digest: Digest) => KeptDocument | undefined;
  /** Newest saved first, at most `limit` and {@link MAX_DOCUMENTS}. */
  readonly documents: (options: { readonly limit: number }) => readonly KeptDocument[];
  /** One for each change of the config in force; idempotent by the certificate's round. Only a quorum of governors makes them more. */
  readonly saveTransition: (transition: Transition) => void;
  /** Oldest first: the way from the genesis config to the one in force. */
  readonly transitions: () => readonly Transition[];
  /** One per signer, kind and round. `full`: this signer's share is used up. */
  readonly saveEvidence: (evidence: Evidence) => "saved" | "known" | "full";
  /** Newest saved first. */
  readonly evidence: (options: { readonly limit: number }) => readonly Evidence[];
  readonly close: () => void;
};

/** The round number that both statements of a piece of evidence name. */
export function evidenceRound({ statements }: Evidence): number {
  return statements[0].struct.round;
}

/** What {@link settleWalk} needs to know of a stored round. */
export type WalkRow = { readonly digest: Digest; readonly round: number; readonly parent: Digest; readonly orphan: boolean };

export type WalkRows = {
  readonly row: (digest: Digest) => WalkRow | undefined;
  /** The newest round but the added one. */
  readonly headBut: (added: Digest) => WalkRow | undefined;
  /** The round on the walk that names this one as its parent. */
  readonly childOnWalk: (digest: Digest) => WalkRow | undefined;
  readonly mark: (digest: Digest, orphan: boolean) => void;
  /** Marks every round with from ≤ number < to, but the one, as an orphan. */
  readonly orphanAllBut: (digest: Digest, span: { readonly from: number; readonly to: number }) => void;
};

/**
 * After a round was added as an orphan: says whether it is on the walk back from the newest one (DESIGN section 5), and if so
 * corrects its ancestors. Stops where the walk was settled before or a parent is missing; that parent settles the rest when it comes.
 *
 * @example with 1←2←3 stored, adding 5 whose parent is 2 makes 5 the newest and 3 an orphan
 */
export function settleWalk(rows: WalkRows, added: WalkRow): void {
  const head = rows.headBut(added.digest);
  const isHead = head === undefined || added.round > head.round;
  if (isHead) rows.mark(added.digest, false);
  let current = isHead ? added : rows.childOnWalk(added.digest);
  while (current !== undefined) {
    const parent = rows.row(current.parent);
    if (parent === undefined) return;
    rows.orphanAllBut(parent.digest, { from: parent.round, to: current.round });
    if (!parent.orphan) return;
    rows.mark(parent.digest, false);
    current = parent;
  }
}
