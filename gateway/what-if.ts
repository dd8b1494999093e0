import { z } from "zod";
import { formatAmount } from "../protocol/amount.ts";
import { countSchema, digestSchema, reasonSchema, showReason } from "../protocol/document.ts";
import type { FeedId } from "../protocol/feed.ts";
import { BREAKER_STATES, type BreakerState, RULES, type RuleName } from "../protocol/report.ts";
import type { MeasureUnit, Reason } from "../protocol/round.ts";
import { THRESHOLDS, type ThresholdName, thresholdOverridesSchema } from "../protocol/thresholds.ts";

/** A day: how far back other thresholds may be tried on what was certified. */
export const MAX_WHAT_IF_HOURS = 24;

/** `POST /v1/governance/what-if` takes one feed, any of its thresholds within floor and ceiling, and how far to look back. */
export const whatIfQuestionSchema = z.strictObject({
  feed: z.string("expected a feed, as ETH/USD or ETH-USD").max(32).describe("as ETH/USD or ETH-USD"),
  thresholds: thresholdOverridesSchema.default({}).describe("those that are to differ; the others as in force"),
  hours: z
    .number(`expected above 0, at most ${MAX_WHAT_IF_HOURS}`)
    .positive(`expected above 0, at most ${MAX_WHAT_IF_HOURS}`)
    .max(MAX_WHAT_IF_HOURS, `expected above 0, at most ${MAX_WHAT_IF_HOURS}`)
    .default(MAX_WHAT_IF_HOURS)
    .describe("back from the newest round"),
});

const thresholdSchema = z.enum(Object.keys(THRESHOLDS) as [ThresholdName, ...ThresholdName[]]);
const ruleSchema = z.enum(RULES);
const instantSchema = z.strictObject({ round: countSchema, timestamp: countSchema });
const valuesSchema = z.array(z.number().nullable());
const pricesSchema = z.array(z.string().nullable());

const outcomeSchema = z.strictObject({
  tripCount: countSchema.describe("changes from closed or half-open to open"),
  trips: z.array(
    z.strictObject({
      from: instantSchema.describe("the first round in which it is open"),
      to: instantSchema.nullable().describe("the first in which it no longer is; null: it is open in the last round looked at"),
      sinceBefore: z.boolean().describe("it was open already in the first round looked at"),
      openedBy: z.array(ruleSchema).describe("rules active in its first round"),
      worst: z.array(reasonSchema).describe("of each rule active while it was open, the reading furthest beyond its limit"),
    }),
  ),
  rounds: z.strictObject({ closed: countSchema, halfOpen: countSchema, open: countSchema }),
  noneRounds: countSchema.describe("rounds that permitted no liquidation at all"),
  longestPauseMs: countSchema,
  stretches: z.array(z.strictObject({ state: z.enum(BREAKER_STATES), from: countSchema, to: countSchema })),
});

export const whatIfSchema = z.strictObject({
  feed: z.string(),
  configDigest: digestSchema.describe("of the config in force, whose rounds were looked at"),
  looked: z.strictObject({ from: countSchema, to: countSchema, fromAt: countSchema, toAt: countSchema, rounds: countSchema }),
  missing: z.strictObject({
    uncertified: countSchema.describe("round numbers that nothing was certified for"),
    bodies: countSchema.describe("certified rounds whose bodies are not here any more"),
    resumed: countSchema.describe("how often the walk was taken up again behind such a round, from what was certified there"),
    begins: z
      .enum(["with the config in force", "with the oldest body here", "with the feed"])
      .nullable()
      .describe("why the rounds begin later than was asked for"),
  }),
  changed: z.array(z.strictObject({ threshold: thresholdSchema, from: countSchema, to: countSchema })),
  notReplayed: z
    .array(thresholdSchema)
    .describe("of those: what acts before nodes sign what they saw, so that no replay shows it"),
  before: outcomeSchema.describe("under the thresholds in force: what was certified"),
  after: outcomeSchema.describe("under the changed ones; other feeds, and so the market's move, as they were"),
  plot: z.strictObject({
    fromAt: countSchema,
    stepMs: countSchema.describe("length of a point; point i begins at fromAt + i · stepMs"),
    low: pricesSchema.describe("the lowest certified price of each point"),
    high: pricesSchema,
    series: z.array(
      z.strictObject({
        threshold: thresholdSchema.describe("the limit that it is held against"),
        rule: ruleSchema,
        unit: z.enum(["Bps", "Ms", "Rounds", "Groups", "Points"]),
        worst: z.enum(["largest", "smallest"]).describe("which reading of a point stands for it: no peak is lost"),
        values: valuesSchema,
        after: valuesSchema.optional().describe("where the changed thresholds make it another one"),
      }),
    ),
  }),
});
export type WhatIfDocument = z.infer<typeof whatIfSchema>;

/** 202: the rounds are being opened; ask again. */
export const whatIfLoadingSchema = z.strictObject({ loaded: countSchema, of: countSchema });

type Instant = { readonly round: number; readonly timestamp: number };
type OutcomeView = Omit<WhatIfDocument["before"], "trips" | "stretches"> & {
  readonly trips: readonly {
    readonly from: Instant;
    readonly to: Instant | null;
    readonly sinceBefore: boolean;
    readonly openedBy: readonly RuleName[];
    readonly worst: readonly Reason[];
  }[];
  readonly stretches: readonly { readonly state: BreakerState; readonly from: number; readonly to: number }[];
};

/** The answer as whoever holds the rounds gives it; amounts of 10⁻¹⁸. */
export type WhatIfView = Pick<WhatIfDocument, "looked" | "missing"> & {
  readonly feed: FeedId;
  readonly configDigest: `0x${string}`;
  readonly changed: readonly { readonly threshold: ThresholdName; readonly from: number; readonly to: number }[];
  readonly notReplayed: readonly ThresholdName[];
  readonly before: OutcomeView;
  readonly after: OutcomeView;
  readonly plot: {
    readonly at: readonly number[];
    readonly stepMs: number;
    readonly prices: readonly (readonly [low: bigint, high: bigint] | null)[];
    readonly series: readonly {
      readonly threshold: ThresholdName;
      readonly rule: RuleName;
      readonly unit: MeasureUnit;
      readonly worst: "largest" | "smallest";
      readonly values: readonly (number | null)[];
      readonly after?: readonly (number | null)[];
    }[];
  };
};

export function toWhatIfDocument(view: WhatIfView): WhatIfDocument {
  const { plot } = view;
  return {
    ...{ feed: view.feed, configDigest: view.configDigest, looked: view.looked, missing: view.missing },
    ...{ changed: [...view.changed], notReplayed: [...view.notReplayed] },
    ...{ before: showOutcome(view.before), after: showOutcome(view.after) },
    plot: {
      ...{ fromAt: plot.at[0] ?? 0, stepMs: plot.stepMs },
      low: plot.prices.map((price) => (price === null ? null : formatAmount(price[0]))),
      high: plot.prices.map((price) => (price === null ? null : formatAmount(price[1]))),
      series: plot.series.map(({ values, after, ...series }) => ({
        ...series,
        values: [...values],
        ...(after === undefined ? {} : { after: [...after] }),
      })),
    },
  };
}

function showOutcome({ trips, stretches, ...counts }: OutcomeView): WhatIfDocument["before"] {
  return {
    ...counts,
    trips: trips.map(({ openedBy, worst, ...trip }) => ({
      ...trip,
      openedBy: [...openedBy],
      worst: worst.map((reason) => showReason(reason)),
    })),
    stretches: [...stretches],
  };
}
