import { fail, ok, type Result } from "./result.ts";

/** One whole unit: amounts are integers of 10⁻¹⁸. */
export const ONE = 10n ** 18n;
const DECIMALS = 18;

/** int192 is the leaf's price type; every amount saturates or is refused at it. */
export const MAX_AMOUNT = 2n ** 191n - 1n;

/** No venue writes a price this long; a longer text is refused before it is scanned. */
const MAX_TEXT = 96;

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Why a decimal text is not an amount. */
export type AmountFault = "empty" | "not-decimal" | "exponent" | "negative" | "precision" | "oversize";

/**
 * Exact decimal text → amount of 10⁻¹⁸. Nothing is rounded: a nineteenth significant decimal is a fault (`precision`).
 * Zero is an amount; whether a price may be zero is the caller's rule.
 *
 * @example
 * parseAmount("1800.12"); // { ok: true, value: 1800120000000000000000n }
 */
export function parseAmount(text: string): Result<bigint, AmountFault> {
  if (text.length === 0) return fail("empty");
  if (text.length > MAX_TEXT) return fail("oversize");
  const match = DECIMAL.exec(text);
  if (match === null) return fail(/^-?\d+(\.\d+)?[eE][-+]?\d+$/.test(text) ? "exponent" : "not-decimal");
  const [, sign, whole = "", fraction = ""] = match;
  if (sign === "-") return fail("negative");
  const digits = fraction.replace(/0+$/, "");
  if (digits.length > DECIMALS) return fail("precision");
  const value = BigInt(whole) * ONE + BigInt(digits.padEnd(DECIMALS, "0"));
  return value > MAX_AMOUNT ? fail("oversize") : ok(value);
}

/**
 * Amount → shortest exact decimal text; the inverse of {@link parseAmount} for amounts ≥ 0.
 *
 * @example
 * formatAmount(1800120000000000000000n); // "1800.12"
 */
export function formatAmount(amount: bigint): string {
  const magnitude = amount < 0n ? -amount : amount;
  const fraction = (magnitude % ONE).toString().padStart(DECIMALS, "0").replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${magnitude / ONE}${fraction === "" ? "" : `.${fraction}`}`;
}
