import type { BreakerState, RuleName } from "../../protocol/report.ts";
import type { FeedVerdict } from "../../protocol/round.ts";

/** What a breaker did over a stretch of rounds; times in ms, each round counted until the next. */
export type FeedTotals = {
  readonly rounds: number;
  /** Closed or half-open to open. */
  readonly opens: number;
  readonly openMs: number;
  readonly halfOpenMs: number;
  /** No liquidation at all. */
  readonly noneMs: number;
  /** The rules that were active when it opened. */
  readonly opensBy: Readonly<Partial<Record<RuleName, number>>>;
};

export type Tally = {
  readonly count: (verdict: FeedVerdict, forMs: number) => void;
  readonly totals: () => FeedTotals;
};

export function createTally(): Tally {
  const counted = { rounds: 0, opens: 0, openMs: 0, halfOpenMs: 0, noneMs: 0 };
  const opensBy: Partial<Record<RuleName, number>> = {};
  let previous: BreakerState | undefined;
  return {
    count: ({ report, reasons }, forMs) => {
      counted.rounds += 1;
      if (report.state === "open") counted.openMs += forMs;
      if (report.state === "half-open") counted.halfOpenMs += forMs;
      if (report.liquidate === "none") counted.noneMs += forMs;
      if (report.state === "open" && previous !== undefined && previous !== "open") {
        counted.opens += 1;
        for (const { rule } of reasons) opensBy[rule] = (opensBy[rule] ?? 0) + 1;
      }
      previous = report.state;
    },
    totals: () => ({ ...counted, opensBy: { ...opensBy } }),
  };
}
