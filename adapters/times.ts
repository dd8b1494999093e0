/** How a venue writes a time; `iso` is RFC 3339 in UTC with any number of fractional digits. */
export type TimeUnit = "ms" | "s" | "us" | "ns" | "iso";

/** 2010-01-01 and 2100-01-01: a venue's time outside is in another unit or is no time. */
const EARLIEST = 1_262_304_000_000;
const LATEST = 4_102_444_800_000;

/** Binance bans for up to three days; a longer wish is capped rather than obeyed. */
export const MAX_RETRY_MS = 3 * 86_400_000;

const DIGITS = /^(\d{1,20})(?:\.(\d{1,20}))?$/;
const ISO = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,20}))?(?:Z|\+00:?00)$/;

/** Digits of a count that lie beyond its milliseconds: seconds have three too few. */
const SHIFT = { s: -3, ms: 0, us: 3, ns: 6 } as const;

/**
 * Venue's time text → Unix ms, truncated; undefined when it is not a time in that unit or not in this century.
 *
 * @example
 * timeOf("1710328241", "s"); // 1710328241000
 */
export function timeOf(text: string, unit: TimeUnit): number | undefined {
  const time = unit === "iso" ? isoTime(text) : countTime(text, SHIFT[unit]);
  return time !== undefined && time >= EARLIEST && time < LATEST ? time : undefined;
}

function countTime(text: string, shift: number): number | undefined {
  const [, whole, fraction = ""] = DIGITS.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return shift < 0 ? Number(whole + fraction.padEnd(-shift, "0").slice(0, -shift)) : Number(BigInt(whole) / 10n ** BigInt(shift));
}

function isoTime(text: string): number | undefined {
  const [, date, time, fraction = ""] = ISO.exec(text) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const seconds = Date.parse(`${date}T${time}Z`);
  // Date.parse turns 30 February into March: only a date that prints as it was read existed.
  if (Number.isNaN(seconds) || new Date(seconds).toISOString().slice(0, 19) !== `${date}T${time}`) return undefined;
  return seconds + Number(fraction.padEnd(3, "0").slice(0, 3));
}

/**
 * RFC 9110 Retry-After, seconds or an HTTP date → the instant it names, never before `receivedAt` and at most
 * {@link MAX_RETRY_MS} after it; undefined when the header is missing or says neither.
 *
 * @example
 * retryAfter({ "retry-after": "30" }, 1710328241000); // 1710328271000
 */
export function retryAfter(headers: Readonly<Record<string, string>>, receivedAt: number): number | undefined {
  const text = headers["retry-after"]?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return boundedRetry(receivedAt + Number(text) * 1000, receivedAt);
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? undefined : boundedRetry(instant, receivedAt);
}

/** A stranger names this instant: it may not lie in the past, nor silence the venue for longer than the longest real ban. */
export function boundedRetry(instant: number, receivedAt: number): number {
  return Math.min(Math.max(instant, receivedAt), receivedAt + MAX_RETRY_MS);
}
