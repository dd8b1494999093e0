/** What is known of how far the gateway's clock is ahead of this computer's: between `low` and `high` ms. */
export type ClockOffset = { readonly low: number; readonly high: number };

/** A `Date` header says whole seconds. */
const HEADER_RESOLUTION_MS = 1_000;
/** Servers write a time that they look at once a second: by this much no clock is called wrong. */
const TOLERANCE_MS = 1_500;
/** Estimates that contradict each other by this much mean that a clock was set anew. */
const JUMP_MS = 500;

/**
 * What one answer says: when the gateway wrote `dateAt`, cut to the second, this computer's clock stood between `sentAt` and
 * `receivedAt`. Times are Unix ms.
 *
 * @example
 * offsetOf({ dateAt: 10_000, sentAt: 9_900, receivedAt: 10_100 }); // { low: -100, high: 1100 }
 */
export function offsetOf(times: { readonly dateAt: number; readonly sentAt: number; readonly receivedAt: number }): ClockOffset {
  const { dateAt, sentAt, receivedAt } = times;
  return { low: dateAt - receivedAt, high: dateAt + HEADER_RESOLUTION_MS - sentAt };
}

/** Both at once, which narrows as answers come; where they contradict each other, the newer one. */
export function narrow(known: ClockOffset | undefined, fresh: ClockOffset): ClockOffset {
  if (known === undefined) return fresh;
  const low = Math.max(known.low, fresh.low);
  const high = Math.min(known.high, fresh.high);
  if (low <= high) return { low, high };
  return low - high > JUMP_MS ? fresh : { low: high, high: low };
}

/**
 * What to add to this computer's clock: nothing while it may be right, else the least that makes it possible.
 *
 * @example
 * correctionOf({ low: 41_000, high: 42_000 }); // 41_000
 */
export function correctionOf(offset: ClockOffset | undefined): number {
  if (offset === undefined || (offset.low <= TOLERANCE_MS && offset.high >= -TOLERANCE_MS)) return 0;
  return offset.low > 0 ? offset.low : offset.high;
}
