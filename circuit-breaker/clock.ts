import type { Committee } from "../protocol/committee.ts";
import type { NetworkConfig } from "../protocol/config.ts";

/** No timer that grants something counts more than this of one round, so that an outage corroborates and waives nothing. */
const MAX_TICK_ROUNDS = 5;

/** What a round's place in time and in the committee's turns says to every feed alike. */
export type RoundClock = {
  readonly timestamp: number;
  readonly validUntil: number;
  /** Since the parent; 0 in the first round of a chain. For averages and leaks. */
  readonly dtMs: number;
  /** min(dt, 5 · roundMs): for timers. */
  readonly tickMs: number;
  /** 1 when no round number was missed, 0 in the first round of a chain; more than any committee when the parent stands under another config. */
  readonly roundsSinceParent: number;
  /** The lease of the parent ran out before this round began. */
  readonly outage: boolean;
  readonly restartRounds: number;
  /** n: so many consecutive rounds have n different leaders. */
  readonly leaders: number;
  /** f+1 leaders must have seen a rule of the leader's choice before it holds. */
  readonly leadersToHold: number;
};

export type RoundTimes = {
  readonly parent: { readonly round: number; readonly timestamp: number } | undefined;
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  /** The parent was computed under another config. */
  readonly underNewConfig: boolean;
};

export function createClock(
  { roundMs, leaseMs, restartRounds }: NetworkConfig,
  { members, f }: Committee,
  { parent, round, timestamp, validUntil, underNewConfig }: RoundTimes,
): RoundClock {
  const dtMs = timestamp - (parent?.timestamp ?? timestamp);
  return {
    timestamp,
    validUntil,
    dtMs,
    tickMs: Math.min(dtMs, MAX_TICK_ROUNDS * roundMs),
    // Another committee may take other turns: what its leaders saw says nothing of how many leaders of this one did.
    roundsSinceParent: underNewConfig ? Number.MAX_SAFE_INTEGER : round - (parent?.round ?? round),
    outage: dtMs > leaseMs,
    restartRounds,
    leaders: members.length,
    leadersToHold: f + 1,
  };
}

/** The same round for a feed that begins in it: it has no parent. */
export function withoutParent(clock: RoundClock): RoundClock {
  return { ...clock, dtMs: 0, tickMs: 0, roundsSinceParent: 0, outage: false };
}
