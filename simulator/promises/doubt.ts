import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import type { FeedTrack } from "./walk.ts";

const BUDGET_FLOOR_BPS = 1_000;
const BPS = 10_000;

/**
 * P5, the other side: nothing says closed at a price that a rule doubts, closed comes after half-open and probeMs of agreement, and
 * states, times and budgets follow the machine of BREAKER.md B6.
 */
export const judgeDoubt: CreateJudge = ({ complain }) => ({
  onFeed: (track, round) => {
    const say = (what: string) => complain("P5", round.at, `round ${round.header.round} ${track.feed}: ${what}`);
    checkClosed(track, round, say);
    checkTransition(track, say);
    checkBudget(track, say);
  },
});

type Say = (what: string) => void;

function checkClosed({ report, fires, active, before, probedMs, config }: FeedTrack, { header }: RoundFact, say: Say): void {
  if (report.state !== "closed") return;
  if (fires.size > 0) say(`closed while ${[...fires].join(" ")} fires`);
  if (active.size > 0) say(`closed while ${[...active].join(" ")} is active`);
  if (before?.report.state !== "closed" && probedMs < config.thresholds.probeMs) {
    say(`closed at ${header.timestamp} after ${probedMs} ms of agreement, probeMs is ${config.thresholds.probeMs}`);
  }
}

const LEGAL = {
  none: ["open"],
  open: ["open", "half-open"],
  "half-open": ["open", "half-open", "closed"],
  closed: ["closed", "open"],
} as const;

function checkTransition({ report, before, timestamp, fires }: FeedTrack, say: Say): void {
  const from = before?.report.state ?? "none";
  const legal: readonly string[] = LEGAL[from];
  if (!legal.includes(report.state)) say(`went from ${from} to ${report.state}`);
  const since = before?.report.state === report.state ? before.report.since : timestamp;
  if (report.since !== since) say(`${report.state} since ${report.since}, it was ${since}`);
  if (report.state === "half-open" && from === "open" && (fires.has("restart") || fires.has("stale"))) {
    say(`entered half-open while ${[...fires].join(" ")} fires`);
  }
}

function checkBudget({ report, probedMs, config }: FeedTrack, say: Say): void {
  const { state, liquidate, budgetBps } = report;
  const said = `${state}, ${liquidate}, with a budget of ${budgetBps} bps`;
  if (state === "open" && liquidate === "any") say(said);
  if (liquidate !== "any" || state === "open") {
    if (budgetBps !== 0) say(said);
    return;
  }
  const most = state === "closed" ? BPS : Math.min(BPS, BUDGET_FLOOR_BPS + (9_000 * probedMs) / config.thresholds.probeMs);
  const least = state === "closed" ? BPS : BUDGET_FLOOR_BPS;
  if (budgetBps < least || budgetBps > most) say(`${said}, expected ${least} to ${Math.floor(most)}`);
}
