const MINUTE_MS = 60_000;

/**
 * A span of ms, exactly: what is one ms too long must not look like the limit.
 *
 * @example
 * spanOf(1_800_000); // "30 min"
 * spanOf(1_800_001); // "1800.001 s"
 */
export function spanOf(ms: number): string {
  return ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS} min` : `${ms / 1_000} s`;
}

/**
 * @example
 * counted(1, "guardian"); // "1 guardian"
 */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
