import { encodeWords } from "./abi.ts";
import { keccak } from "./bytes.ts";
import { type FeedId, feedToBytes32 } from "./feed.ts";

/** An empty slot must not permit, so zero is open. */
export const BREAKER_STATES = ["open", "half-open", "closed"] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export const LIQUIDATE_LEVELS = ["none", "robust", "any"] as const;
export type LiquidateLevel = (typeof LIQUIDATE_LEVELS)[number];

/** Bit i of `reasons` is rule i. */
export const RULES = [
  "jump",
  "dispersion",
  "divergence",
  "thin",
  "stale",
  "congestion",
  "peg",
  "config",
  "restart",
  "manual",
  "gap",
] as const;
export type RuleName = (typeof RULES)[number];
export const CARRIED_BIT = 31;

/** One leaf of a round: a price and what may be done with it. Amounts of 10⁻¹⁸, times in Unix ms. */
export type Report = {
  readonly feed: FeedId;
  readonly price: bigint;
  readonly low: bigint;
  readonly high: bigint;
  readonly ema: bigint;
  /** Annualised, 10⁻¹⁸ = 1 is 100 %. */
  readonly volatility: bigint;
  readonly observedAt: number;
  readonly state: BreakerState;
  readonly liquidate: LiquidateLevel;
  readonly borrow: boolean;
  readonly budgetBps: number;
  /** uint32 bit set: rules, and bit 31 for a carried price. */
  readonly reasons: number;
  readonly since: number;
};

/** The Solidity types of a leaf, in order. */
export const REPORT_TYPES = [
  "bytes32",
  "int192",
  "int192",
  "int192",
  "int192",
  "uint64",
  "uint64",
  "uint8",
  "uint8",
  "bool",
  "uint16",
  "uint32",
  "uint64",
] as const;

/** The leaf tuple as integers, the feed as bytes32. */
export function reportTuple(report: Report): readonly [Uint8Array, ...(bigint | number)[]] {
  return [
    feedToBytes32(report.feed),
    report.price,
    report.low,
    report.high,
    report.ema,
    report.volatility,
    report.observedAt,
    BREAKER_STATES.indexOf(report.state),
    LIQUIDATE_LEVELS.indexOf(report.liquidate),
    report.borrow ? 1 : 0,
    report.budgetBps,
    report.reasons,
    report.since,
  ];
}

/** OpenZeppelin StandardMerkleTree's leaf: keccak256(keccak256(abi.encode(tuple))). */
export function leafHash(tuple: readonly (bigint | number | Uint8Array)[]): Uint8Array {
  return keccak(keccak(encodeWords(tuple)));
}

export function hasReason(reasons: number, bit: number): boolean {
  return Math.floor(reasons / 2 ** bit) % 2 === 1;
}

/** The rules whose bits are set, in order of bit. */
export function reasonNames(reasons: number): readonly RuleName[] {
  return RULES.filter((_, bit) => hasReason(reasons, bit));
}
