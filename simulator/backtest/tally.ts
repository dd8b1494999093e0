import { CARRIED_BIT, hasReason, type Report, RULES, type RuleName } from "../../protocol/report.ts";
import { type ChartSeries, createChart, drawRound, toNumber } from "./chart-series.ts";
import { countTrial, createTrials, type Trials } from "./trials.ts";

/** Pauses that are kept one by one; beyond, they are only counted. */
export const MAX_PAUSES = 2_000;

/** A stay outside closed, from the round that opened to the one that closed again. Prices are for people: floats, never compared with limits. */
export type Pause = {
  readonly from: number;
  /** Null while it lasts. */
  to: number | null;
  /** Rules active when it opened, and at any time until it closed. */
  readonly openedBy: readonly RuleName[];
  rules: readonly RuleName[];
  readonly before: number;
  readonly opening: number;
  farthest: number;
  after: number;
  adverse: number;
  /** σ served in the round that opened; annualised, 1 = 100 %. */
  readonly volatility: number;
  /** Disputed loans waited so long. */
  openMs: number;
  /** No loan could be liquidated so long. */
  noneMs: number;
  /** There was no fresh price so long, or one only just again. */
  absentMs: number;
  reopened: number;
};

/** Everything counted of one feed; plain data, so that it can be written down and taken up again. */
export type FeedTally = {
  rounds: number;
  priced: number;
  firstAt: number | null;
  /** When it closed for the first time. What came before is the start of a feed, no pause. */
  closedAt: number | null;
  state: Report["state"] | null;
  closedPrice: number;
  /** Since it first closed. */
  closedMs: number;
  halfOpenMs: number;
  openMs: number;
  noneMs: number;
  unpricedMs: number;
  trips: number;
  opens: Record<RuleName, number>;
  activeMs: Record<RuleName, number>;
  /** Rounds certified closed although a rule stood. */
  disputedClosed: number;
  /** Rounds certified closed with the other venues' median outside the interval and outside tolerance, of those that could be compared. */
  offOthers: number;
  compared: number;
  /** Of a chain's leaf: how long the base fee alone was a sign of congestion. */
  feeHighMs: number;
  automaticMs: number;
  longestAutomaticMs: number;
  stretchMs: number;
  longestOpenMs: number;
  pauses: Pause[];
  current: Pause | null;
  trials: Trials;
  chart: ChartSeries;
};

export type TallyRound = {
  readonly at: number;
  readonly stepMs: number;
  readonly report: Report;
  /** Whether the price lies off the other venues'; undefined when there are too few to say. */
  readonly offOthers: boolean | undefined;
  /** Whether a chain's base fee counts as a point of congestion. */
  readonly feeHigh: boolean;
};

/** Rules that say there is no fresh data, and those that only people end: not an automatic pause. */
const ABSENCE: readonly RuleName[] = ["stale", "restart"];
const BY_PEOPLE: readonly RuleName[] = ["manual", "gap"];

export function createTally(chart: { readonly from: number; readonly to: number; readonly stepMs: number }): FeedTally {
  const none = () => Object.fromEntries(RULES.map((rule) => [rule, 0])) as Record<RuleName, number>;
  return {
    rounds: 0,
    priced: 0,
    firstAt: null,
    closedAt: null,
    state: null,
    closedPrice: 0,
    closedMs: 0,
    halfOpenMs: 0,
    openMs: 0,
    noneMs: 0,
    unpricedMs: 0,
    trips: 0,
    opens: none(),
    activeMs: none(),
    disputedClosed: 0,
    offOthers: 0,
    compared: 0,
    feeHighMs: 0,
    automaticMs: 0,
    longestAutomaticMs: 0,
    stretchMs: 0,
    longestOpenMs: 0,
    pauses: [],
    current: null,
    trials: createTrials(),
    chart: createChart(chart),
  };
}

/** Counts one certified round of one feed. Changes `tally`. */
export function tallyRound(tally: FeedTally, round: TallyRound): void {
  const { at, report } = round;
  const rules = activeRules(report);
  const carried = hasReason(report.reasons, CARRIED_BIT);
  tally.rounds += 1;
  if (!carried) tally.priced += 1;
  tally.firstAt ??= at;
  drawRound(tally.chart, round);
  const from = tally.state;
  tally.state = report.state;
  if (round.feeHigh) tally.feeHighMs += round.stepMs;
  checkClosed(tally, rules, round);
  if (report.state === "closed") tally.closedAt ??= at;
  if (tally.closedAt === null) return;
  countTime(tally, rules, { ...round, carried });
  const opened = report.state === "open" && from !== "open";
  if (opened) for (const rule of rules) tally.opens[rule] += 1;
  const tripped = from === "closed" && report.state !== "closed";
  if (tripped) beginPause(tally, rules, round);
  else if (tally.current !== null && opened) tally.current.reopened += 1;
  followPause(tally, rules, { ...round, carried });
  countTrial(tally.trials, { at, priced: !carried, tripped });
  if (report.state === "closed") tally.closedPrice = toNumber(report.price);
}

/** `config` is information and never active (BREAKER.md B3). */
function activeRules({ reasons }: Report): readonly RuleName[] {
  return RULES.filter((rule, bit) => rule !== "config" && hasReason(reasons, bit));
}

/** The bar of BREAKER.md: a disputed price is never certified closed. */
function checkClosed(tally: FeedTally, rules: readonly RuleName[], { report, offOthers }: TallyRound): void {
  if (offOthers !== undefined) tally.compared += 1;
  if (report.state !== "closed") return;
  if (rules.length > 0) tally.disputedClosed += 1;
  if (offOthers === true) tally.offOthers += 1;
}

function countTime(
  tally: FeedTally,
  rules: readonly RuleName[],
  { report, stepMs, carried }: TallyRound & { readonly carried: boolean },
): void {
  if (report.state === "closed") tally.closedMs += stepMs;
  else if (report.state === "half-open") tally.halfOpenMs += stepMs;
  else tally.openMs += stepMs;
  if (report.liquidate === "none") tally.noneMs += stepMs;
  if (carried) tally.unpricedMs += stepMs;
  for (const rule of rules) tally.activeMs[rule] += stepMs;
  const open = report.state === "open";
  const automatic = open && !carried && !rules.some((rule) => ABSENCE.includes(rule) || BY_PEOPLE.includes(rule));
  tally.stretchMs = open ? tally.stretchMs + stepMs : 0;
  tally.automaticMs = automatic ? tally.automaticMs + stepMs : 0;
  tally.longestOpenMs = Math.max(tally.longestOpenMs, tally.stretchMs);
  tally.longestAutomaticMs = Math.max(tally.longestAutomaticMs, tally.automaticMs);
}

function beginPause(tally: FeedTally, rules: readonly RuleName[], { at, report }: TallyRound): void {
  const opening = toNumber(report.price);
  tally.trips += 1;
  tally.current = {
    from: at,
    to: null,
    openedBy: rules,
    rules,
    before: tally.closedPrice,
    opening,
    farthest: opening,
    after: opening,
    adverse: 0,
    volatility: toNumber(report.volatility),
    openMs: 0,
    noneMs: 0,
    absentMs: 0,
    reopened: 0,
  };
  if (tally.pauses.length < MAX_PAUSES) tally.pauses.push(tally.current);
}

function followPause(
  tally: FeedTally,
  rules: readonly RuleName[],
  { at, report, stepMs, carried }: TallyRound & { readonly carried: boolean },
): void {
  const pause = tally.current;
  if (pause === null) return;
  const price = toNumber(report.price);
  pause.after = price;
  if (report.state === "closed") {
    pause.to = at;
    tally.current = null;
    return;
  }
  if (rules.some((rule) => !pause.rules.includes(rule)))
    pause.rules = RULES.filter((rule) => [...pause.rules, ...rules].includes(rule));
  if (report.liquidate === "none") pause.noneMs += stepMs;
  if (carried || rules.some((rule) => ABSENCE.includes(rule))) pause.absentMs += stepMs;
  if (report.state !== "open") return;
  pause.openMs += stepMs;
  if (Math.abs(price - pause.before) > Math.abs(pause.farthest - pause.before)) pause.farthest = price;
  const direction = Math.sign(pause.opening - pause.before);
  pause.adverse = Math.max(pause.adverse, (direction * (price - pause.opening)) / pause.opening);
}
