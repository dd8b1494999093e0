import type { Address, Digest, Hex } from "./bytes.ts";
import type { NetworkConfig } from "./config.ts";
import type { FeedId } from "./feed.ts";

/** Every feed at once, where a document names one. */
export const ALL_FEEDS = "*";
export type FeedScope = FeedId | typeof ALL_FEEDS;

/** `withdraw` takes one's own pause back. Places are those of `manual.action` in memory: 0, 1 and 2. */
export const PAUSE_ACTIONS = ["withdraw", "robust", "none"] as const;
export type PauseAction = (typeof PAUSE_ACTIONS)[number];

/** One keyholder's consent. His nonces only rise, so that nothing counts twice; a config's approvals have nonce 0, its version counts. */
export type Approval = { readonly keyholder: Address; readonly nonce: number; readonly signature: Hex };

/**
 * What guardians and governors say (DESIGN section 7), each signed as EIP-712 typed data by every keyholder in `approvals`, who stand in
 * ascending order of address. How many of whom it takes is for the fold to judge. Instants are Unix ms.
 */
export type GovernanceDocument =
  | {
      readonly kind: "pause";
      readonly feed: FeedScope;
      readonly action: PauseAction;
      readonly until: number;
      readonly approvals: readonly Approval[];
    }
  /** Of a gap when `configDigest` is zero: the one that began at `gapAt`. Else of a pending config's price of one feed. */
  | {
      readonly kind: "accept";
      readonly feed: FeedId;
      readonly configDigest: Digest;
      readonly gapAt: number;
      readonly approvals: readonly Approval[];
    }
  /** From the config in force to the one before it; or from a pending one to the one in force, which drops the pending one. */
  | { readonly kind: "rollback"; readonly from: Digest; readonly to: Digest; readonly approvals: readonly Approval[] }
  | { readonly kind: "removal"; readonly guardian: Address; readonly approvals: readonly Approval[] }
  | {
      readonly kind: "config";
      readonly version: number;
      /** Of the config in force when it is taken in. */
      readonly replaces: Digest;
      /** Of `config`. */
      readonly configDigest: Digest;
      /** Not in force before. */
      readonly activation: number;
      /** The last round of the replay that shows its effect, and the digest of its report. */
      readonly replayTo: number;
      readonly replay: Digest;
      readonly config: NetworkConfig;
      readonly approvals: readonly Approval[];
    };

export type DocumentKind = GovernanceDocument["kind"];

/** A document before anybody has approved it. */
export type DocumentContent = GovernanceDocument extends infer D ? (D extends unknown ? Omit<D, "approvals"> : never) : never;

/** A document whose signatures were verified; its digest is the keccak of its canonical bytes, signatures included. */
export type SignedDocument = { readonly digest: Digest; readonly bytes: Uint8Array; readonly document: GovernanceDocument };
