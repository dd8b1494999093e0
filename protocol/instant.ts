/** ECMAScript's calendar ends here (ECMA-262, 21.4.1.1); a signed time may lie beyond, up to 2⁵³ − 1. */
const LAST_INSTANT = 8_640_000_000_000_000;

/**
 * Unix ms as a date, where the calendar has one.
 *
 * @example
 * formatInstant(1_763_800_000_000); // "2025-11-22T08:26:40.000Z"
 */
export function formatInstant(ms: number): string {
  return ms <= LAST_INSTANT ? new Date(ms).toISOString() : `${ms} ms after 1970, beyond the calendar`;
}
