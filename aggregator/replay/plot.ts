import type { Readings } from "../../circuit-breaker/rules.ts";
import type { RuleName } from "../../protocol/report.ts";
import type { MeasureUnit } from "../../protocol/round.ts";
import type { ThresholdName } from "../../protocol/thresholds.ts";
import type { JudgedRound } from "./judging.ts";

/** Points of a plot: more than a screen of text is wide in pixels, and a day is not more than this long. */
export const PLOT_POINTS = 600;

/** What a threshold is held against, round by round. `worst` says on which side of the limit the trouble lies. */
type Measure = {
  readonly threshold: ThresholdName;
  readonly rule: RuleName;
  readonly unit: MeasureUnit;
  readonly worst: "largest" | "smallest";
  /** Undefined in a round that cannot be measured. */
  readonly read: (round: JudgedRound) => number | undefined;
};

const GAP_BAND_MS = 60_000;
const GAP_GRACE_MS = 10_000;

/** Every limit that can be drawn as a line across what is measured. */
export const MEASURES: readonly Measure[] = [
  { threshold: "jumpBps", rule: "jump", unit: "Bps", worst: "largest", read: whenPriced("jump") },
  { threshold: "gapBps", rule: "gap", unit: "Bps", worst: "largest", read: readStep },
  { threshold: "dispersionBps", rule: "dispersion", unit: "Bps", worst: "largest", read: whenPriced("dispersion") },
  { threshold: "divergenceBps", rule: "divergence", unit: "Bps", worst: "largest", read: whenPriced("divergence") },
  { threshold: "wantGroups", rule: "thin", unit: "Groups", worst: "smallest", read: ({ taken }) => taken.facts.groups },
  { threshold: "topShareBps", rule: "thin", unit: "Bps", worst: "largest", read: readTopShare },
  {
    threshold: "staleMs",
    rule: "stale",
    unit: "Ms",
    worst: "largest",
    read: ({ judged }) => readingOf(judged.readings, "stale"),
  },
  { threshold: "pegBps", rule: "peg", unit: "Bps", worst: "largest", read: readPeg },
];

/** One measure over time: of each point the worst that was measured in it, null where nothing was. */
export type Series = Omit<Measure, "read"> & { readonly values: readonly (number | null)[] };

export type Plot = {
  /** Where each point begins, Unix ms, ascending; all are `stepMs` long. */
  readonly at: readonly number[];
  readonly stepMs: number;
  /** Lowest and highest certified price of each point; null where no quorum priced the feed. */
  readonly prices: readonly (readonly [low: bigint, high: bigint] | null)[];
  readonly series: readonly Series[];
};

/** Thins rounds out to {@link PLOT_POINTS} so that no peak is lost. */
export function createPlot({
  fromAt,
  toAt,
  roundMs,
}: {
  readonly fromAt: number;
  readonly toAt: number;
  readonly roundMs: number;
}) {
  const rounds = Math.floor((toAt - fromAt) / roundMs) + 1;
  const stepMs = Math.ceil(rounds / PLOT_POINTS) * roundMs;
  const count = Math.ceil(rounds / (stepMs / roundMs));
  const prices = Array.from({ length: count }, (): [bigint, bigint] | null => null);
  const series = MEASURES.map((measure) => ({ measure, values: Array.from({ length: count }, (): number | null => null) }));
  return {
    take: (round: JudgedRound): void => {
      const point = Math.floor((round.facts.timestamp - fromAt) / stepMs);
      const { view } = round.facts;
      if (view !== undefined) prices[point] = spread(prices[point] ?? null, view.price);
      for (const { measure, values } of series) {
        const value = measure.read(round);
        if (value !== undefined) values[point] = worse(measure, values[point] ?? null, value);
      }
    },
    finish: (): Plot => ({
      at: Array.from({ length: count }, (_, point) => fromAt + point * stepMs),
      ...{ stepMs, prices },
      series: series.flatMap(({ measure: { read: _, ...measure }, values }) =>
        values.every((value) => value === null) ? [] : [{ ...measure, values }],
      ),
    }),
  };
}

function worse({ worst }: Measure, known: number | null, value: number): number {
  if (known === null) return value;
  return worst === "largest" ? Math.max(known, value) : Math.min(known, value);
}

function spread(known: readonly [bigint, bigint] | null, price: bigint): [bigint, bigint] {
  if (known === null) return [price, price];
  return [price < known[0] ? price : known[0], price > known[1] ? price : known[1]];
}

function whenPriced(rule: RuleName): Measure["read"] {
  return ({ taken, judged }) => (taken.facts.priced ? readingOf(judged.readings, rule) : undefined);
}

function readTopShare({ taken: { facts } }: JudgedRound): number | undefined {
  return facts.priced ? facts.topBps : undefined;
}

function readPeg({ taken: { facts, pegTarget }, judged }: JudgedRound): number | undefined {
  return facts.priced && pegTarget !== undefined ? readingOf(judged.readings, "peg") : undefined;
}

/**
 * The one-round move as gap holds it against gapBps (BREAKER.md B3): what a longer time without a price explains is taken off, rounded up,
 * so that it lies above the line exactly where the band is left.
 */
function readStep({ facts: { timestamp }, taken: { facts, memory } }: JudgedRound): number | undefined {
  if (!facts.priced) return undefined;
  const band = GAP_BAND_MS + Math.max(0, timestamp - memory.pricedAt - GAP_GRACE_MS);
  return Math.ceil((facts.stepBps * GAP_BAND_MS) / band);
}

function readingOf({ readers, list }: Readings, rule: RuleName): number | undefined {
  return list[readers.findIndex(({ name }) => name === rule)]?.measured;
}
