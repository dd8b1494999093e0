import type { Address, Digest } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { PlannedFault } from "../cluster/fault.ts";
import type { Market } from "../cluster/market.ts";
import type { Witness } from "../cluster/occurrence.ts";

/** DESIGN section 2, and that a healed network goes on. */
export const PROMISES = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "progress", "sound"] as const;
export type PromiseName = (typeof PROMISES)[number];

/** A broken promise: what was seen, in one line for a person, at which true time. */
export type Violation = { readonly promise: PromiseName; readonly at: number; readonly what: string };

/** What a checker knows beyond what it hears: all of it true, none of it a node's belief. Times Unix ms. */
export type TrialFacts = {
  /** The genesis; what came after it, `networkOf` knows by its config's digest. */
  readonly network: Network;
  readonly networkOf: (configDigest: Digest) => Network | undefined;
  /** Every node's address: the committee's, in its order, and behind them that of the one who waits for a place. */
  readonly nodes: readonly Address[];
  readonly scheme: Secp256k1;
  readonly market: Market;
  readonly faults: readonly PlannedFault[];
  readonly byzantine: readonly number[];
  /** Honest nodes that stay down after healing. */
  readonly downAfterHeal: readonly number[];
  readonly healsByzantine: boolean;
  readonly startAt: number;
  /** From here on every fault has ended and every honest node that shall run has been started. */
  readonly healAt: number;
  /** When the trial ends at the latest. */
  readonly endAt: number;
  /** The longest a message may take while no link fault is in force, and the largest difference of two honest clocks. */
  readonly maxDelayMs: number;
  readonly maxSkewMs: number;
};

/**
 * Listens to a trial and reports what must never happen; `finish` judges what can only be judged when the trial is over. A healed trial
 * is over as soon as `isContent` says that it has shown all it was to show.
 */
export type Checker = {
  readonly witness: Witness;
  readonly isContent?: (now: number) => boolean;
  readonly finish: (endedAt: number) => void;
};
export type CreateChecker = (facts: TrialFacts, report: (violation: Violation) => void) => Checker;
