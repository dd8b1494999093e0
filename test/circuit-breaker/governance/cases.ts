import type { DocumentCode } from "../../../circuit-breaker/governance/codes.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory, MAX_PAUSES } from "../../../circuit-breaker/governance-memory.ts";
import type { Digest } from "../../../protocol/bytes.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { GovernanceDocument } from "../../../protocol/governance.ts";
import { addressOf, BTC, ETH, HOUR, PENDING, QUORUM, START } from "./council.ts";

export const OTHER: Digest = `0x${"77".repeat(32)}`;
export const STRANGER = addressOf(0x99);
export const DOGE = "DOGE/USD" as FeedId;

export const iso = (at: number): string => new Date(at).toISOString();
export const empty = EMPTY_GOVERNANCE;
export const acted = (address: `0x${string}`, nonce: number, usedMs = 0, usedAt = 0): GovernanceMemory => ({
  ...empty,
  keyholders: [{ address, nonce, usedMs, usedAt }],
});
export const waiting: GovernanceMemory = {
  ...empty,
  pending: { configDigest: PENDING, activation: START + HOUR, feeds: [{ feed: ETH, agreedAt: 0, accepted: false }] },
};
export const full: GovernanceMemory = {
  ...empty,
  pauses: Array.from({ length: MAX_PAUSES }, () => ({
    feed: BTC,
    action: "none" as const,
    until: START + HOUR,
    power: "governors" as const,
    refundUntil: 0,
    keyholders: QUORUM,
  })),
};

export type Case = {
  readonly code: DocumentCode;
  readonly name: string;
  readonly document: GovernanceDocument;
  readonly memory?: GovernanceMemory;
  readonly carriers?: number;
  /** What a person is told, in part. */
  readonly says: string;
};
