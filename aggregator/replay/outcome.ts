import { toldBy } from "../../circuit-breaker/feed-step.ts";
import { reasonsOf } from "../../circuit-breaker/rules.ts";
import { permit } from "../../circuit-breaker/verdict.ts";
import type { BreakerState, RuleName } from "../../protocol/report.ts";
import type { Reason } from "../../protocol/round.ts";
import type { JudgedRound } from "./judging.ts";

/** Trips and stretches that are named one by one, the newest: a feed that opens every minute all day is described by their number. */
export const MAX_TRIPS = 100;
export const MAX_STRETCHES = 1_000;

export type Instant = { readonly round: number; readonly timestamp: number };

/** From closed or half-open to open. `from` is its first round in which it is open, `to` the first in which it no longer is. */
export type Trip = {
  readonly from: Instant;
  /** Null: still open in the last round that was looked at. */
  readonly to: Instant | null;
  /** It was open already in the first round that was looked at. */
  readonly sinceBefore: boolean;
  /** The rules that were active in its first round. */
  readonly openedBy: readonly RuleName[];
  /** Of each rule that was active while it was open, the worst reading, the first of equals: a rule that holds is read against half its limit. */
  readonly worst: readonly Reason[];
};

/** One state for a while, Unix ms; `to` is the next round's time, or the end of the last lease where no round came in time. */
export type Stretch = { readonly state: BreakerState; readonly from: number; readonly to: number };

/** What a breaker did over the rounds that were looked at. */
export type Outcome = {
  readonly tripCount: number;
  readonly trips: readonly Trip[];
  readonly rounds: { readonly closed: number; readonly halfOpen: number; readonly open: number };
  /** Rounds that permitted no liquidation at all. */
  readonly noneRounds: number;
  readonly longestPauseMs: number;
  readonly stretches: readonly Stretch[];
};

type OpenTrip = Omit<Trip, "to" | "worst"> & { readonly worst: Map<RuleName, Reason> };

/** Counts rounds of one feed, ascending. A round lasts until the next one, but no longer than its lease. */
export function createOutcome({ leaseMs }: { readonly leaseMs: number }) {
  const counted = { closed: 0, "half-open": 0, open: 0 };
  const trips: Trip[] = [];
  const stretches: Stretch[] = [];
  let tripCount = 0;
  let noneRounds = 0;
  let longestPauseMs = 0;
  let last: Instant | undefined;
  let state: BreakerState | undefined;
  let stretchFrom = 0;
  let trip: OpenTrip | undefined;

  const endTrip = (to: Instant | null, at: number): void => {
    if (trip === undefined) return;
    const { worst, ...rest } = trip;
    longestPauseMs = Math.max(longestPauseMs, at - trip.from.timestamp);
    keep(trips, { ...rest, to, worst: [...worst.values()] }, MAX_TRIPS);
    trip = undefined;
  };
  const endStretch = (at: number): void => {
    if (state !== undefined && at > stretchFrom) keep(stretches, { state, from: stretchFrom, to: at }, MAX_STRETCHES);
  };
  return {
    take: ({ facts, taken, judged }: JudgedRound): void => {
      const { memory, activity } = judged;
      const now = { round: facts.round, timestamp: facts.timestamp };
      const leaseEnd = last === undefined ? now.timestamp : last.timestamp + leaseMs;
      if (memory.state !== state || now.timestamp > leaseEnd) {
        endStretch(Math.min(now.timestamp, leaseEnd));
        stretchFrom = now.timestamp;
      }
      if (memory.state === "open") {
        trip ??= {
          from: now,
          sinceBefore: last === undefined && memory.since < now.timestamp,
          openedBy: rulesOf(judged),
          worst: new Map(),
        };
        if (trip.from === now) tripCount += 1;
        for (const reason of reasonsOf(toldBy(judged), judged.readings)) keepWorst(trip.worst, reason);
      } else {
        endTrip(now, now.timestamp);
      }
      state = memory.state;
      counted[state] += 1;
      const { liquidate } = permit(judged.metered, activity, {
        timestamp: now.timestamp,
        priced: taken.facts.priced,
        thresholds: taken.thresholds,
      });
      if (liquidate === "none") noneRounds += 1;
      last = now;
    },
    finish: (): Outcome => {
      const at = last?.timestamp ?? 0;
      endStretch(at);
      endTrip(null, at);
      const rounds = { closed: counted.closed, halfOpen: counted["half-open"], open: counted.open };
      return { tripCount, trips, rounds, noneRounds, longestPauseMs, stretches };
    },
  };
}

function rulesOf(judged: JudgedRound["judged"]): readonly RuleName[] {
  return reasonsOf(toldBy(judged), judged.readings).map(({ rule }) => rule);
}

/** A count of groups or rounds is worse the smaller it is; every other measure the larger. */
function keepWorst(worst: Map<RuleName, Reason>, reason: Reason): void {
  const known = worst.get(reason.rule);
  const badness = ({ unit, measured }: Reason): number => (unit === "Groups" || unit === "Rounds" ? -measured : measured);
  if (known === undefined || badness(reason) > badness(known)) worst.set(reason.rule, reason);
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
