import { parseAmount } from "../../protocol/amount.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;
/** Digits after the point, by the digits before it: about six or seven figures in all. */
const DECIMALS = [6, 4, 4, 3, 2] as const;
const LEAST_DECIMALS = 2;
const TINY_FIGURES = 5;

/**
 * A decimal text to look at: thousands apart, cut (never rounded up) to a length that suits its size. No float is involved.
 *
 * @example
 * formatPrice("1801.551234"); // "1,801.55"
 * formatPrice("0.42002155"); // "0.420021"
 * formatPrice("0.0000123456789"); // "0.000012345"
 */
export function formatPrice(text: string): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return `${group(whole)}.${fraction.slice(0, decimalsOf(whole, fraction)).padEnd(LEAST_DECIMALS, "0")}`;
}

/** All that was signed, thousands apart. */
export function formatExact(text: string): string {
  const [whole = "0", fraction] = text.split(".");
  return fraction === undefined ? group(whole) : `${group(whole)}.${fraction}`;
}

function decimalsOf(whole: string, fraction: string): number {
  if (whole !== "0") return DECIMALS[whole.length] ?? LEAST_DECIMALS;
  const zeros = /^0*/.exec(fraction)?.[0].length ?? 0;
  return zeros < 2 ? DECIMALS[0] : zeros + TINY_FIGURES;
}

function group(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A whole number with its thousands apart.
 *
 * @example
 * formatCount(1_795_368_817); // "1,795,368,817"
 */
export function formatCount(count: number): string {
  return group(String(count));
}

/**
 * A span of time in at most two units; below ten seconds to a tenth.
 *
 * @example
 * formatSpan(3_725_000); // "1 h 2 min"
 */
export function formatSpan(ms: number): string {
  if (ms < 10_000) return `${(Math.floor(Math.max(0, ms) / 100) / 10).toFixed(1)} s`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first] ?? UNITS[3];
  const below = UNITS[first + 1];
  const rest = below === undefined ? 0 : Math.floor((ms % size) / below[1]);
  return `${Math.floor(ms / size)} ${unit}${below === undefined || rest === 0 ? "" : ` ${rest} ${below[0]}`}`;
}

/** Seconds alone while they are few: what counts down every second must not change its width. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return seconds < 100 ? `${seconds} s` : formatSpan(seconds * 1_000);
}

/**
 * Basis points as they are, or from 1 % on in percent.
 *
 * @example
 * formatBps(42); // "42 bps"
 * formatBps(420); // "4.2 %"
 */
export function formatBps(bps: number): string {
  return bps < 100 ? `${bps} bps` : `${bps / 100} %`;
}

/**
 * `price` against `reference` in percent with two decimals, cut; undefined where there is nothing to compare with.
 *
 * @example
 * formatChange("1010", "1000"); // { text: "+1.00 %", sign: 1 }
 */
export function formatChange(price: string, reference: string): { readonly text: string; readonly sign: -1 | 0 | 1 } | undefined {
  const [p, r] = [parseAmount(price), parseAmount(reference)];
  if (!p.ok || !r.ok || r.value === 0n) return undefined;
  const hundredths = ((p.value - r.value) * 10_000n) / r.value;
  const size = hundredths < 0n ? -hundredths : hundredths;
  const digits = `${group(String(size / 100n))}.${String(size % 100n).padStart(2, "0")} %`;
  if (size === 0n) return { text: digits, sign: 0 };
  return hundredths < 0n ? { text: `−${digits}`, sign: -1 } : { text: `+${digits}`, sign: 1 };
}

/**
 * Width of an interval in bps of the price, to a tenth, cut; undefined when the price is zero.
 *
 * @example
 * formatWidth({ price: "1800", low: "1799.1", high: "1800.9" }); // "10.0"
 */
export function formatWidth(item: { readonly price: string; readonly low: string; readonly high: string }): string | undefined {
  const [p, l, h] = [parseAmount(item.price), parseAmount(item.low), parseAmount(item.high)];
  if (!p.ok || !l.ok || !h.ok || p.value === 0n) return undefined;
  const tenths = ((h.value - l.value) * 100_000n) / p.value;
  return `${group(String(tenths / 10n))}.${tenths % 10n}`;
}

/** Where `value` lies between `low` and `high` in tenths of a percent; for drawing, hence a number. */
export function placeOf(value: string, low: string, high: string): number {
  const [v, l, h] = [parseAmount(value), parseAmount(low), parseAmount(high)];
  if (!v.ok || !l.ok || !h.ok || h.value <= l.value) return 500;
  return Math.min(1_000, Math.max(0, Number(((v.value - l.value) * 1_000n) / (h.value - l.value))));
}

/** An annualised volatility, 1 for 100 %, in percent. */
export function formatVolatility(text: string): string {
  const value = parseAmount(text);
  return value.ok ? `${group(String((value.value * 100n) / 10n ** 18n))} %` : text;
}

/**
 * A digest or address that still tells two apart.
 *
 * @example
 * cutHex("0x1f1b6d3aff3309cb483a5664fdcc3ce0af36e0df"); // "0x1f1b6d…e0df"
 */
export function cutHex(text: string): string {
  return text.length <= 16 ? text : `${text.slice(0, 8)}…${text.slice(-4)}`;
}

/** Thresholds and their like by the unit in their names: 30000 of `clearMs` is "30 s". */
export function formatNamed(name: string, value: number): string {
  if (name.endsWith("Ms")) return value === 0 ? "0" : formatSpan(value);
  if (name.endsWith("Bps")) return formatBps(value);
  return String(value);
}

/**
 * A time of day as this computer's zone has it, to the second.
 *
 * @param zoneMs what the zone is ahead of UTC by
 * @example
 * formatClock(1_763_800_000_000, 0); // "08:26:40"
 */
export function formatClock(at: number, zoneMs: number): string {
  return new Date(at + zoneMs).toISOString().slice(11, 19);
}

/**
 * A day and a time of day.
 *
 * @example
 * formatDay(1_763_800_000_000, 0); // "2025-11-22 08:26"
 */
export function formatDay(at: number, zoneMs: number): string {
  return new Date(at + zoneMs).toISOString().slice(0, 16).replace("T", " ");
}
