/** Callers that are counted; the least recently seen is forgotten first. */
const MAX_COUNTED = 20_000;

/** At most so many in each window. */
export type Limit = { readonly max: number; readonly windowMs: number };

export type Taken = {
  readonly allowed: boolean;
  /** What is left of the window's. */
  readonly remaining: number;
  /** Until the window ends. */
  readonly resetMs: number;
};

/** Counters that several gateways share, so that all of them together give a caller one budget. */
export type RateLimits = { readonly take: (key: string, limit: Limit) => Promise<Taken> };

/**
 * Counters of one process, by fixed windows that begin with a caller's first request.
 *
 * @param now monotonic ms
 * @example
 * const take = createLocalLimits(() => 0);
 * take("10.0.0.1", { max: 1, windowMs: 60_000 });
 * take("10.0.0.1", { max: 1, windowMs: 60_000 }); // { allowed: false, remaining: 0, resetMs: 60000 }
 */
export function createLocalLimits(now: () => number, maxCounted = MAX_COUNTED): (key: string, limit: Limit) => Taken {
  const windows = new Map<string, { endsAt: number; taken: number }>();
  return (key, { max, windowMs }) => {
    const at = now();
    const found = windows.get(key);
    const window = found !== undefined && at < found.endsAt ? found : { endsAt: at + windowMs, taken: 0 };
    window.taken += 1;
    if (window !== found || windows.size > maxCounted / 2) {
      windows.delete(key);
      windows.set(key, window);
    }
    for (const oldest of windows.keys()) {
      if (windows.size <= maxCounted) break;
      windows.delete(oldest);
    }
    return { allowed: window.taken <= max, remaining: Math.max(0, max - window.taken), resetMs: window.endsAt - at };
  };
}
