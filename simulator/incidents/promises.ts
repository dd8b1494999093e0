import { moveBps } from "../../circuit-breaker/integers.ts";
import { type BorrowQuestion, judgeBorrow, judgeLiquidation, type Loan } from "../../client/portfolio.ts";
import { ONE } from "../../protocol/amount.ts";
import { CARRIED_BIT, hasReason, type Report } from "../../protocol/report.ts";
import { THRESHOLDS } from "../../protocol/thresholds.ts";
import type { Difference } from "./expectations.ts";
import type { PlayedRound } from "./play.ts";
import { within } from "./quotes.ts";
import type { Borrower, LoanAtStake, Scenario } from "./scenario.ts";

/** What may never happen, whatever a scenario expects besides. */
export type Breach = {
  readonly promise: "closed-at-disputed-price" | "insolvent-loan-waits" | "healthy-loan-liquidated" | "unsound-borrowing";
  readonly second: number;
  readonly detail: string;
};

type Value = (asset: string, side: "collateral" | "debt") => bigint | undefined;

/**
 * No certificate says closed at a price that the market did not have (BREAKER.md: "at 1 s rounds a disputed price is never certified
 * closed, not once"): further from it than the jumpBps of the feed's preset, whatever thresholds are being tried.
 */
export function watchClosed({ truth, feeds }: Scenario) {
  const tolerance = new Map(feeds.map(({ feed, preset }) => [feed, THRESHOLDS.jumpBps.presets[preset]]));
  return ({ second, feeds }: PlayedRound): readonly Breach[] =>
    feeds.flatMap(({ report }): readonly Breach[] => {
      const real = truth[report.feed]?.(second);
      if (real === undefined || report.state !== "closed") return [];
      const offBps = moveBps(report.price, real);
      if (offBps <= (tolerance.get(report.feed) ?? 0)) return [];
      return [{ promise: "closed-at-disputed-price", second, detail: `${report.feed} closed, ${offBps} bps from the market` }];
    });
}

export type LoanRecord = {
  readonly name: string;
  /** Ms in which a loan insolvent in truth was refused although every leg was priced afresh, the longest stretch of it. */
  readonly waitedMs: number;
  readonly longestWaitMs: number;
  /** Ms in which the bucket would have let a loan through that was healthy in truth. */
  readonly throttledMs: number;
  /** Of the first round against what was expected. */
  readonly fault: Difference | undefined;
};

/** Asks for one loan in every round what a liquidator would ask, and holds the answer against the truth and against the promises. */
export function watchLoan(stake: LoanAtStake, scenario: Scenario) {
  let waitedMs = 0;
  let stretchMs = 0;
  let longestWaitMs = 0;
  let throttledMs = 0;
  let fault: Difference | undefined;
  return {
    take: (round: PlayedRound): readonly Breach[] => {
      const { second, feeds, sinceMs } = round;
      if (second < 0) return [];
      const reports = feeds.map(({ report }) => report);
      const answer = judgeLiquidation(stake, reports);
      const found = answer.ok ? answer.by : "refused";
      const insolvent = healthInTruth(stake.loan, scenario, second);
      const waits = insolvent === true && !answer.ok && isFresh(stake, reports);
      stretchMs = waits ? stretchMs + sinceMs : 0;
      waitedMs += waits ? sinceMs : 0;
      longestWaitMs = Math.max(longestWaitMs, stretchMs);
      if (insolvent === false && found === "bucket") throttledMs += sinceMs;
      for (const expected of stake.expected) {
        if (!within(second, expected) || expected.answers.includes(found)) continue;
        const detail = answer.ok ? "" : ` (${answer.reason}: ${answer.detail})`;
        const text = `${stake.name} at ${second} s: expected ${expected.answers.join(" or ")}, found ${found}${detail} (${expected.because})`;
        fault ??= { kind: answer.ok ? "wide" : "narrow", text };
      }
      return breachesOf(stake, { found, insolvent, second, reports });
    },
    record: (): LoanRecord => ({ name: stake.name, waitedMs, longestWaitMs, throttledMs, fault }),
  };
}

function breachesOf(
  stake: LoanAtStake,
  {
    found,
    insolvent,
    second,
    reports,
  }: {
    readonly found: "right" | "bucket" | "refused";
    readonly insolvent: boolean | undefined;
    readonly second: number;
    readonly reports: readonly Report[];
  },
): readonly Breach[] {
  const breaches: Breach[] = [];
  if (found === "right" && insolvent === false) {
    breaches.push({ promise: "healthy-loan-liquidated", second, detail: `${stake.name} is healthy at the market's prices` });
  }
  if (found !== "right" && isFresh(stake, reports) && isInsolventAt(stake.loan, bothEnds(stake, reports)) === true) {
    breaches.push({
      promise: "insolvent-loan-waits",
      second,
      detail: `${stake.name} is under water at both ends and is refused`,
    });
  }
  return breaches;
}

/** Somebody asks to borrow in every round; what the truth does not bear must be refused. */
export function watchBorrower(borrower: Borrower, scenario: Scenario) {
  let fault: Difference | undefined;
  return {
    take: ({ second, feeds }: PlayedRound): readonly Breach[] => {
      if (second < 0) return [];
      const { ok } = judgeBorrow(
        borrower,
        feeds.map(({ report }) => report),
      );
      for (const { from, to, allowed, because } of borrower.expected) {
        if (!within(second, { from, to }) || allowed === ok) continue;
        const text = `${borrower.name} at ${second} s: expected ${allowed ? "allowed" : "refused"} (${because})`;
        fault ??= { kind: ok ? "wide" : "narrow", text };
      }
      if (!ok || healthInTruth(borrower.loan, scenario, second) !== true) return [];
      return [{ promise: "unsound-borrowing", second, detail: `${borrower.name} borrows more than the market's prices bear` }];
    },
    fault: (): Difference | undefined => fault,
  };
}

/** Whether a loan is insolvent at the market's own prices; undefined where the truth of a leg is not known. */
function healthInTruth(loan: Loan, { truth }: Scenario, second: number): boolean | undefined {
  return isInsolventAt(loan, (asset) => (asset === loan.numeraire ? ONE : truth[`${asset}/${loan.numeraire}`]?.(second)));
}

/** Collateral at high, debt at low. */
function bothEnds({ loan }: LoanAtStake, reports: readonly Report[]): Value {
  return (asset, side) => {
    if (asset === loan.numeraire) return ONE;
    const report = reports.find(({ feed }) => feed === `${asset}/${loan.numeraire}`);
    return side === "collateral" ? report?.high : report?.low;
  };
}

function isInsolventAt({ collateral, debt }: Loan, value: Value): boolean | undefined {
  let balance = 0n;
  for (const { asset, amount, thresholdBps } of collateral) {
    const price = value(asset, "collateral");
    if (price === undefined) return undefined;
    balance += amount * price * BigInt(thresholdBps);
  }
  for (const { asset, amount } of debt) {
    const price = value(asset, "debt");
    if (price === undefined) return undefined;
    balance -= amount * price * 10_000n;
  }
  return balance < 0n;
}

/** Every leg priced in this round, none too old, none in its first rounds, none paused by hand: what P5 calls fresh data. */
function isFresh({ loan, chain }: Pick<BorrowQuestion, "loan" | "chain">, reports: readonly Report[]): boolean {
  const legs = [...loan.collateral, ...loan.debt].filter(({ asset }) => asset !== loan.numeraire);
  const feeds = legs.map(({ asset }) => `${asset}/${loan.numeraire}`);
  return [...feeds, ...(chain === undefined ? [] : [chain])].every((feed) => {
    const report = reports.find((item) => item.feed === feed);
    return (
      report !== undefined && [STALE_BIT, RESTART_BIT, MANUAL_BIT, CARRIED_BIT].every((bit) => !hasReason(report.reasons, bit))
    );
  });
}

const STALE_BIT = 4;
const RESTART_BIT = 8;
const MANUAL_BIT = 9;
