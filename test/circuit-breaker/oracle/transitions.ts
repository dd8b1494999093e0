import { LARGEST_COUNT, least, total } from "./arithmetic.ts";
import type { Look } from "./look.ts";
import { enter, forgetJump, HARD, limitOf, type Past, SOFT, stateOf } from "./past.ts";
import type { Standing } from "./settle.ts";

type Timed = Pick<Look, "now" | "tick">;

/** The table of B6, row by row, first match. */
export function moveState(past: Past, seen: Timed, { active, onlyPassing }: Standing): void {
  const hard = HARD.some((rule) => active.has(rule));
  const fresh = SOFT.filter((rule) => active.has(rule) && !past.waived.has(rule));
  const waived = SOFT.filter((rule) => active.has(rule) && past.waived.has(rule));
  switch (stateOf(past)) {
    case "closed":
      if (active.size > 0) leaveClosed(past, seen);
      return;
    case "open":
      if (!hard && fresh.length === 0) enterProbe(past, seen);
      return;
    case "half-open":
      // In half-open a firing below f+1 leaders narrows its own round only; state, agree and trips stay.
      if (hard || fresh.some((rule) => !onlyPassing.has(rule))) trip(past, seen);
      else if (waived.some((rule) => !onlyPassing.has(rule))) past.probed = [];
      else if (onlyPassing.size === 0) probe(past, seen);
  }
}

function leaveClosed(past: Past, { now }: Timed): void {
  endWaivers(past);
  if (now.ts - (past.states.at(-1)?.at ?? 0n) >= limitOf(past, "resetMs")) {
    past.trips = 0n;
    past.openCredits = new Map();
  }
  enter(past, "open", now.ts);
}

function enterProbe(past: Past, { now }: Timed): void {
  past.anchor = past.price;
  forgetJump(past);
  past.probed = [];
  enter(past, "half-open", now.ts);
}

function trip(past: Past, { now }: Timed): void {
  past.trips = least(past.trips + 1n, LARGEST_COUNT);
  enter(past, "open", now.ts);
}

function probe(past: Past, { now, tick }: Timed): void {
  if (total(past.probed) + tick < limitOf(past, "probeMs")) {
    past.probed.push(tick);
    return;
  }
  endWaivers(past);
  enter(past, "closed", now.ts);
}

function endWaivers(past: Past): void {
  past.waived = new Set();
  past.direction = 0n;
}
