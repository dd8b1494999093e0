import type { Transitions } from "./coverage-tests.ts";

/** One trial of the coverage tests: an hour in which a breaker may trip. */
export const TRIAL_MS = 3_600_000;

/** Hours with a fresh price since a feed first closed, and whether the breaker tripped in them; plain data. */
export type Trials = {
  hour: number | null;
  priced: boolean;
  tripped: boolean;
  /** The last hour that was counted, null before the first and after one without a price. */
  last: boolean | null;
  count: number;
  events: number;
  n00: number;
  n01: number;
  n10: number;
  n11: number;
};

export function createTrials(): Trials {
  return { hour: null, priced: false, tripped: false, last: null, count: 0, events: 0, n00: 0, n01: 0, n10: 0, n11: 0 };
}

/** Takes one round in; an hour is counted when the next one begins. Changes `trials`. */
export function countTrial(
  trials: Trials,
  { at, priced, tripped }: { readonly at: number; readonly priced: boolean; readonly tripped: boolean },
): void {
  const hour = Math.floor(at / TRIAL_MS);
  if (trials.hour !== hour) {
    Object.assign(trials, closeTrial(trials), { hour, priced: false, tripped: false });
  }
  trials.priced ||= priced;
  trials.tripped ||= tripped;
}

/** The counts with the running hour taken in. An hour without a fresh price is none: nothing could be judged in it. */
export function closeTrial(trials: Trials): Trials & Transitions {
  const { hour, priced, tripped, last } = trials;
  if (hour === null) return trials;
  if (!priced) return { ...trials, last: null };
  const one = (before: boolean, now: boolean) => (last === before && tripped === now ? 1 : 0);
  return {
    ...trials,
    last: tripped,
    count: trials.count + 1,
    events: trials.events + (tripped ? 1 : 0),
    n00: trials.n00 + one(false, false),
    n01: trials.n01 + one(false, true),
    n10: trials.n10 + one(true, false),
    n11: trials.n11 + one(true, true),
  };
}
