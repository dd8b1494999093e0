import { formatAmount } from "../../protocol/amount.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { openCapMs } from "./doubt-truth.ts";
import { widened } from "./interval-truth.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { movedBps } from "./quorum-truth.ts";
import { isqrt } from "./root.ts";
import { type FeedTrack, SOFT_RULES, type SoftRule } from "./walk.ts";

const DAY_MS = 86_400_000;
/** A volatility of 10⁻¹⁸ from basis points. */
const PER_BPS = 10n ** 14n;
const MAX_UINT64 = 2n ** 64n - 1n;
/** Quiet time is at most clearMs · 2⁴. */
const MAX_DOUBLING = 16;

/**
 * P5: a pause has a rule that really fired, ends within the rule's cap and the day's budget, and never keeps a loan that is insolvent at
 * both ends from being liquidated on a fresh price, whose ends stay where honest entries, past prices and volatility put them.
 */
export const judgePauses: CreateJudge = ({ complain }) => {
  return {
    onFeed: (track, round) => {
      const { config } = round.network;
      const say = (what: string) => complain("P5", round.at, `round ${round.header.round} ${track.feed}: ${what}`);
      checkLevel(track, config, say);
      checkGrounds(track, say);
      if (track.sole !== undefined) checkCap(track.sole, track, openCapMs(round, track, config), say);
      checkSums(track, config.roundMs, say);
      checkInterval(track, round, say);
    },
  };

  /** Whose pause it is and whether he may, the judge of keyholders says. */
  function checkLevel(
    { report, timestamp, restartAt, rounds, active, config: feed }: FeedTrack,
    config: NetworkConfig,
    say: Say,
  ): void {
    if (report.liquidate !== "none") return;
    const isStale = timestamp - report.observedAt > feed.thresholds.staleMs;
    const restarts = rounds <= config.restartRounds || report.observedAt < restartAt;
    const raised = feed.thresholds.liquidateNone.some((rule) => active.has(rule));
    if (isStale || restarts || raised || active.has("manual")) return;
    const seen = `observed ${timestamp - report.observedAt} ms ago, ${rounds} rounds after its restart`;
    say(`permits no liquidation at all on a price ${seen}; active: ${[...active].join(" ")}`);
  }
};

type Say = (what: string) => void;

/** An open feed has an active rule, and an active rule has fired within the longest quiet time. */
function checkGrounds({ report, active, lastFired, timestamp, config: { thresholds }, gapSince }: FeedTrack, say: Say): void {
  if (report.state === "open" && active.size === 0) say("open without a rule");
  const quietMs = Math.min(thresholds.clearMs * MAX_DOUBLING, thresholds.clearCapMs);
  for (const rule of active) {
    if (rule === "manual") continue;
    const firedAt = lastFired.get(rule);
    const lasts = rule === "gap" ? Number.POSITIVE_INFINITY : SOFT_RULES.some((soft) => soft === rule) ? quietMs : 0;
    // Within clearMs of its last firing jump fires at half its limit, and so goes on by itself.
    const rekindled = rule === "jump" && firedAt !== undefined;
    if (firedAt !== undefined && (rekindled || timestamp - firedAt <= lasts)) continue;
    say(`${rule} is active and ${firedAt === undefined ? "never fired" : `fired last ${timestamp - firedAt} ms ago`}`);
  }
  if (gapSince !== 0 && timestamp - gapSince > thresholds.gapHoldMs) say(`a gap held for ${timestamp - gapSince} ms`);
}

function checkCap(rule: SoftRule, { aloneMs, tickMs }: FeedTrack, capMs: number, say: Say): void {
  if (aloneMs[rule] <= capMs + tickMs) return;
  say(`${rule} alone held it open for ${aloneMs[rule]} ms, its cap is ${Math.round(capMs)}`);
}

function checkSums(track: FeedTrack, roundMs: number, say: Say): void {
  const { config, tickMs, softMs, agreedJumpMs, hullMs, timestamp, firstAt } = track;
  const { maxOpenMs, confirmMs, pauseBudgetMs } = config.thresholds;
  if (softMs > SOFT_RULES.length * (maxOpenMs + tickMs)) say(`soft rules held it open for ${softMs} ms in one event`);
  if (agreedJumpMs > confirmMs + tickMs)
    say(`a jump that all agree on held it open for ${agreedJumpMs} ms, confirmMs is ${confirmMs}`);
  const leakedMs = ((timestamp - firstAt) * pauseBudgetMs) / DAY_MS;
  if (hullMs > pauseBudgetMs + leakedMs + 5 * roundMs)
    say(`stretched to the anchor for ${hullMs} ms, the day's budget is ${pauseBudgetMs}`);
}

function checkInterval(track: FeedTrack, { header }: RoundFact, say: Say): void {
  const { report, before, remembered, honestLow, honestHigh, config, active } = track;
  const { volFloorBps, volCapBps } = config.thresholds;
  const [floor, cap] = [BigInt(volFloorBps) * PER_BPS, BigInt(volCapBps) * PER_BPS];
  const stored = remembered === undefined ? undefined : clamp(isqrt(remembered.v * 10n ** 18n), floor, cap);
  if (report.volatility < floor || report.volatility > cap) say(`volatility ${formatAmount(report.volatility)} out of bounds`);
  if (stored !== undefined && report.volatility !== clamp(stored, 0n, MAX_UINT64)) {
    say(`volatility ${formatAmount(report.volatility)} is not the stored ${formatAmount(stored)}`);
  }
  const anchor = remembered?.anchor;
  if (before !== undefined && anchor !== undefined && (anchor < before.lowest || anchor > before.highest)) {
    say(`anchor ${formatAmount(anchor)} outside every price certified before`);
  }
  const holds =
    report.state === "open" && (active.has("jump") || active.has("gap") || active.has("manual")) && anchor !== undefined;
  const low = holds && anchor < honestLow ? anchor : honestLow;
  const high = holds && anchor > honestHigh ? anchor : honestHigh;
  const widest = widened({ low, high }, { volatility: report.volatility, forMs: header.validUntil - report.observedAt });
  if (report.low >= widest.low && report.high <= widest.high) return;
  const served = `${formatAmount(report.low)} … ${formatAmount(report.high)}`;
  const beyond = Math.max(movedBps(report.low, low), movedBps(report.high, high));
  say(`interval ${served} reaches ${beyond} bps beyond honest entries${holds ? " and anchor" : ""}, more than 3σ√t`);
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}
