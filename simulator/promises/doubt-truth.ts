import { parseAmount } from "../../protocol/amount.ts";
import type { FeedConfig, NetworkConfig } from "../../protocol/config.ts";
import { hasReason, RULES, type RuleName } from "../../protocol/report.ts";
import type { FeedFact, RoundFact } from "./ledger.ts";
import { movedBps, type QuorumTruth } from "./quorum-truth.ts";
import type { Remembered } from "./remembered.ts";

export type RuleSet = ReadonlySet<RuleName>;

const NONE: RuleSet = new Set();
const YEAR_MS = 31_557_600_000;
const GAP_BIT = RULES.indexOf("gap");

/** Where a round stands on its walk, as far as a rule asks. */
export type WalkPlace = {
  readonly config: NetworkConfig;
  /** The parent's memory of the feed; undefined in the feed's first round. */
  readonly remembered: Remembered | undefined;
  readonly restartAt: number;
  readonly rounds: number;
  /** Of the round that priced it last before this one. */
  readonly pricedAt: number;
};

/**
 * The rules 0–4, 6, 8 and 10 that fire in a round: a second reading of BREAKER.md B3, straight from the body's entries and the parent's
 * memory. Without jump's hysteresis and gap's latch: those only make a rule last longer.
 */
export function firingRules(round: RoundFact, fact: FeedFact, place: WalkPlace): RuleSet {
  const { report, quorum, config } = fact;
  const { staleMs } = config.thresholds;
  const fires: RuleName[] = [];
  if (jumps(round, fact, place)) fires.push("jump");
  if (quorum.priced && isDispersed(quorum, config)) fires.push("dispersion");
  if (quorum.priced && quorum.outsideBps > config.thresholds.divergenceBps) fires.push("divergence");
  if (isThin(quorum, config)) fires.push("thin");
  if (round.header.timestamp - report.observedAt > staleMs) fires.push("stale");
  if (isOffPeg(quorum, config)) fires.push("peg");
  if (place.rounds <= place.config.restartRounds || report.observedAt < place.restartAt) fires.push("restart");
  if (leaps(round, fact, place)) fires.push("gap");
  return fires.length === 0 ? NONE : new Set(fires);
}

export function isThin(quorum: QuorumTruth, { thresholds }: FeedConfig): boolean {
  return !quorum.priced || quorum.groups < thresholds.wantGroups || quorum.topBps > thresholds.topShareBps;
}

function isDispersed({ rawLow, rawHigh, price }: QuorumTruth, { thresholds }: FeedConfig): boolean {
  return (rawHigh - rawLow) * 10_000n > price * BigInt(thresholds.dispersionBps);
}

/** Against a fixed amount: no setting of the trials pegs a feed to a rate that somebody has to read. */
function isOffPeg({ priced, price }: QuorumTruth, { peg, thresholds }: FeedConfig): boolean {
  const par = peg !== undefined && "par" in peg ? parseAmount(peg.par) : undefined;
  return priced && par?.ok === true && movedBps(price, par.value) > thresholds.pegBps;
}

/** L: half of jumpBps while thin. */
export function jumpLimitBps({ quorum, config }: Pick<FeedFact, "quorum" | "config">): number {
  const { jumpBps } = config.thresholds;
  return isThin(quorum, config) ? Math.floor(jumpBps / 2) : jumpBps;
}

function jumps(round: RoundFact, fact: FeedFact, { config, remembered }: WalkPlace): boolean {
  const { price, priced } = fact.quorum;
  if (!priced || remembered === undefined) return false;
  const moved = movedBps(price, remembered.anchor);
  const limit = jumpLimitBps(fact);
  if (moved <= limit) return false;
  const { beta, sysCapBps } = fact.config.thresholds;
  const market = beta === 0 ? 0 : basketMove(round, fact, config);
  const up = price > remembered.anchor;
  const explained = market > 0 === up && market !== 0 ? beta * Math.min(Math.abs(market), sysCapBps) : 0;
  return moved - explained > limit;
}

/** A one-round move beyond gap's band, and beyond L from the anchor. */
function leaps(round: RoundFact, fact: FeedFact, { remembered, pricedAt }: WalkPlace): boolean {
  const before = round.parent?.reports.get(fact.report.feed);
  if (!fact.quorum.priced || before === undefined || remembered === undefined) return false;
  const step = movedBps(fact.quorum.price, before.price);
  const bandMs = 60_000 + Math.max(0, round.header.timestamp - pricedAt - 10_000);
  return (
    step * 60_000 > fact.config.thresholds.gapBps * bandMs && movedBps(fact.quorum.price, remembered.anchor) > jumpLimitBps(fact)
  );
}

/** B of BREAKER.md B12 for one feed: signed, bps; 0 when the others cannot say. */
function basketMove(round: RoundFact, fact: FeedFact, { basket }: NetworkConfig): number {
  return basketMedian(round, fact, basket, ({ quorum }, sysEma) => nearestMove(quorum, sysEma));
}

/**
 * How long one soft rule may hold a feed open (B6): clamp(sdCap² · YEAR / (max(β, 1) · σ)², minOpenMs, maxOpenMs), σ that of the other
 * majors' leaves.
 */
export function openCapMs(round: RoundFact, fact: FeedFact, { basket }: NetworkConfig): number {
  const { sdCapBps, beta, minOpenMs, maxOpenMs } = fact.config.thresholds;
  const sigma = basketMedian(round, fact, basket, ({ report }) => Number(report.volatility) / 1e18);
  if (beta === 0 || sigma === 0) return maxOpenMs;
  const ms = ((sdCapBps / 10_000) ** 2 * YEAR_MS) / (Math.max(beta, 1) * sigma) ** 2;
  return Math.min(maxOpenMs, Math.max(minOpenMs, ms));
}

/** The weighted median over the other basket feeds that count; 0 when fewer than three of them do, or less than 60 % of their weight. */
function basketMedian(
  round: RoundFact,
  fact: FeedFact,
  basket: NetworkConfig["basket"],
  read: (other: FeedFact, sysEma: bigint) => number,
): number {
  const others = basket.filter(({ feed }) => feed !== fact.report.feed);
  const present = others.flatMap(({ feed, weight }) => {
    const other = round.feeds.find(({ report }) => report.feed === feed);
    const sysEma = round.remembered.get(feed)?.sysEma ?? 0n;
    if (other === undefined || sysEma === 0n || isThin(other.quorum, other.config)) return [];
    if (hasReason(other.report.reasons, GAP_BIT)) return [];
    return [{ weight, value: read(other, sysEma) }];
  });
  const total = sum(present);
  if (present.length < 3 || total * 10 < sum(others) * 6) return 0;
  let below = 0;
  for (const { weight, value } of present.sort((a, b) => a.value - b.value)) {
    below += weight;
    if (2 * below > total) return value;
  }
  return 0;
}

function nearestMove({ rawLow, rawHigh }: QuorumTruth, average: bigint): number {
  if (rawLow > average) return movedBps(rawLow, average);
  return rawHigh < average ? -movedBps(rawHigh, average) : 0;
}

function sum(items: readonly { readonly weight: number }[]): number {
  return items.reduce((total, { weight }) => total + weight, 0);
}
