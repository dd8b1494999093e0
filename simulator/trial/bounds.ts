import { assert } from "../../protocol/assert.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import type { PlannedFault } from "../cluster/fault.ts";

/** A start's two greetings a second apart, and what they take on the way. */
const QUARANTINE_MS = 4_000;
/** Between the end of a quarantine and a first certificate: the bound of DESIGN section 5 is two rounds up, and what is missing is fetched. */
const CATCH_UP_ROUNDS = 4;

/** f = ⌊(n − 1) / 3⌋. */
export function faultyBound(n: number): number {
  return Math.floor((n - 1) / 3);
}

export type CloseTimes = {
  readonly n: number;
  readonly roundMs: number;
  readonly restartRounds: number;
  readonly thresholds: Pick<Thresholds, "quoteMs" | "confirmMs" | "clearCapMs" | "probeMs">;
};

/**
 * After how long at most a feed has been closed at least once, counted from the moment at which every fault is over and 2f+1 honest
 * nodes run; f others may misbehave on. In this order, the next beginning at the latest when the one before ends:
 *
 * - a certificate: quarantine, catching up, and f failing leaders in a row;
 * - `restart`: restartRounds of them, and quotes from after the outage;
 * - the open state: a jump is believed after confirmMs of agreement; every other soft rule is quiet after clearCapMs;
 * - the probe.
 *
 * Timers count certified rounds without a passing doubt, and n − f leaders of n give those. A feed whose price is behind a `gap` is not
 * meant: only its return, people or gapHoldMs end that. Nor does it mean that the feed stays closed: a faulty leader may narrow his own
 * round.
 *
 * @example
 * // n 4, rounds of 1 s, quoteMs 4 s, confirmMs 6 s, clearCapMs 48 s, probeMs 4 s:
 * // 4 + (4 + 2) · 1, then (3 + 2) · 1 + 4 + 1, then max(8 + 2, 48 + 2), then 5.334 + 2: 77.334 s
 */
export function closeBound({ n, roundMs, restartRounds, thresholds }: CloseTimes): number {
  const { quoteMs, confirmMs, clearCapMs, probeMs } = thresholds;
  const f = faultyBound(n);
  const missedMs = (f + 1) * roundMs;
  const counted = (ms: number): number => Math.ceil((ms * n) / (n - f)) + missedMs;
  const certificateMs = QUARANTINE_MS + CATCH_UP_ROUNDS * roundMs + missedMs;
  const restartMs = restartRounds * roundMs + missedMs + quoteMs + roundMs;
  const openMs = Math.max(counted(confirmMs), clearCapMs + missedMs);
  return certificateMs + restartMs + openMs + counted(probeMs);
}

/** {@link closeBound} of a feed of a network; without a feed, of its slowest. */
export function closeBoundMs(
  { roundMs, restartRounds, committee, feeds }: Pick<NetworkConfig, "roundMs" | "restartRounds" | "committee" | "feeds">,
  feed?: FeedId,
): number {
  const meant = feed === undefined ? feeds : feeds.filter((item) => item.feed === feed);
  assert(meant.length > 0, `the config has ${feed}`);
  return Math.max(...meant.map(({ thresholds }) => closeBound({ n: committee.length, roundMs, restartRounds, thresholds })));
}

/** An honest clock's error at the start, and what a fault may add to it without making the node a faulty one. */
export function toleratedStepMs(maxSkewMs: number): number {
  return Math.floor(maxSkewMs / 8);
}

/**
 * Whether a fault makes its node one of the f faulty ones: a wrong clock does (DESIGN section 2), from a step or drift of more than
 * {@link toleratedStepMs} on. Crashes, pauses, full, lying, wiped and restored disks do not: the quarantine has to bear those.
 */
export function isWrongClock({ at, until, fault }: PlannedFault, maxSkewMs: number): boolean {
  if (fault.kind === "clock-step") return Math.abs(fault.ms) > toleratedStepMs(maxSkewMs);
  return fault.kind === "clock-drift" && Math.abs(fault.ppm) * (until - at) > toleratedStepMs(maxSkewMs) * 1_000_000;
}

/**
 * Honest nodes that count as faulty for the whole trial, ascending: their clock is wrong at some time in it. For the whole trial
 * because what a wrong clock signs, in rounds that have not been, is still there when it is right again.
 */
export function wrongClocks(faults: readonly PlannedFault[], maxSkewMs: number): readonly number[] {
  const nodes = new Set<number>();
  for (const planned of faults) {
    if ("node" in planned.fault && isWrongClock(planned, maxSkewMs)) nodes.add(planned.fault.node);
  }
  return [...nodes].sort((a, b) => a - b);
}
