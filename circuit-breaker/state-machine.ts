import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import { reanchor } from "./anchor.ts";
import type { RoundClock } from "./clock.ts";
import { saturateCount } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import { HARD, SOFT } from "./rules.ts";

type Transition = { readonly clock: RoundClock; readonly thresholds: Pick<Thresholds, "resetMs" | "probeMs"> };

/**
 * The state of a round (B6), from the rules as they stand. Tightening takes the round that fires; letting go goes through half-open,
 * never from open to closed. A firing that only passes closes and trips nothing: it narrows its own round (see permit).
 */
export function nextState(memory: FeedMemory, activity: Activity, transition: Transition): FeedMemory {
  switch (memory.state) {
    case "closed":
      return activity.active === 0 ? memory : leaveClosed(memory, transition);
    case "open":
      return isHeldOpen(activity.active, memory.waived) ? memory : enterHalfOpen(memory, transition);
    case "half-open":
      return probe(memory, activity, transition);
  }
}

function leaveClosed(memory: FeedMemory, { clock, thresholds }: Transition): FeedMemory {
  const opened = { ...memory, state: "open", since: clock.timestamp, waived: 0, dir: 0 } as const;
  if (clock.timestamp - memory.closedAt < thresholds.resetMs) return opened;
  return { ...opened, trips: 0, openMs: memory.openMs.map(() => 0) };
}

function enterHalfOpen(memory: FeedMemory, { clock }: Transition): FeedMemory {
  return { ...reanchor(memory), state: "half-open", since: clock.timestamp, agree: 0 };
}

function probe(memory: FeedMemory, { active, passing }: Activity, { clock, thresholds }: Transition): FeedMemory {
  const held = active & ~passing;
  if (isHeldOpen(held, memory.waived)) {
    return { ...memory, state: "open", since: clock.timestamp, trips: saturateCount(memory.trips + 1) };
  }
  if (held !== 0) return { ...memory, agree: 0 };
  if (passing !== 0) return memory;
  const agree = memory.agree + clock.tickMs;
  if (agree < thresholds.probeMs) return { ...memory, agree };
  return { ...memory, state: "closed", since: clock.timestamp, closedAt: clock.timestamp, waived: 0, dir: 0 };
}

/** A hard rule, or a soft one that is not waived. */
function isHeldOpen(rules: number, waived: number): boolean {
  return (rules & HARD) !== 0 || (rules & SOFT & ~waived) !== 0;
}
