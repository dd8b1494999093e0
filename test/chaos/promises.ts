import { formatAmount } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import { CARRIED_BIT, hasReason, type Report, type RuleName, reasonNames } from "../../protocol/report.ts";

export type PromiseName = "P1" | "P2" | "P3" | "P4" | "P5" | "P7" | "P9";
/** A broken promise (DESIGN section 2), as one sentence. */
export type Breach = { readonly promise: PromiseName; readonly says: string };

/** What a verifier knows of a certified round: the signed header and, once somebody showed them, the leaves. */
export type KnownRound = { readonly header: RoundHeader; readonly reports: readonly Report[] | undefined };

const FULL_BPS = 10_000;
const FLOOR_BPS = 1_000;
/** Verifier and nodes read the same clock, but neither at the very moment at which the other does. */
const CLOCK_SLACK_MS = 5;

/** P3: times are derived from the number, never chosen, and no quorum of right clocks signs a round before its window. */
export function breachesOfWindow(
  { round, timestamp, validUntil }: RoundHeader,
  { roundMs, leaseMs, maxSkewMs }: NetworkConfig,
  arrivedAt: number,
): readonly Breach[] {
  const early = timestamp - maxSkewMs - CLOCK_SLACK_MS - arrivedAt;
  return [
    ...breach(timestamp !== round * roundMs, "P3", `timestamp ${timestamp} is not round × roundMs`),
    ...breach(validUntil !== timestamp + leaseMs, "P3", `validUntil ${validUntil} is not timestamp + ${leaseMs} ms`),
    ...breach(early > 0, "P3", `from the future: it was here ${early} ms before anybody might sign it`),
  ];
}

/** P3, P4: what one leaf says agrees with itself (DESIGN section 6, BREAKER.md B3, B6 and B9). */
export function breachesOfReport(report: Report, { timestamp }: RoundHeader, staleMs: number): readonly Breach[] {
  const { price, low, high, observedAt, state, liquidate, borrow, budgetBps, reasons, since } = report;
  const rules: readonly RuleName[] = reasonNames(reasons);
  const others = rules.filter((rule) => rule !== "config");
  const carried = isCarried(report);
  const ageMs = timestamp - observedAt;
  const narrowed = state === "half-open" && liquidate !== "any" && budgetBps === 0;
  const checks: readonly (readonly [broken: boolean, promise: PromiseName, says: string])[] = [
    [low <= 0n || low > price || price > high, "P4", `not 0 < low ≤ price ≤ high: ${low} ${price} ${high}`],
    [ageMs < 0, "P3", `observedAt is ${-ageMs} ms in the round's future`],
    [since > timestamp, "P3", `since is ${since - timestamp} ms in the round's future`],
    [
      ageMs > staleMs && liquidate !== "none",
      "P3",
      `liquidate ${liquidate} on a price ${ageMs} ms old, at most ${staleMs} counts`,
    ],
    [ageMs > staleMs && !rules.includes("stale"), "P3", `no stale on a price ${ageMs} ms old, at most ${staleMs} counts`],
    [state === "closed" && (others.length > 0 || carried), "P3", `closed with ${others.join(" ") || "a carried price"}`],
    [
      state === "closed" && (liquidate !== "any" || budgetBps !== FULL_BPS),
      "P4",
      `closed, yet ${liquidate} and ${budgetBps} bps`,
    ],
    [state === "open" && (liquidate === "any" || budgetBps !== 0), "P3", `open, yet ${liquidate} and ${budgetBps} bps`],
    [
      state === "half-open" && !narrowed && (budgetBps < FLOOR_BPS || budgetBps > FULL_BPS),
      "P4",
      `half-open with ${budgetBps} bps and liquidate ${liquidate}`,
    ],
    [borrow && (state !== "closed" || reasons !== 0), "P3", `borrow while ${state} with reasons ${reasons}`],
    [carried && (liquidate === "any" || borrow), "P3", `carried, yet liquidate ${liquidate}, borrow ${borrow}`],
    [
      (rules.includes("restart") || rules.includes("stale")) && liquidate !== "none",
      "P9",
      `liquidate ${liquidate} under ${rules.join(" ")}`,
    ],
  ];
  return checks.flatMap(([broken, promise, says]) => breach(broken, promise, `${report.feed}: ${says}`));
}

/**
 * P9 and the walk: a round against the rounds before it, its parent first. After genesis or a gap longer than the lease the first
 * `restartRounds` permit nothing; nobody goes from open to closed, or from closed to half-open.
 */
export function breachesOfWalk(
  { header, reports }: KnownRound,
  ancestors: readonly KnownRound[],
  { leaseMs, restartRounds }: NetworkConfig,
): readonly Breach[] {
  const [parent] = ancestors;
  if (parent !== undefined && parent.header.round >= header.round)
    return [{ promise: "P7", says: `its parent, round ${parent.header.round}, is not older` }];
  if (reports === undefined) return [];
  const walk = [header, ...ancestors.map((ancestor) => ancestor.header)].slice(0, restartRounds + 1);
  const resumed = walk.slice(0, restartRounds).findIndex((child, index) => {
    const before = walk[index + 1];
    return child.parent === ZERO_DIGEST || (before !== undefined && child.timestamp - before.timestamp > leaseMs);
  });
  const starting = resumed < 0 ? [] : reports.flatMap((report) => breachesOfRestart(report, resumed + 1));
  const known = parent?.reports;
  if (known === undefined) return starting;
  return [...starting, ...reports.flatMap((report) => breachesOfStep(report, known))];
}

function breachesOfRestart(report: Report, nth: number): readonly Breach[] {
  const { feed, state, liquidate, borrow, reasons } = report;
  const silent = state === "open" && liquidate === "none" && !borrow && reasonNames(reasons).includes("restart");
  const says = `${feed}: round ${nth} after an outage is ${state}/${liquidate} with [${reasonNames(reasons).join(" ")}]`;
  return breach(!silent, "P9", says);
}

function breachesOfStep(report: Report, before: readonly Report[]): readonly Breach[] {
  const { feed, state, price, observedAt } = report;
  const last = before.find((item) => item.feed === feed);
  if (last === undefined)
    return breach(state !== "open" || report.liquidate !== "none", "P9", `${feed}: a new feed starts ${state}`);
  const skipped = (last.state === "open" && state === "closed") || (last.state === "closed" && state === "half-open");
  const other = isCarried(report) && (price !== last.price || observedAt !== last.observedAt);
  return [
    ...breach(skipped, "P9", `${feed}: from ${last.state} to ${state}`),
    ...breach(other, "P1", `${feed}: carried ${formatAmount(price)}, its parent has ${formatAmount(last.price)}`),
  ];
}

/** P1: a fresh price is one that somebody in the body signed, hence within the nodes' range; all nodes here are honest. */
export function breachesOfRange(report: Report, observed: readonly bigint[]): readonly Breach[] {
  if (isCarried(report) || observed.includes(report.price)) return [];
  const seen = observed.map(formatAmount).join(" ");
  return [{ promise: "P1", says: `${report.feed}: ${formatAmount(report.price)} is no price that a node observed (${seen})` }];
}

/** P1: a fresh price is one that the true market had at about `observedAt`, give or take what honest venues stray. */
export function breachesOfTruth(
  report: Report,
  path: { readonly low: bigint; readonly high: bigint } | undefined,
  strayBps: number,
): readonly Breach[] {
  if (isCarried(report) || path === undefined) return [];
  const { price, feed, observedAt } = report;
  const [below, above] = [BigInt(FULL_BPS - strayBps), BigInt(FULL_BPS + strayBps)];
  const within = price * BigInt(FULL_BPS) >= path.low * below && price * BigInt(FULL_BPS) <= path.high * above;
  const range = `${formatAmount(path.low)} … ${formatAmount(path.high)} ± ${strayBps} bps`;
  return breach(!within, "P1", `${feed}: ${formatAmount(price)} observed at ${observedAt}, the market was at ${range}`);
}

export function isCarried({ reasons }: Report): boolean {
  return hasReason(reasons, CARRIED_BIT);
}

function breach(broken: boolean, promise: PromiseName, says: string): readonly Breach[] {
  return broken ? [{ promise, says }] : [];
}
