import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import { distance, greatest, least, sign } from "./arithmetic.ts";
import { begin, forgetJump, limitOf, type Moment, type Past, type Pause } from "./past.ts";

/** One feed's round before anything of another feed is needed: price or carry, the moves, and the gap latch. */
export type Look = {
  readonly now: Moment;
  readonly view: QuorumView | undefined;
  readonly genesis: boolean;
  /** min(dt, 5 · roundMs), the timers' time. */
  readonly tick: bigint;
  /** L: jumpBps, half when thin. */
  readonly limit: bigint;
  /** From the anchor; after a gap that ran out, from the new one. */
  readonly move: bigint;
  readonly direction: bigint;
  /** From the last price; 0 without a price. */
  readonly step: bigint;
  readonly thin: boolean;
  readonly said: Said;
};

/** What gauges and documents say of one feed in a round. */
export type Said = {
  /** What the feed is redeemable for; undefined when nobody can say. */
  readonly target: bigint | undefined;
  /** The governors accept a gap that began then. */
  readonly accepted: bigint | undefined;
  readonly pause: Pause;
  /** A pending config waits because of this feed. */
  readonly refuses: boolean;
};

/** Nothing for a feed that was never priced: it has neither memory nor leaf. */
export function look(past: Past, moment: Moment, view: QuorumView | undefined, said: Said): Look | undefined {
  const genesis = past.firstAt === undefined;
  if (genesis && view === undefined) return undefined;
  const now = genesis ? { ...moment, dt: 0n, outage: false } : moment;
  if (genesis && view !== undefined) begin(past, now, view);
  past.pause = said.pause;
  const step = view === undefined ? 0n : distance(view.price, past.price);
  const sincePriced = genesis ? 0n : now.ts - past.pricedAt;
  if (view !== undefined) take(past, now, view);
  if (now.outage) past.restarts.push(now.ts);
  past.certified.push(now.ts);
  const jumpBps = limitOf(past, "jumpBps");
  const thin = isThin(past, view);
  const limit = thin ? jumpBps / 2n : jumpBps;
  latchGap(past, { now, step, limit, sincePriced, priced: view !== undefined, accepted: said.accepted });
  return {
    ...{ now, view, genesis, limit, step, thin, said },
    tick: least(now.dt, 5n * past.world.roundMs),
    move: distance(past.price, past.anchor),
    direction: sign(past.price - past.anchor),
  };
}

function take(past: Past, { ts }: Moment, { price, observedAt, rawLow, rawHigh }: QuorumView): void {
  Object.assign(past, { price, pricedAt: ts, observedAt: BigInt(observedAt), rawLow, rawHigh });
}

function isThin(past: Past, view: QuorumView | undefined): boolean {
  return (
    view === undefined || BigInt(view.groups) < limitOf(past, "wantGroups") || BigInt(view.topBps) > limitOf(past, "topShareBps")
  );
}

type Torn = {
  readonly now: Moment;
  readonly priced: boolean;
  readonly step: bigint;
  readonly limit: bigint;
  readonly sincePriced: bigint;
  readonly accepted: bigint | undefined;
};

/**
 * Set by a one-round move; released by a priced round with move ≤ L; when governors accept it, or its time is over, the price is the anchor
 * and jump forgotten.
 */
function latchGap(past: Past, { now, priced, step, limit, sincePriced, accepted }: Torn): void {
  const away = distance(past.price, past.anchor) > limit;
  const band = limitOf(past, "gapBps") * (60_000n + greatest(0n, sincePriced - 10_000n));
  const torn = priced && away && step * 60_000n > band;
  if (past.gapAt === 0n) {
    if (torn) past.gapAt = now.ts;
    return;
  }
  const returned = priced && !away;
  const over = accepted === past.gapAt || now.ts - past.gapAt > limitOf(past, "gapHoldMs");
  if (!returned && !over) return;
  past.gapAt = torn ? now.ts : 0n;
  if (returned || torn) return;
  past.anchor = past.price;
  forgetJump(past);
}

/** m_i of B12; nothing for a feed that does not count in this round. */
export function basketMove(past: Past, { view, thin, genesis }: Look, parentEma: bigint): bigint | undefined {
  if (genesis || view === undefined || thin || past.gapAt !== 0n) return undefined;
  if (past.rawLow > parentEma) return distance(past.rawLow, parentEma);
  if (past.rawHigh < parentEma) return -distance(past.rawHigh, parentEma);
  return 0n;
}
