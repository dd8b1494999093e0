import { z } from "zod";
import { RULES } from "./report.ts";

/** Asset classes of BREAKER.md; each names a full set of thresholds, and a feed overrides single values. */
export const PRESETS = ["major", "large", "stable", "staked", "longtail"] as const;
export type Preset = (typeof PRESETS)[number];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * One row a threshold: floor, ceiling, then the presets' values. `…Bps` are basis points, `…Ms` milliseconds. Floor and ceiling are a
 * tenth of the strictest and ten times the loosest preset, except that a share ends at 10 000 bps and that `probeMs`, `resetMs` and
 * `seasonMs` go down to one second: development networks shorten them, and no promise rests on their length.
 */
export const THRESHOLDS = {
  minSources: row(1, 30, [3, 3, 2, 2, 2]),
  minGroups: row(1, 20, [2, 2, 2, 2, 2]),
  wantGroups: row(2, 40, [4, 4, 3, 3, 3]),
  maxGroupBps: row(334, 10_000, [3334, 3334, 3334, 3334, 3334]),
  topShareBps: row(500, 10_000, [5000, 5000, 5000, 5000, 5000]),
  quoteMs: row(1_500, 600 * SECOND, [15 * SECOND, 15 * SECOND, 60 * SECOND, 60 * SECOND, 60 * SECOND]),
  floorBps: row(2, 1_000, [50, 50, 20, 20, 100]),
  tolBps: row(5, 3_000, [100, 100, 50, 75, 300]),
  dispersionBps: row(5, 3_000, [100, 100, 50, 75, 300]),
  divergenceBps: row(300, 10_000, [3000, 3000, 3000, 3000, 3000]),
  jumpBps: row(10, 10_000, [300, 500, 100, 100, 1000]),
  refTauMs: row(30 * SECOND, 60 * HOUR, [300 * SECOND, 300 * SECOND, HOUR, 6 * HOUR, 300 * SECOND]),
  beta: row(0, 50, [2, 3, 0, 0, 5]),
  sysCapBps: row(0, 10_000, [2000, 2000, 0, 0, 2000]),
  gapBps: row(20, 50_000, [1500, 3000, 500, 200, 5000]),
  gapHoldMs: row(144 * MINUTE, 10 * DAY, [DAY, DAY, DAY, DAY, DAY]),
  confirmMs: row(6 * SECOND, 10 * HOUR, [60 * SECOND, 60 * SECOND, 600 * SECOND, HOUR, 60 * SECOND]),
  maxOpenMs: row(3 * MINUTE, 60 * HOUR, [30 * MINUTE, 30 * MINUTE, 30 * MINUTE, 6 * HOUR, 30 * MINUTE]),
  minOpenMs: row(12 * SECOND, 20 * MINUTE, [2 * MINUTE, 2 * MINUTE, 2 * MINUTE, 2 * MINUTE, 2 * MINUTE]),
  sdCapBps: row(40, 4_000, [400, 400, 400, 400, 400]),
  pauseBudgetMs: row(6 * MINUTE, DAY, [60 * MINUTE, 60 * MINUTE, 60 * MINUTE, 6 * HOUR, 60 * MINUTE]),
  clearMs: row(3 * SECOND, 300 * SECOND, [30 * SECOND, 30 * SECOND, 30 * SECOND, 30 * SECOND, 30 * SECOND]),
  clearCapMs: row(48 * SECOND, 80 * MINUTE, [8 * MINUTE, 8 * MINUTE, 8 * MINUTE, 8 * MINUTE, 8 * MINUTE]),
  resetMs: row(SECOND, 10 * HOUR, [HOUR, HOUR, HOUR, HOUR, HOUR]),
  probeMs: row(SECOND, 5 * HOUR, [5 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 10 * MINUTE]),
  staleMs: row(6 * SECOND, 50 * MINUTE, [60 * SECOND, 60 * SECOND, 180 * SECOND, 300 * SECOND, 180 * SECOND]),
  pegBps: row(10, 1_000, [100, 100, 100, 100, 100]),
  pegHoldMs: row(0, 60 * HOUR, [0, 0, 0, 6 * HOUR, 0]),
  configBps: row(3, 1_000, [100, 100, 30, 30, 100]),
  emaTauMs: row(6 * MINUTE, 10 * DAY, [HOUR, HOUR, 6 * HOUR, DAY, DAY]),
  seasonMs: row(SECOND, 30 * DAY, [HOUR, HOUR, DAY, DAY, 72 * HOUR]),
  volPriorBps: row(50, 180_000, [8_000, 8_000, 500, 500, 20_000]),
  volFloorBps: row(20, 80_000, [3_000, 3_000, 200, 300, 8_000]),
  volCapBps: row(18_000, 1_800_000, [180_000, 180_000, 180_000, 180_000, 180_000]),
  sampleMs: row(6 * SECOND, 10 * MINUTE, [MINUTE, MINUTE, MINUTE, MINUTE, MINUTE]),
  volTauMs: row(3 * MINUTE, 5 * HOUR, [30 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE]),
} as const satisfies Record<string, ThresholdRow>;

export type ThresholdName = keyof typeof THRESHOLDS;
type ThresholdRow = { readonly floor: number; readonly ceiling: number; readonly presets: Readonly<Record<Preset, number>> };

/** Whose word counts when a market leaves its redemption rate: the market's, or the rate's, which then joins the interval. */
export const PEG_TRUSTS = ["market", "rate"] as const;
export type PegTrust = (typeof PEG_TRUSTS)[number];

const PRESET_PEG_TRUST: Readonly<Record<Preset, PegTrust>> = {
  major: "market",
  large: "market",
  stable: "market",
  staked: "rate",
  longtail: "market",
};

/** Rules whose action governance may raise from `robust` to `liquidate: none`; the others are `none` or information already. */
export const RAISABLE_RULES = RULES.filter((rule) => !["stale", "config", "restart", "manual"].includes(rule));

export type Thresholds = Readonly<Record<ThresholdName, number>> & {
  readonly pegTrust: PegTrust;
  /** Rules of this feed that forbid every liquidation while active, not only disputed ones. */
  readonly liquidateNone: readonly (typeof RULES)[number][];
};

const NAMES = Object.keys(THRESHOLDS) as readonly ThresholdName[];

function numberSchema(name: ThresholdName) {
  const { floor, ceiling } = THRESHOLDS[name];
  const expected = `expected a whole number from ${floor} to ${ceiling}`;
  return z.int(expected).min(floor, expected).max(ceiling, expected);
}

/** Single thresholds, any of them, each within its floor and ceiling. */
export const thresholdOverridesSchema = z.strictObject({
  ...(Object.fromEntries(NAMES.map((name) => [name, numberSchema(name).optional()])) as Record<
    ThresholdName,
    z.ZodOptional<z.ZodInt>
  >),
  pegTrust: z.enum(PEG_TRUSTS).optional(),
  liquidateNone: z.array(z.enum(RAISABLE_RULES)).optional(),
});
export type ThresholdOverrides = z.infer<typeof thresholdOverridesSchema>;

/** A preset with overrides laid over it, the later ones winning. */
export function resolveThresholds(preset: Preset, ...overrides: readonly ThresholdOverrides[]): Thresholds {
  const base = Object.fromEntries(NAMES.map((name) => [name, THRESHOLDS[name].presets[preset]]));
  const merged = Object.assign({ ...base, pegTrust: PRESET_PEG_TRUST[preset], liquidateNone: [] }, ...overrides) as Thresholds;
  return { ...merged, liquidateNone: RULES.filter((rule) => merged.liquidateNone.includes(rule)) };
}

/** One violated relation between thresholds: the field to name and what was expected of it. */
export type ThresholdConflict = { readonly field: ThresholdName; readonly expected: string };

/** The cross-field checks of BREAKER.md that a feed's thresholds alone decide. */
export function checkThresholds(t: Thresholds, preset: Preset): readonly ThresholdConflict[] {
  const checks: readonly [boolean, ThresholdName, string][] = [
    [t.jumpBps < t.gapBps, "jumpBps", `expected less than gapBps (${t.gapBps})`],
    [t.floorBps <= t.tolBps, "floorBps", `expected at most tolBps (${t.tolBps})`],
    [preset === "longtail" || t.dispersionBps <= t.jumpBps, "dispersionBps", `expected at most jumpBps (${t.jumpBps})`],
    [t.confirmMs < t.maxOpenMs, "confirmMs", `expected less than maxOpenMs (${t.maxOpenMs})`],
    [t.minOpenMs <= t.maxOpenMs, "minOpenMs", `expected at most maxOpenMs (${t.maxOpenMs})`],
    [t.maxOpenMs <= t.pauseBudgetMs, "maxOpenMs", `expected at most pauseBudgetMs (${t.pauseBudgetMs})`],
    [t.minGroups < t.wantGroups, "minGroups", `expected less than wantGroups (${t.wantGroups})`],
    [t.maxGroupBps * t.wantGroups >= 10_000, "maxGroupBps", `expected at least 10000 / wantGroups (${t.wantGroups})`],
    [t.quoteMs < t.staleMs, "quoteMs", `expected less than staleMs (${t.staleMs})`],
    [t.refTauMs <= t.emaTauMs, "refTauMs", `expected at most emaTauMs (${t.emaTauMs})`],
    [t.clearMs <= t.clearCapMs, "clearMs", `expected at most clearCapMs (${t.clearCapMs})`],
    [t.volFloorBps <= t.volPriorBps, "volFloorBps", `expected at most volPriorBps (${t.volPriorBps})`],
    [t.volPriorBps <= t.volCapBps, "volPriorBps", `expected at most volCapBps (${t.volCapBps})`],
  ];
  return checks.filter(([holds]) => !holds).map(([, field, expected]) => ({ field, expected }));
}

function row(floor: number, ceiling: number, values: readonly [number, number, number, number, number]): ThresholdRow {
  const [major, large, stable, staked, longtail] = values;
  return { floor, ceiling, presets: { major, large, stable, staked, longtail } };
}
