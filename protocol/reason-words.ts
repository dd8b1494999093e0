import type { RuleName } from "./report.ts";
import type { MeasureUnit, Reason } from "./round.ts";

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
 * formatReason({ rule: "jump", unit: "Bps", measured: 420, limit: 300 }); // "jump: moved off its average, 420 bps (limit 300 bps)"
 * formatReason({ rule: "jump", unit: "Bps", measured: 80, limit: 300 }); // "jump: moved off its average, now 80 bps (limit 300 bps), quiet time"
 * formatReason({ rule: "manual", unit: "Ms", measured: 540_000, limit: 0 }); // "manual: paused by hand, for another 9 min"
 */
export function formatReason({ rule, unit, measured, limit }: Reason): string {
  if (rule === "manual" && unit === "Ms") return `manual: paused by hand, ${formatPauseEnd(measured)}`;
  const beyond = isBeyond(measured, limit, unit);
  const what = rule === "thin" && unit === "Bps" && beyond ? "one group too heavy" : RULE_WORDS[rule];
  const [now, quiet] = beyond ? ["", ""] : ["now ", ", quiet time"];
  return `${rule}: ${what}, ${now}${formatMeasure(measured, unit)} (limit ${formatMeasure(limit, unit)})${quiet}`;
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

function formatMeasure(value: number, unit: MeasureUnit): string {
  if (unit === "Ms") return formatDuration(value);
  if (unit === "Bps") return `${value} bps`;
  return `${value} ${unit.toLowerCase().replace(/s$/, value === 1 ? "" : "s")}`;
}
