import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";

const AMOUNT_DECIMALS = 18;

/**
 * A contract's integer of so many decimals → amount of 10⁻¹⁸, truncated. Faults: `non-positive` when nothing is left, `oversize` beyond
 * what a price can hold.
 *
 * @example
 * amountOf({ value: 180_012_000_000n, decimals: 8 }); // { ok: true, value: 1800120000000000000000n }
 */
export function amountOf({ value, decimals }: { readonly value: bigint; readonly decimals: number }): Result<bigint, Fault> {
  return boundedAmount(
    decimals <= AMOUNT_DECIMALS
      ? value * 10n ** BigInt(AMOUNT_DECIMALS - decimals)
      : value / 10n ** BigInt(decimals - AMOUNT_DECIMALS),
  );
}

/** An amount that may stand as a price. */
export function boundedAmount(amount: bigint): Result<bigint, Fault> {
  if (amount <= 0n) return fail({ code: "non-positive", detail: "expected more than zero" });
  return amount > MAX_AMOUNT ? fail({ code: "oversize", detail: "beyond what a price can hold" }) : ok(amount);
}
