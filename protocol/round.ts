import type { Digest, Hex } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import type { RoundHeader } from "./eip712.ts";
import type { FeedId } from "./feed.ts";
import type { BreakerState, Report, RuleName } from "./report.ts";

export type MeasureUnit = "Bps" | "Ms" | "Rounds" | "Groups" | "Points";

/** Why a rule is active: the value it measured against its limit, in one unit. */
export type Reason = {
  readonly rule: RuleName;
  readonly unit: MeasureUnit;
  readonly measured: number;
  readonly limit: number;
};

/** A leaf and, beside it, what the rules measured; the leaf commits to the rules' bits, the body to the measurements. */
export type FeedVerdict = { readonly report: Report; readonly reasons: readonly Reason[] };

/** A round as stores keep it and gateways serve it: feeds by ascending id, every feed that was ever priced. */
export type CertifiedRound = {
  readonly digest: Digest;
  readonly certificate: Certificate;
  readonly feeds: readonly FeedVerdict[];
};

/** A round and whether it lies off the walk back from the newest one. */
export type StoredRound = { readonly certified: CertifiedRound; readonly orphan: boolean };

/** A breaker's change of state: which rules with what they measured, and what the quorum had seen. `from` is null in a feed's first round. */
export type BreakerTransition = {
  readonly feed: FeedId;
  readonly round: number;
  readonly timestamp: number;
  readonly digest: Digest;
  readonly from: BreakerState | null;
  readonly to: BreakerState;
  readonly reasons: readonly Reason[];
  /** Of the round's observations, in committee order. */
  readonly observations: readonly Digest[];
};

/** One feed in one past round; the timestamp is the round's, Unix ms. */
export type HistoryEntry = {
  readonly round: number;
  readonly timestamp: number;
  readonly digest: Digest;
  readonly verdict: FeedVerdict;
};

/**
 * Everything that is needed to compute a round again: where it started from and what the proposal put in. `memory` is the ABI
 * encoding whose keccak is the parent's `stateRoot`, empty bytes before the first round; observations are signed canonical bytes in
 * committee order; documents are the canonical bytes of what those observations carry, by ascending digest.
 */
export type RoundBody = {
  readonly round: number;
  readonly parent: RoundHeader | undefined;
  readonly memory: Hex;
  readonly observations: readonly Hex[];
  readonly documents: readonly Hex[];
};
