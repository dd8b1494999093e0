/** The largest integer whose square is at most n, by halving: slow, plain, and not the breaker's. */
export function isqrt(n: bigint): bigint {
  if (n <= 0n) return 0n;
  let low = 0n;
  let high = 1n << BigInt((n.toString(2).length + 1) >> 1);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle * middle <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}
