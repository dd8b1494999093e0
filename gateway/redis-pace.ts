/** What one writer's stream may cost a reader: so much at once, then so much a second. */
export type PaceLimits = {
  readonly entries: number;
  readonly entriesPerSecond: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
};

export type Pace = {
  /** Charges what was read; may go below zero, as the size of an entry is known only when it is there. */
  readonly spend: (cost: { readonly entries: number; readonly bytes: number }, now: number) => void;
  /** How long to rest before the next read, in ms; 0 while there is credit. */
  readonly restMs: (now: number) => number;
};

/**
 * Two buckets that fill with time, of entries and of bytes: one writer that floods its stream rests when its own are empty, and nobody
 * else waits. Pure; `now` in Unix ms, and a clock set back fills nothing.
 *
 * @example with { entries: 10, entriesPerSecond: 5, … } after spend({ entries: 12, bytes: 0 }, 0): restMs(0) // 400
 */
export function createPace(limits: PaceLimits, startedAt: number): Pace {
  let { entries, bytes } = limits;
  let filledAt = startedAt;
  const fill = (now: number): void => {
    const passed = Math.max(0, now - filledAt) / 1_000;
    filledAt = now;
    entries = Math.min(limits.entries, entries + passed * limits.entriesPerSecond);
    bytes = Math.min(limits.bytes, bytes + passed * limits.bytesPerSecond);
  };
  return {
    spend: (cost, now) => {
      fill(now);
      entries -= cost.entries;
      bytes -= cost.bytes;
    },
    restMs: (now) => {
      fill(now);
      const seconds = Math.max(-entries / limits.entriesPerSecond, -bytes / limits.bytesPerSecond, 0);
      return Math.ceil(seconds * 1_000);
    },
  };
}
