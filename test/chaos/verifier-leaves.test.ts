import { describe, expect, it } from "vitest";
import { ONE } from "../../protocol/amount.ts";
import type { Report } from "../../protocol/report.ts";
import type { Reason } from "../../protocol/round.ts";
import { report } from "../support/rounds.ts";
import {
  CARRIED,
  child,
  close,
  FEED,
  HALF_OPEN,
  honestPast,
  JUMP,
  last,
  NEXT,
  network,
  open,
  RESTART,
  RESTARTING,
  roundMs,
  STALE_MS,
  show,
  shown,
} from "./forging.ts";
import { createLedger } from "./ledger.ts";
import { breachesOfRange, type PromiseName } from "./promises.ts";

/** A leaf that a quorum signed all the same, as one with its keys copied would. */
const LEAVES: readonly ({ readonly what: string; readonly promise: PromiseName; readonly says: RegExp } & {
  readonly leaf: (timestamp: number) => Partial<Report>;
  readonly reasons?: readonly Reason[];
})[] = [
  {
    what: "any on a price older than staleMs",
    promise: "P3",
    says: /liquidate any on a price \d+ ms old/,
    leaf: (timestamp) => ({ observedAt: timestamp - STALE_MS - 1 }),
  },
  {
    what: "robust on a price older than staleMs",
    promise: "P3",
    says: /liquidate robust on a price/,
    leaf: (timestamp) => ({ ...open(), reasons: 1, observedAt: timestamp - STALE_MS - 1 }),
    reasons: [JUMP],
  },
  {
    what: "an old price without its reason",
    promise: "P3",
    says: /no stale on a price/,
    leaf: (timestamp) => ({ ...RESTARTING, observedAt: timestamp - STALE_MS - 1 }),
    reasons: [RESTART],
  },
  {
    what: "an observation from the future",
    promise: "P3",
    says: /observedAt is 1 ms in the round's future/,
    leaf: (timestamp) => ({ observedAt: timestamp + 1 }),
  },
  {
    what: "a state from the future",
    promise: "P3",
    says: /since is 1 ms in the round's future/,
    leaf: (timestamp) => ({ since: timestamp + 1 }),
  },
  {
    what: "closed with a reason",
    promise: "P3",
    says: /closed with jump/,
    leaf: () => ({ reasons: 1, borrow: false }),
    reasons: [JUMP],
  },
  {
    what: "closed on a carried price",
    promise: "P3",
    says: /closed with a carried price/,
    leaf: () => ({ reasons: CARRIED, borrow: false }),
  },
  { what: "closed and yet robust", promise: "P4", says: /closed, yet robust/, leaf: () => ({ liquidate: "robust" }) },
  { what: "closed and yet half a budget", promise: "P4", says: /5000 bps/, leaf: () => ({ budgetBps: 5_000 }) },
  {
    what: "any while open",
    promise: "P3",
    says: /open, yet any/,
    leaf: () => ({ ...open(), reasons: 1, liquidate: "any" }),
    reasons: [JUMP],
  },
  {
    what: "a budget while open",
    promise: "P3",
    says: /open, yet robust and 1000 bps/,
    leaf: () => ({ ...open(), reasons: 1, budgetBps: 1_000 }),
    reasons: [JUMP],
  },
  {
    what: "borrowing in half-open",
    promise: "P3",
    says: /borrow while half-open/,
    leaf: () => ({ ...HALF_OPEN, borrow: true }),
  },
  {
    what: "more than the floor lets",
    promise: "P4",
    says: /half-open with 10001 bps/,
    leaf: () => ({ ...HALF_OPEN, budgetBps: 10_001 }),
  },
  {
    what: "any on a carried price",
    promise: "P3",
    says: /carried, yet liquidate any/,
    leaf: () => ({ ...HALF_OPEN, reasons: CARRIED }),
  },
  {
    what: "robust under restart",
    promise: "P9",
    says: /liquidate robust under restart/,
    leaf: () => ({ ...RESTARTING, liquidate: "robust" }),
    reasons: [RESTART],
  },
  { what: "a low above the price", promise: "P4", says: /not 0 < low/, leaf: () => ({ low: 1_801n * ONE }) },
  { what: "from closed to half-open", promise: "P9", says: /from closed to half-open/, leaf: () => HALF_OPEN },
  {
    what: "a carried price that is not its parent's",
    promise: "P1",
    says: /carried 1800.5, its parent has 1800.125/,
    leaf: () => ({
      ...open(),
      reasons: CARRIED + 8,
      price: 1_800n * ONE + ONE / 2n,
      observedAt: last(honestPast()).feeds[0]?.report.observedAt ?? 0,
    }),
    reasons: [{ rule: "thin", unit: "Groups", measured: 0, limit: 4 }],
  },
];

describe("a leaf that no honest quorum signs is found, and named by the promise that it breaks", () => {
  it.each(LEAVES)("$what ($promise)", ({ promise, says, leaf, reasons = [] }) => {
    const ledger = createLedger({ network });
    const past = honestPast();
    for (const round of past) show(ledger, round);
    show(ledger, child(last(past), NEXT, leaf(NEXT * roundMs), reasons));
    close(ledger);
    const found = ledger.findings();
    expect(
      found.filter((finding) => finding.promise === promise && says.test(finding.says)),
      shown(found),
    ).toHaveLength(1);
  });

  it("a price that nobody observed (P1)", () => {
    expect(breachesOfRange(report(FEED, 0, { price: 7n }), [6n, 7n, 8n])).toEqual([]);
    expect(breachesOfRange(report(FEED, 0, { price: 7n, reasons: CARRIED }), [6n, 8n])).toEqual([]);
    expect(breachesOfRange(report(FEED, 0, { price: 7n }), [6n, 8n])).toMatchObject([{ promise: "P1" }]);
  });
});
