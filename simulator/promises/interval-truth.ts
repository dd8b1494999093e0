const YEAR_MS = 31_557_600_000;
/** Shares are compared in 10⁻¹⁵; a float's own error stays far below the slack. */
const SHARE = 10n ** 15n;
const SLACK = 10n ** 4n;

/**
 * The widest interval that 3σ√t (B2) allows around two ends, a little more to be safe from a float's rounding.
 *
 * @param volatility annualised, 10⁻¹⁸ = 100 %
 */
export function widened(
  { low, high }: { readonly low: bigint; readonly high: bigint },
  { volatility, forMs }: { readonly volatility: bigint; readonly forMs: number },
): { readonly low: bigint; readonly high: bigint } {
  const share = (3 * Number(volatility) * Math.sqrt(Math.max(0, forMs) / YEAR_MS)) / 1e18;
  const h = BigInt(Math.ceil(Math.min(1, share) * 1e15)) + SLACK;
  return { low: h >= SHARE ? 0n : (low * (SHARE - h)) / SHARE - 1n, high: (high * (SHARE + h)) / SHARE + 1n };
}
