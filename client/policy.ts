import type { RoundHeader } from "../protocol/eip712.ts";
import type { Report } from "../protocol/report.ts";
import type { Verification } from "./verify.ts";

/** Off chain a round is seconds old; on chain a consumer allows its own inclusion time. */
export const DEFAULT_MAX_AGE_MS = 5_000;
/** A certificate dated further ahead than this consumer's clock may be off is refused. */
export const DEFAULT_MAX_AHEAD_MS = 1_000;

/** Why a proven report still permits nothing, in the order in which it is asked. */
export const REFUSALS = ["unproven", "no-feed", "future", "expired", "old", "rewound", "paused", "disputed"] as const;
export type Refusal = (typeof REFUSALS)[number];

/**
 * What a consumer wants to do with one feed's price. `repay` stands for repaying, topping up and withdrawing without debt;
 * `liquidate-insolvent` for a loan under water at both ends of the interval; `liquidate` for any other, a disputed one.
 */
export const ACTIONS = ["repay", "liquidate-insolvent", "liquidate", "borrow"] as const;
export type Action = (typeof ACTIONS)[number];

/** Yes, with the share of the consumer's own liquidation limit that the action counts against (10 000: not limited); or no, and why. */
export type Answer =
  | { readonly ok: true; readonly budgetBps: number }
  | { readonly ok: false; readonly reason: Refusal; readonly detail: string };

export type Circumstances = {
  /** The consumer's own clock, Unix ms. */
  readonly now: number;
  /** The newest round this consumer has acted on; an older one is refused. */
  readonly newestRound?: number;
  readonly maxAgeMs?: number;
  readonly maxAheadMs?: number;
};

const UNLIMITED_BPS = 10_000;

/**
 * Whether one feed of a verified document permits an action now (DESIGN section 8): proof, lease, own maximum age, no certificate
 * from the future, no older round than one already used; then what the leaf permits. Repaying is never asked about. A portfolio's
 * own rules stand on top of this.
 *
 * @example
 * decide("borrow", "ETH/USD", verification, { now }); // { ok: false, reason: "expired", detail: "the lease ended 1200 ms ago" }
 */
export function decide(action: Action, feed: string, verification: Verification, circumstances: Circumstances): Answer {
  if (action === "repay") return { ok: true, budgetBps: UNLIMITED_BPS };
  const { ok, header, reports, faults } = verification;
  if (!ok || header === undefined) return no("unproven", faults.map(({ part, detail }) => `${part}: ${detail}`).join("; "));
  const report = reports.find((item) => item.feed === feed);
  if (report === undefined) return no("no-feed", `the document says nothing of ${feed}`);
  return refuseHeader(header, circumstances) ?? readPermits(action, report);
}

/** The newest of several gateways' documents that verified; undefined when none did. */
export function newestOf(verifications: readonly Verification[]): Verification | undefined {
  return verifications
    .filter(({ ok }) => ok)
    .reduce<Verification | undefined>(
      (newest, item) => ((item.header?.round ?? -1) > (newest?.header?.round ?? -1) ? item : newest),
      undefined,
    );
}

function refuseHeader(header: RoundHeader, circumstances: Circumstances): Answer | undefined {
  const { now, newestRound = -1, maxAgeMs = DEFAULT_MAX_AGE_MS, maxAheadMs = DEFAULT_MAX_AHEAD_MS } = circumstances;
  const { round, timestamp, validUntil } = header;
  if (!Number.isFinite(now)) return no("future", "no clock to judge by");
  if (timestamp > now + maxAheadMs) return no("future", `the certificate is dated ${timestamp - now} ms ahead of this clock`);
  if (now > validUntil) return no("expired", `the lease ended ${now - validUntil} ms ago`);
  if (now - timestamp > maxAgeMs) return no("old", `the certificate is ${now - timestamp} ms old, at most ${maxAgeMs} counts`);
  if (round < newestRound) return no("rewound", `round ${round} is older than round ${newestRound}, already used`);
  return undefined;
}

function readPermits(action: Exclude<Action, "repay">, { state, liquidate, borrow, budgetBps }: Report): Answer {
  const yes: Answer = { ok: true, budgetBps: UNLIMITED_BPS };
  switch (action) {
    case "borrow":
      return borrow ? yes : no("paused", `the breaker is ${state}: nothing that raises risk may use this price`);
    case "liquidate-insolvent":
      return liquidate === "none" ? no("paused", "nobody may be liquidated on this price") : yes;
    case "liquidate":
      if (liquidate === "none") return no("paused", "nobody may be liquidated on this price");
      if (liquidate === "any" && state === "closed") return yes;
      if (liquidate === "any" && state === "half-open" && budgetBps > 0) return { ok: true, budgetBps };
      return no("disputed", `the breaker is ${state}: only loans insolvent at both ends of the interval may be liquidated`);
  }
}

function no(reason: Refusal, detail: string): Answer {
  return { ok: false, reason, detail };
}
