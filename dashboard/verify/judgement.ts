import { type Check, type Fault, type Trust, verifyText } from "../../client/verify.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { formatExact, formatSpan } from "../view/format.ts";
import { saySentences } from "../view/words.ts";

export type Judgement = {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly faults: readonly Fault[];
  readonly feeds: readonly JudgedFeed[];
  /** What the lease says of the document now. */
  readonly lease: string | undefined;
};
export type JudgedFeed = {
  readonly feed: string;
  readonly price: string;
  readonly interval: string;
  readonly state: "open" | "half-open" | "closed";
  readonly says: readonly string[];
};

/** A document with hundreds of faults is of another kind; the first words say so. */
const MAX_DETAIL = 400;

/** Every check of a feed document or bundle as the command line makes them, then what its signed leaves say. */
export function judge(text: string, { trust, now }: { readonly trust: Trust; readonly now: number }): Judgement {
  const { ok, checks, faults, header, reports } = verifyText(text, { trust, scheme: noble });
  const feeds = ok
    ? reports.map(({ feed, price, low, high, state, ...permits }) => ({
        feed,
        price: formatExact(formatAmount(price)),
        interval: `${formatExact(formatAmount(low))} – ${formatExact(formatAmount(high))}`,
        state,
        says: saySentences(permits),
      }))
    : [];
  const lease = ok && header !== undefined ? sayLease(header, now) : undefined;
  return { ok, checks: checks.map(cut), faults: faults.map(cut), feeds, lease };
}

function sayLease(
  { round, timestamp, validUntil }: { readonly round: number; readonly timestamp: number; readonly validUntil: number },
  now: number,
): string {
  const age = `Round ${round} of ${new Date(timestamp).toISOString()}`;
  if (now <= validUntil) return `${age}; its lease runs for another ${formatSpan(validUntil - now)}.`;
  return `${age}; its lease ended ${formatSpan(now - validUntil)} ago: proof of what was said then, not a permission now.`;
}

function cut<T extends { readonly detail: string }>(item: T): T {
  return item.detail.length <= MAX_DETAIL ? item : { ...item, detail: `${item.detail.slice(0, MAX_DETAIL)} …` };
}
