import { parseAmount } from "../protocol/amount.ts";
import type { FeedDocument, ReasonDocument } from "../protocol/document.ts";
import type { RuleName } from "../protocol/report.ts";
import type { MeasureUnit } from "../protocol/round.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/**
 * A span of time, cut to two units; below a minute to a tenth of a second.
 *
 * @example
 * formatDuration(3_725_000); // "1 h 2 min"
 */
export function formatDuration(ms: number): string {
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const parts = UNITS.slice(first, first + 2).map(([unit, size], index) => {
    const above = UNITS[first + index - 1];
    const rest = index === 0 || above === undefined ? ms : ms % above[1];
    return [Math.floor(rest / size), unit] as const;
  });
  return parts
    .map(([count, unit], index) => (index > 0 && count === 0 ? "" : `${count} ${unit}`))
    .join(" ")
    .trimEnd();
}

/**
 * A digest short enough for a line, long enough to tell two apart.
 *
 * @example
 * cutDigest(`0x5e12ab34${"0".repeat(56)}`); // "0x5e12ab34…"
 */
export function cutDigest(digest: string): string {
  return `${digest.slice(0, 10)}…`;
}

/**
 * A whole number with its thousands apart.
 *
 * @example
 * formatCount(86_400); // "86 400"
 */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** What each rule found (DESIGN section 7), before the measured value. */
const RULE_WORDS: Readonly<Record<RuleName, string>> = {
  jump: "moved off its average",
  dispersion: "nodes disagree",
  divergence: "sources disagree",
  thin: "thinly sourced",
  stale: "data too old",
  congestion: "chain congested",
  peg: "off its rate",
  config: "pending config differs",
  restart: "first rounds after a start or an outage",
  manual: "paused by hand",
  gap: "no market makes such a step",
};

/**
 * A reason in words. A rule stays active for its quiet time after it last fired: then what it measures now is within the limit.
 *
 * @example
 * formatReason({ rule: "jump", measuredBps: 420, limitBps: 300 }); // "jump: moved off its average, 420 bps (limit 300 bps)"
 * formatReason({ rule: "jump", measuredBps: 80, limitBps: 300 }); // "jump: moved off its average, now 80 bps (limit 300 bps), quiet time"
 * formatReason({ rule: "manual", measuredMs: 540_000, limitMs: 0 }); // "manual: paused by hand, for another 9 min"
 */
export function formatReason(reason: ReasonDocument): string {
  const [measured, limit, unit] = measureOf(reason);
  if (reason.rule === "manual" && unit === "Ms") return `manual: paused by hand, ${formatPauseEnd(measured)}`;
  const beyond = isBeyond(measured, limit, unit);
  const what = reason.rule === "thin" && unit === "Bps" && beyond ? "one group too heavy" : RULE_WORDS[reason.rule];
  const [now, quiet] = beyond ? ["", ""] : ["now ", ", quiet time"];
  return `${reason.rule}: ${what}, ${now}${formatMeasure(measured, unit)} (limit ${formatMeasure(limit, unit)})${quiet}`;
}

/** What `manual` measures is what was left of the pause in the round; no limit stands against it. */
function formatPauseEnd(leftMs: number): string {
  return leftMs > 0 ? `for another ${formatDuration(leftMs)}` : "ended, quiet time";
}

/** Groups are wanted, points are reached, and rounds are waited for; of everything else too much is bad. */
function isBeyond(measured: number, limit: number, unit: MeasureUnit): boolean {
  if (unit === "Groups") return measured < limit;
  if (unit === "Points") return measured >= limit;
  return unit === "Rounds" ? measured <= limit : measured > limit;
}

function measureOf(reason: ReasonDocument): readonly [measured: number, limit: number, unit: MeasureUnit] {
  if ("measuredBps" in reason) return [reason.measuredBps, reason.limitBps, "Bps"];
  if ("measuredMs" in reason) return [reason.measuredMs, reason.limitMs, "Ms"];
  if ("measuredRounds" in reason) return [reason.measuredRounds, reason.limitRounds, "Rounds"];
  if ("measuredPoints" in reason) return [reason.measuredPoints, reason.limitPoints, "Points"];
  return [reason.measuredGroups, reason.limitGroups, "Groups"];
}

function formatMeasure(value: number, unit: MeasureUnit): string {
  if (unit === "Ms") return formatDuration(value);
  if (unit === "Bps") return `${value} bps`;
  return `${value} ${unit.toLowerCase().replace(/s$/, value === 1 ? "" : "s")}`;
}

/** What a consumer may do, in words; `repay` is never asked about. */
export function formatPermits({ liquidate, borrow, budgetBps }: FeedDocument["permits"]): string {
  const level = { any: "liquidate any", robust: "liquidate robust only", none: "no liquidation" }[liquidate];
  const budget = liquidate === "any" && budgetBps < 10_000 ? ` (disputed: ${budgetBps / 100} % of limit)` : "";
  return `${level}${budget}, ${borrow ? "borrow" : "no borrow"}`;
}

/**
 * Width of the served interval in bps of the price, to a tenth, truncated; undefined when a text is no amount or the price is zero.
 *
 * @example
 * formatWidth({ price: "1800", low: "1799.1", high: "1800.9" }); // "10.0"
 */
export function formatWidth({ price, low, high }: Pick<FeedDocument, "price" | "low" | "high">): string | undefined {
  const amounts = [price, low, high].map((text) => parseAmount(text));
  const [p, l, h] = amounts.map((amount) => (amount.ok ? amount.value : 0n));
  if (p === undefined || l === undefined || h === undefined || p === 0n) return undefined;
  const tenths = ((h - l) * 100_000n) / p;
  return `${tenths / 10n}.${tenths % 10n}`;
}
