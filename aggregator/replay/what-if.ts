import type { Digest } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { ThresholdName, Thresholds } from "../../protocol/thresholds.ts";
import type { RoundFacts } from "./facts.ts";
import { type Followed, type Judging, judgeRounds } from "./judging.ts";
import { createOutcome, type Outcome } from "./outcome.ts";
import { createPlot, type Plot, type Series } from "./plot.ts";

/**
 * Thresholds that act before a node signs what it saw, or on changes of config: the certified rounds do not say what other values would
 * have made of them.
 */
export const BEYOND_REPLAY: readonly ThresholdName[] = [
  "minSources",
  "minGroups",
  "maxGroupBps",
  "quoteMs",
  "floorBps",
  "tolBps",
  "configBps",
];

/** What a breaker would have done under some thresholds, how the rounds could be followed, and what there is to draw. */
export type Judgement = { readonly outcome: Outcome; readonly plot: Plot; readonly followed: Followed };

/** One feed's rounds under some thresholds; pure. `rounds` is not empty, and ascending. */
export function judge(rounds: readonly RoundFacts[], judging: Judging): Judgement {
  const { roundMs, leaseMs } = judging.network.config;
  const outcome = createOutcome({ leaseMs });
  const plot = createPlot({ fromAt: rounds[0]?.timestamp ?? 0, toAt: rounds.at(-1)?.timestamp ?? 0, roundMs });
  const followed = judgeRounds(rounds, judging, (round) => {
    outcome.take(round);
    plot.take(round);
  });
  return { outcome: outcome.finish(), plot: plot.finish(), followed };
}

/** Where the rounds that were asked for are not all here. */
export type Missing = {
  /** Round numbers that nothing was certified for. */
  readonly uncertified: number;
  /** Certified rounds whose bodies this node no longer has, or cannot read. */
  readonly bodies: number;
  /** How often the walk was taken up again behind such a round, from the memory that was certified there. */
  readonly resumed: number;
  /** Why they begin later than was asked for; null: they do not. */
  readonly begins: "with the config in force" | "with the oldest body here" | "with the feed" | null;
};

/** The answer to "what would these thresholds have done over the last hours". */
export type WhatIf = {
  readonly feed: FeedId;
  readonly configDigest: Digest;
  readonly looked: {
    readonly from: number;
    readonly to: number;
    readonly fromAt: number;
    readonly toAt: number;
    readonly rounds: number;
  };
  readonly missing: Missing;
  readonly changed: readonly { readonly threshold: ThresholdName; readonly from: number; readonly to: number }[];
  /** Of those: what no replay can show. */
  readonly notReplayed: readonly ThresholdName[];
  readonly before: Outcome;
  readonly after: Outcome;
  /** `after` stands beside a series that the changed thresholds make another one. */
  readonly plot: Omit<Plot, "series"> & { readonly series: readonly (Series & { readonly after?: Series["values"] })[] };
};

export type Compared = {
  readonly feed: FeedId;
  readonly network: Pick<Network, "configDigest">;
  readonly rounds: readonly RoundFacts[];
  readonly missing: Omit<Missing, "resumed">;
  readonly inForce: Thresholds;
  readonly changed: Thresholds;
};

/** Both judgements of the same rounds, side by side. */
export function compare(
  before: Judgement,
  after: Judgement,
  { feed, network, rounds, missing, inForce, changed }: Compared,
): WhatIf {
  const [first, last] = [rounds[0], rounds.at(-1)];
  const changes = (Object.keys(inForce) as (keyof Thresholds)[]).flatMap((threshold) => {
    const [from, to] = [inForce[threshold], changed[threshold]];
    return typeof from !== "number" || typeof to !== "number" || from === to
      ? []
      : [{ threshold: threshold as ThresholdName, from, to }];
  });
  return {
    feed,
    configDigest: network.configDigest,
    looked: {
      ...{ from: first?.round ?? 0, to: last?.round ?? 0, fromAt: first?.timestamp ?? 0, toAt: last?.timestamp ?? 0 },
      rounds: before.followed.judged,
    },
    missing: { ...missing, bodies: missing.bodies + before.followed.left, resumed: before.followed.resumed },
    changed: changes,
    notReplayed: changes.flatMap(({ threshold }) => (BEYOND_REPLAY.includes(threshold) ? [threshold] : [])),
    before: before.outcome,
    after: after.outcome,
    plot: { ...before.plot, series: besides(before.plot.series, after.plot.series) },
  };
}

function besides(before: readonly Series[], after: readonly Series[]): WhatIf["plot"]["series"] {
  return before.map((series) => {
    const other = after.find(({ threshold }) => threshold === series.threshold)?.values ?? [];
    return series.values.every((value, point) => value === other[point]) ? series : { ...series, after: other };
  });
}
