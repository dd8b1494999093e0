import { parseAmount } from "../protocol/amount.ts";
import type { FeedDocument, ReasonDocument } from "../protocol/document.ts";
import { formatReason } from "../protocol/reason-words.ts";
import type { MeasureUnit } from "../protocol/round.ts";

/**
 * A digest short enough for a line, long enough to tell two apart.
 *
 * @example
 * cutDigest(`0x5e12ab34${"0".repeat(56)}`); // "0x5e12ab34…"
 */
export function cutDigest(digest: string): string {
  return `${digest.slice(0, 10)}…`;
}

/**
 * A whole number with its thousands apart.
 *
 * @example
 * formatCount(86_400); // "86 400"
 */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/**
 * A document's reason in the words of protocol/reason-words.ts.
 *
 * @example
 * sayReason({ rule: "jump", measuredBps: 420, limitBps: 300 }); // "jump: moved off its average, 420 bps (limit 300 bps)"
 */
export function sayReason(reason: ReasonDocument): string {
  const [measured, limit, unit] = measureOf(reason);
  return formatReason({ rule: reason.rule, unit, measured, limit });
}

function measureOf(reason: ReasonDocument): readonly [measured: number, limit: number, unit: MeasureUnit] {
  if ("measuredBps" in reason) return [reason.measuredBps, reason.limitBps, "Bps"];
  if ("measuredMs" in reason) return [reason.measuredMs, reason.limitMs, "Ms"];
  if ("measuredRounds" in reason) return [reason.measuredRounds, reason.limitRounds, "Rounds"];
  if ("measuredPoints" in reason) return [reason.measuredPoints, reason.limitPoints, "Points"];
  return [reason.measuredGroups, reason.limitGroups, "Groups"];
}

/** What a consumer may do, in words; `repay` is never asked about. */
export function formatPermits({ liquidate, borrow, budgetBps }: FeedDocument["permits"]): string {
  const level = { any: "liquidate any", robust: "liquidate robust only", none: "no liquidation" }[liquidate];
  const budget = liquidate === "any" && budgetBps < 10_000 ? ` (disputed: ${budgetBps / 100} % of limit)` : "";
  return `${level}${budget}, ${borrow ? "borrow" : "no borrow"}`;
}

/**
 * Width of the served interval in bps of the price, to a tenth, truncated; undefined when a text is no amount or the price is zero.
 *
 * @example
 * formatWidth({ price: "1800", low: "1799.1", high: "1800.9" }); // "10.0"
 */
export function formatWidth({ price, low, high }: Pick<FeedDocument, "price" | "low" | "high">): string | undefined {
  const amounts = [price, low, high].map((text) => parseAmount(text));
  const [p, l, h] = amounts.map((amount) => (amount.ok ? amount.value : 0n));
  if (p === undefined || l === undefined || h === undefined || p === 0n) return undefined;
  const tenths = ((h - l) * 100_000n) / p;
  return `${tenths / 10n}.${tenths % 10n}`;
}
