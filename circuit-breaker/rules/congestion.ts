import { parseAmount } from "../../protocol/amount.ts";
import type { ChainConfig } from "../../protocol/config.ts";
import { CERTIFIED_ROUNDS } from "../governance-memory.ts";
import type { ChainInput, Reading } from "./rule.ts";

/** At so many points liquidations cannot be relied on to land. No fee alone reaches it: block fullness and fee are one signal (B13). */
const LIMIT_POINTS = 2;
const FEE_FACTOR = 3n;
const WAIT_BLOCKS = 3;
const LATE_BLOCKS = 3;
const LATE_MS = 6_000;
const HALTED_BLOCKS = 10;
const HALTED_MS = 60_000;
/** More than a fifth of the last sixty. */
const MOST_MISSED_ROUNDS = CERTIFIED_ROUNDS / 5;

/** What a round shows of a chain, what is missing replaced by the last that was seen. */
export type ChainState = {
  /** Base fee and its 24 h average, gwei of 10⁻¹⁸. */
  readonly fee: bigint;
  readonly feeEma: bigint;
  /** Since the newest block. */
  readonly headAgeMs: number;
  /** Of sampled pending transactions that bid enough; undefined when no quorum sampled any. */
  readonly waitMs: number | undefined;
  readonly sequencerDown: boolean;
  /** Of this network's last 60. */
  readonly missedRounds: number;
};

/** What each signal contributes. */
export type CongestionPoints = {
  readonly fee: 0 | 1;
  readonly inclusion: 0 | 1;
  readonly head: 0 | 1 | 2;
  readonly oracle: 0 | 1;
  readonly sequencer: 0 | 2;
};

/**
 * The points of B13. Every comparison is strict, but the fee's with its floor.
 *
 * @example
 * // blocks of 12 s, newest 43 s old (> 3 · 12 s + 6 s), base fee 100 gwei on an average of 30 (> 3 · 30):
 * // { fee: 1, inclusion: 0, head: 1, oracle: 0, sequencer: 0 }, which is congestion
 */
export function countPoints(
  { fee, feeEma, headAgeMs, waitMs, sequencerDown, missedRounds }: ChainState,
  { blockMs, feeFloorGwei }: Pick<ChainConfig, "blockMs" | "feeFloorGwei">,
): CongestionPoints {
  const floor = parseAmount(feeFloorGwei);
  const halted = headAgeMs > Math.max(HALTED_BLOCKS * blockMs, HALTED_MS);
  const late = headAgeMs > LATE_BLOCKS * blockMs + LATE_MS;
  return {
    fee: floor.ok && fee >= floor.value && fee > FEE_FACTOR * feeEma ? 1 : 0,
    inclusion: waitMs !== undefined && waitMs > WAIT_BLOCKS * blockMs ? 1 : 0,
    head: halted ? 2 : late ? 1 : 0,
    oracle: missedRounds > MOST_MISSED_ROUNDS ? 1 : 0,
    sequencer: sequencerDown ? 2 : 0,
  };
}

/** Auctions cannot be bid in, or not by everybody (DESIGN section 1, 2020-03-12). */
export function readCongestion({ points: { fee, inclusion, head, oracle, sequencer } }: Pick<ChainInput, "points">): Reading {
  const measured = fee + inclusion + head + oracle + sequencer;
  return { fires: measured >= LIMIT_POINTS, unit: "Points", measured, limit: LIMIT_POINTS };
}
