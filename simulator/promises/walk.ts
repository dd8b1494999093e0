import type { Digest } from "../../protocol/bytes.ts";
import type { FeedConfig, NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { CARRIED_BIT, hasReason, type Report, RULES, type RuleName } from "../../protocol/report.ts";
import { firingRules, jumpLimitBps, type RuleSet } from "./doubt-truth.ts";
import { widened } from "./interval-truth.ts";
import type { FeedFact, RoundFact } from "./ledger.ts";
import { movedBps } from "./quorum-truth.ts";
import type { Remembered } from "./remembered.ts";

/** Rules that hold a feed open no longer than their cap. */
export const SOFT_RULES = ["jump", "dispersion", "divergence", "thin", "peg"] as const satisfies readonly RuleName[];
export type SoftRule = (typeof SOFT_RULES)[number];

/** One feed at one certified round, with what the walk back from there says of it. Sums of time are in the timers' own measure. */
export type FeedTrack = FeedFact & {
  readonly feed: FeedId;
  readonly timestamp: number;
  readonly tickMs: number;
  readonly before: FeedTrack | undefined;
  readonly remembered: Remembered | undefined;
  readonly carried: boolean;
  /** The rules that the leaf says are active; `config` and the carried mark are no rules that act. */
  readonly active: RuleSet;
  /** The rules that fire in this round by a second reading of BREAKER.md B3. */
  readonly fires: RuleSet;
  /** When each rule last fired so, on this walk. */
  readonly lastFired: ReadonlyMap<RuleName, number>;
  readonly firstAt: number;
  readonly pricedAt: number;
  readonly restartAt: number;
  /** Certified rounds since restartAt, the first being 1. */
  readonly rounds: number;
  /** Lowest and highest price certified afresh so far. */
  readonly lowest: bigint;
  readonly highest: bigint;
  /** The honest ends of the newest round that was priced afresh. */
  readonly honestLow: bigint;
  readonly honestHigh: bigint;
  readonly stateSince: number;
  /** The soft rule that alone keeps it open. */
  readonly sole: SoftRule | undefined;
  /** In this event: time open, round after round, with this rule as the only one. */
  readonly aloneMs: Readonly<Record<SoftRule, number>>;
  /** In this event: time open, round after round, without a hard rule. */
  readonly softMs: number;
  /** Time open on a jump alone, everybody agreeing, since it began. */
  readonly agreedJumpMs: number;
  /** At most so much of half-open passed in agreement. */
  readonly probedMs: number;
  /** Time with the interval stretched to the anchor by a jump while the price was beyond its limit. */
  readonly hullMs: number;
  /** When the gap began that is active; 0 for none. */
  readonly gapSince: number;
};

export type Tracks = ReadonlyMap<FeedId, FeedTrack>;

/** The tracks of a round's feeds out of its parent's. */
export function trackFeeds(round: RoundFact, tracks: ReadonlyMap<Digest, Tracks>, isHonest: (node: number) => boolean): Tracks {
  const previous = round.parent === undefined ? undefined : tracks.get(round.parent.digest);
  const { config } = round.network;
  const next = new Map<FeedId, FeedTrack>();
  for (const fact of round.feeds) {
    const before = previous?.get(fact.report.feed);
    next.set(fact.report.feed, trackFeed(round, { fact, before, config, isHonest }));
  }
  return next;
}

type Step = {
  readonly fact: FeedFact;
  readonly before: FeedTrack | undefined;
  readonly config: NetworkConfig;
  readonly isHonest: (node: number) => boolean;
};

function trackFeed(round: RoundFact, { fact, before, config, isHonest }: Step): FeedTrack {
  const { report, quorum } = fact;
  const { timestamp } = round.header;
  const carried = hasReason(report.reasons, CARRIED_BIT);
  const restarted = before === undefined || round.dtMs > config.leaseMs;
  const restartAt = restarted ? timestamp : before.restartAt;
  const rounds = restarted ? 1 : before.rounds + 1;
  const pricedBefore = before?.pricedAt ?? timestamp;
  const remembered = round.remembered.get(report.feed);
  const active = activeRules(report);
  const fires = firingRules(round, fact, { config, remembered, restartAt, rounds, pricedAt: pricedBefore });
  const honest = quorum.counted.filter(({ node }) => isHonest(node)).map(({ entry }) => entry);
  const standing = before === undefined ? { lowest: report.price, highest: report.price } : before;
  return {
    ...fact,
    feed: report.feed,
    timestamp,
    tickMs: before === undefined ? 0 : round.tickMs,
    before,
    remembered,
    carried,
    active,
    fires,
    lastFired: recordFiring(before?.lastFired, fires, timestamp),
    firstAt: before?.firstAt ?? timestamp,
    pricedAt: carried ? pricedBefore : timestamp,
    restartAt,
    rounds,
    lowest: report.price < standing.lowest ? report.price : standing.lowest,
    highest: report.price > standing.highest ? report.price : standing.highest,
    honestLow: carried && before !== undefined ? before.honestLow : lowestOf(honest.map(({ low }) => low)),
    honestHigh: carried && before !== undefined ? before.honestHigh : highestOf(honest.map(({ high }) => high)),
    stateSince: before?.report.state === report.state ? before.stateSince : timestamp,
    ...timers(round, { report, active, fires, before, fact, remembered }),
  };
}

type Timed = Pick<FeedTrack, "sole" | "aloneMs" | "softMs" | "agreedJumpMs" | "probedMs" | "hullMs" | "gapSince">;

const NO_TIME = { jump: 0, dispersion: 0, divergence: 0, thin: 0, peg: 0 } as const;
const HARD_RULES = ["stale", "restart", "manual", "gap"] as const satisfies readonly RuleName[];

function timers(
  round: RoundFact,
  {
    report,
    active,
    fires,
    before,
    fact,
    remembered,
  }: {
    readonly report: Report;
    readonly active: RuleSet;
    readonly fires: RuleSet;
    readonly before: FeedTrack | undefined;
    readonly fact: FeedFact;
    readonly remembered: Remembered | undefined;
  },
): Timed {
  const tickMs = before === undefined ? 0 : round.tickMs;
  const open = report.state === "open";
  const hard = HARD_RULES.some((rule) => active.has(rule));
  const staysOpen = open && before?.report.state === "open" && !hard;
  const spent = startsEvent(before, report, round.header.timestamp, fact.config) ? undefined : before;
  const sole = staysOpen && active.size === 1 ? SOFT_RULES.find((rule) => active.has(rule)) : undefined;
  const aloneMs = spent?.aloneMs ?? NO_TIME;
  const jumpsAlone = open && fact.quorum.priced && active.size === 1 && active.has("jump");
  const hulled = jumpsAlone && isStretched(fact, round, remembered);
  return {
    sole,
    aloneMs: sole === undefined ? aloneMs : { ...aloneMs, [sole]: aloneMs[sole] + tickMs },
    softMs: (spent?.softMs ?? 0) + (staysOpen ? tickMs : 0),
    agreedJumpMs: jumpsAlone ? (isBelieved(before, remembered) ? 0 : (before?.agreedJumpMs ?? 0)) + tickMs : 0,
    probedMs: probed(before, report, active, tickMs),
    hullMs: (before?.hullMs ?? 0) + (hulled ? tickMs : 0),
    gapSince: active.has("gap") ? gapSince(before, round.header.timestamp, { fires, fact }) : 0,
  };
}

/** The anchor is the price before: that move was agreed on for long enough, and what jumps now is another one, with a wait of its own. */
function isBelieved(before: FeedTrack | undefined, remembered: Remembered | undefined): boolean {
  return before !== undefined && remembered?.anchor === before.report.price;
}

/** A gap that has had its time begins again if the very next price is another one (BREAKER.md B3: the latch is set by the move). */
function gapSince(
  before: FeedTrack | undefined,
  timestamp: number,
  { fires, fact }: { readonly fires: RuleSet; readonly fact: FeedFact },
): number {
  if (before === undefined || before.gapSince === 0) return timestamp;
  const isOver = timestamp - before.gapSince > fact.config.thresholds.gapHoldMs;
  return isOver && fires.has("gap") ? timestamp : before.gapSince;
}

/** Leaving closed after resetMs of it forgives the time spent before (B6). */
function startsEvent(before: FeedTrack | undefined, { state }: Report, timestamp: number, { thresholds }: FeedConfig): boolean {
  return before?.report.state === "closed" && state === "open" && timestamp - before.stateSince >= thresholds.resetMs;
}

/** Half-open counts from its first round on; a round in which any rule stands adds nothing. */
function probed(before: FeedTrack | undefined, { state }: Report, active: RuleSet, tickMs: number): number {
  if (before?.report.state !== "half-open" || state === "open") return 0;
  return before.probedMs + (active.size === 0 ? tickMs : 0);
}

/** Whether the interval reaches further than its raw ends and its volatility take it, while the price lies beyond L from the anchor. */
function isStretched(fact: FeedFact, { header }: RoundFact, remembered: Remembered | undefined): boolean {
  const { quorum, report } = fact;
  if (remembered === undefined || movedBps(quorum.price, remembered.anchor) <= jumpLimitBps(fact)) return false;
  const { volatility, observedAt } = report;
  const plain = widened({ low: quorum.rawLow, high: quorum.rawHigh }, { volatility, forMs: header.validUntil - observedAt });
  return report.low < plain.low || report.high > plain.high;
}

function activeRules({ reasons }: Report): RuleSet {
  return new Set(RULES.filter((rule, bit) => rule !== "config" && hasReason(reasons, bit)));
}

function recordFiring(
  before: ReadonlyMap<RuleName, number> | undefined,
  fires: RuleSet,
  timestamp: number,
): ReadonlyMap<RuleName, number> {
  if (fires.size === 0) return before ?? new Map();
  const next = new Map(before);
  for (const rule of fires) next.set(rule, timestamp);
  return next;
}

function lowestOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((least, amount) => (amount < least ? amount : least), amounts[0] ?? 0n);
}

function highestOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((most, amount) => (amount > most ? amount : most), amounts[0] ?? 0n);
}
