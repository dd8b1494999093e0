import { YEAR_MS } from "../../circuit-breaker/integers.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { RULES, type RuleName } from "../../protocol/report.ts";
import { roundChart } from "./chart-series.ts";
import { type LikelihoodRatio, testConditionalCoverage, testIndependence, testRate } from "./coverage-tests.ts";
import { concerns, type Label } from "./labels.ts";
import { expectedShortfall, type LoanTerms, realisedShortfall, revertedShare, wrongfulLiquidation } from "./pause-costs.ts";
import type { MarketRecord } from "./record.ts";
import type { FeedTally, Pause } from "./tally.ts";
import { closeTrial, TRIAL_MS } from "./trials.ts";

const MINUTE_MS = 60_000;

/** What a reader of the result decides, not the record. */
export type Judgement = {
  readonly labels: readonly Label[];
  readonly loan: LoanTerms;
  /** How often a year a breaker may trip: what the coverage tests hold the record against. */
  readonly tripsPerYear: number;
};

export type LabelOutcome = {
  readonly name: string;
  readonly kind: Label["kind"];
  readonly pauses: number;
  /** From the label's beginning to the first round that was not closed; null when there was none. */
  readonly latencyMs: number | null;
};

/** Means over pauses on fresh data that the breaker ends by itself, each weighed by the move in doubt, in bps of the debt in dispute to four decimals; null without a pause. */
export type CostSummary = {
  readonly pauses: number;
  readonly waitExpectedBps: number | null;
  readonly waitRealisedBps: number | null;
  readonly wrongfulBps: number | null;
  /** Of the doubted moves, how much was taken back before the breaker closed. */
  readonly revertedShare: number | null;
};

export type CoverageSummary = {
  readonly trials: number;
  readonly events: number;
  readonly expectedEvents: number;
  readonly rate: LikelihoodRatio;
  readonly independence: LikelihoodRatio;
  readonly conditional: LikelihoodRatio;
};

export type FeedResult = {
  readonly feed: FeedId;
  /** Undefined for a chain's leaf. */
  readonly preset: string | null;
  readonly rounds: number;
  readonly pricedRounds: number;
  /** Before the feed first closed; of all that follows, only rounds since then count. Null when it never closed. */
  readonly startMinutes: number | null;
  /** Of the time since it first closed: what is left of it is shut to borrowers, and to disputed loans or throttled for them. */
  readonly closedShare: number | null;
  readonly minutes: {
    readonly closed: number;
    readonly halfOpen: number;
    readonly open: number;
    readonly none: number;
    readonly unpriced: number;
  };
  readonly trips: number;
  /** Over the time with a fresh price. */
  readonly tripsPerYear: number | null;
  readonly opensByRule: Readonly<Partial<Record<RuleName, number>>>;
  readonly activeMinutes: Readonly<Partial<Record<RuleName, number>>>;
  readonly longestAutomaticMinutes: number;
  readonly longestOpenMinutes: number;
  readonly disputedClosed: number;
  readonly offOthers: number;
  readonly comparedRounds: number;
  /** Of a chain's leaf: the base fee alone was a sign of congestion. Null for a feed. */
  readonly feeHighMinutes: number | null;
  readonly truePauses: number;
  readonly falsePauses: number;
  readonly labels: readonly LabelOutcome[];
  readonly costs: CostSummary;
  readonly coverage: CoverageSummary;
  readonly pauses: readonly Pause[];
  readonly chart: FeedTally["chart"];
};

export type RunResult = {
  readonly name: string;
  readonly configDigest: string;
  readonly rounds: number;
  readonly feeds: readonly FeedResult[];
};

/** What the counters of one run come to. */
export function summarize(
  name: string,
  tallies: ReadonlyMap<FeedId, FeedTally>,
  { network, record, judgement }: { readonly network: Network; readonly record: MarketRecord; readonly judgement: Judgement },
): RunResult {
  const presets = new Map(network.config.feeds.map(({ feed, preset }) => [feed, preset]));
  return {
    name,
    configDigest: network.configDigest,
    rounds: (record.to - record.from) / record.stepMs,
    feeds: [...tallies].map(([feed, tally]) => summarizeFeed(feed, tally, presets.get(feed) ?? null, judgement)),
  };
}

function summarizeFeed(feed: FeedId, tally: FeedTally, preset: string | null, judgement: Judgement): FeedResult {
  const { closedMs, halfOpenMs, openMs, unpricedMs, firstAt, closedAt } = tally;
  const pricedMs = closedMs + halfOpenMs + openMs - unpricedMs;
  const labels = judgement.labels.filter((label) => concerns(label, feed));
  const outcomes = labels.map((label) => judgeLabel(label, tally.pauses));
  const truths = labels.filter(({ kind }) => kind === "true");
  const right = tally.pauses.filter((pause) => truths.some((label) => overlaps(label, pause))).length;
  return {
    feed,
    preset,
    rounds: tally.rounds,
    pricedRounds: tally.priced,
    startMinutes: closedAt === null || firstAt === null ? null : minutes(closedAt - firstAt),
    closedShare: closedAt === null ? null : digits(closedMs / (closedMs + halfOpenMs + openMs)),
    minutes: {
      closed: minutes(closedMs),
      halfOpen: minutes(halfOpenMs),
      open: minutes(openMs),
      none: minutes(tally.noneMs),
      unpriced: minutes(unpricedMs),
    },
    trips: tally.trips,
    tripsPerYear: pricedMs === 0 ? null : digits((tally.trips * YEAR_MS) / pricedMs),
    opensByRule: positive(tally.opens),
    activeMinutes: positive(mapRules(tally.activeMs, minutes)),
    longestAutomaticMinutes: minutes(tally.longestAutomaticMs),
    longestOpenMinutes: minutes(tally.longestOpenMs),
    disputedClosed: tally.disputedClosed,
    offOthers: tally.offOthers,
    comparedRounds: tally.compared,
    feeHighMinutes: preset === null ? minutes(tally.feeHighMs) : null,
    truePauses: right,
    falsePauses: labels.length === 0 ? 0 : tally.pauses.length - right,
    labels: outcomes,
    costs: summarizeCosts(tally.pauses, judgement.loan),
    coverage: testCoverage(tally, judgement.tripsPerYear),
    pauses: tally.pauses.map(roundPause),
    chart: roundChart(tally.chart),
  };
}

function overlaps({ from, to }: Label, pause: Pause): boolean {
  return pause.from < to && (pause.to ?? Number.POSITIVE_INFINITY) > from;
}

function judgeLabel(label: Label, pauses: readonly Pause[]): LabelOutcome {
  const within = pauses.filter((pause) => overlaps(label, pause));
  const first = within[0];
  return {
    name: label.name,
    kind: label.kind,
    pauses: within.length,
    latencyMs: first === undefined ? null : Math.max(0, first.from - label.from),
  };
}

/** Pauses without fresh data have no price to be right or wrong about, and a gap waits for governors, not for the breaker. */
function summarizeCosts(pauses: readonly Pause[], loan: LoanTerms): CostSummary {
  const judged = pauses.filter(({ absentMs, before, rules }) => absentMs === 0 && before > 0 && !rules.includes("gap"));
  const weights = judged.map(({ farthest, before }) => Math.abs(farthest - before) / before);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (costOf: (pause: Pause) => number): number | null => {
    if (total === 0) return null;
    return judged.reduce((sum, pause, index) => sum + costOf(pause) * (weights[index] ?? 0), 0) / total;
  };
  const bps = (share: number | null) => (share === null ? null : Math.round(share * 1e8) / 1e4);
  const buffer = loan.bufferBps / 10_000;
  const reverted = mean(revertedShare);
  return {
    pauses: judged.length,
    waitExpectedBps: bps(mean(({ volatility, openMs }) => expectedShortfall({ volatility, waitMs: openMs, buffer }))),
    waitRealisedBps: bps(mean((pause) => realisedShortfall(pause, loan))),
    wrongfulBps: bps(mean((pause) => wrongfulLiquidation(pause, loan))),
    revertedShare: reverted === null ? null : digits(reverted),
  };
}

function testCoverage({ trials }: FeedTally, tripsPerYear: number): CoverageSummary {
  const { count, events, n00, n01, n10, n11 } = closeTrial(trials);
  const probability = Math.min(1, (tripsPerYear * TRIAL_MS) / YEAR_MS);
  const rate = testRate({ events, trials: count, probability });
  const independence = testIndependence({ n00, n01, n10, n11 });
  const conditional = testConditionalCoverage(rate, independence);
  return {
    trials: count,
    events,
    expectedEvents: digits(count * probability),
    rate: roundRatio(rate),
    independence: roundRatio(independence),
    conditional: roundRatio(conditional),
  };
}

function roundPause(pause: Pause): Pause {
  const { before, opening, farthest, after, adverse, volatility } = pause;
  return {
    ...pause,
    before: digits(before),
    opening: digits(opening),
    farthest: digits(farthest),
    after: digits(after),
    adverse: digits(adverse),
    volatility: digits(volatility),
  };
}

function roundRatio({ ratio, pValue }: LikelihoodRatio): LikelihoodRatio {
  return { ratio: digits(ratio), pValue: digits(pValue) };
}

function minutes(ms: number): number {
  return ms / MINUTE_MS;
}

/** Eight digits: the last ones of a float are noise, and a reader compares files. */
function digits(value: number): number {
  return Number(value.toPrecision(8));
}

function mapRules(counts: Readonly<Record<RuleName, number>>, map: (count: number) => number): Record<RuleName, number> {
  return Object.fromEntries(RULES.map((rule) => [rule, map(counts[rule])])) as Record<RuleName, number>;
}

function positive(counts: Readonly<Record<RuleName, number>>): Partial<Record<RuleName, number>> {
  return Object.fromEntries(RULES.filter((rule) => counts[rule] > 0).map((rule) => [rule, counts[rule]]));
}
