import type { Address } from "../../protocol/bytes.ts";
import type { GovernanceConfig } from "../../protocol/config.ts";
import type { KeyholderMemory } from "../governance-memory.ts";
import { DAY_MS } from "../integers.ts";
import { memoryOf, replaceKeyholder } from "./keyholders.ts";

/** A guardian alone, or with another, holds feeds for an hour in any seven days (BREAKER.md B14). */
export const ALLOWANCE_MS = 3_600_000;
export const ALLOWANCE_WINDOW_MS = 7 * DAY_MS;

/**
 * What counts against the allowance at an instant. It comes back whole, seven days after the end of the last pause that was charged: a
 * part that came back sooner would let the same seven days see nearly two allowances.
 *
 * @example
 * // charged 3 600 000 until Monday 10:00: 3 600 000 until the next Monday 09:59:59.999, then 0
 */
export function usedMsOf({ usedMs, usedAt }: Pick<KeyholderMemory, "usedMs" | "usedAt">, timestamp: number): number {
  return timestamp - usedAt >= ALLOWANCE_WINDOW_MS ? 0 : usedMs;
}

export function isWithinAllowance(holder: KeyholderMemory, ms: number, timestamp: number): boolean {
  return usedMsOf(holder, timestamp) + ms <= ALLOWANCE_MS;
}

/** A span that ends at `until`, on everybody's account alike; an account ends at the whole allowance. */
export function charge(
  keyholders: readonly KeyholderMemory[],
  span: { readonly payers: readonly Address[]; readonly ms: number; readonly until: number; readonly timestamp: number },
  governance: GovernanceConfig,
): readonly KeyholderMemory[] {
  return span.payers.reduce((known, payer) => {
    const holder = memoryOf(known, payer);
    const usedMs = Math.min(ALLOWANCE_MS, usedMsOf(holder, span.timestamp) + span.ms);
    return replaceKeyholder(known, { ...holder, usedMs, usedAt: Math.max(holder.usedAt, span.until) }, governance);
  }, keyholders);
}

/** Gives back what was charged and not spent. Who has nothing on his account, as a governor, gets nothing. */
export function refund(
  keyholders: readonly KeyholderMemory[],
  { payees, ms }: { readonly payees: readonly Address[]; readonly ms: number },
): readonly KeyholderMemory[] {
  if (ms === 0) return keyholders;
  return keyholders.map((holder) =>
    payees.includes(holder.address) ? { ...holder, usedMs: Math.max(0, holder.usedMs - ms) } : holder,
  );
}
