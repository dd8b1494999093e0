/** Lanczos' coefficients for g = 7, n = 9 (P. Godfrey, 2001): relative error below 10⁻¹⁵ for a > 0. */
const LANCZOS_G = 7;
const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
const EPSILON = 1e-15;
/** Both expansions below converge in far fewer terms on their own side of x = a + 1. */
const MAX_TERMS = 10_000;
/** Keeps Lentz's method from dividing by zero. */
const TINY = 1e-300;

/** ln Γ(a) for a > 0. @example logGamma(5); // ln 24 = 3.1780538303479458 */
export function logGamma(a: number): number {
  const z = a - 1;
  const sum = LANCZOS.reduce((total, coefficient, index) => (index === 0 ? coefficient : total + coefficient / (z + index)), 0);
  const t = z + LANCZOS_G + 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Regularised upper incomplete gamma function Q(a, x) = Γ(a, x) / Γ(a), a > 0, x ≥ 0: below a + 1 one minus the power series of
 * P(a, x) (DLMF 8.11.4), above it the continued fraction (DLMF 8.9.2) by Lentz's method, as in Numerical Recipes 6.2.
 *
 * @example
 * upperGamma(1, 2); // e⁻² = 0.1353352832366127
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  return x < a + 1 ? 1 - scale * powerSeries(a, x) : scale * continuedFraction(a, x);
}

function powerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MAX_TERMS && term > sum * EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

function continuedFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let value = d;
  for (let i = 1; i < MAX_TERMS; i++) {
    const numerator = -i * (i - a);
    b += 2;
    d = 1 / awayFromZero(numerator * d + b);
    c = awayFromZero(b + numerator / c);
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < EPSILON) break;
  }
  return value;
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** The chance that a χ² variable of `freedom` degrees exceeds `value`. @example chiSquareTail(3.841458820694124, 1); // 0.05 */
export function chiSquareTail(value: number, freedom: number): number {
  return upperGamma(freedom / 2, value / 2);
}

/** Φ(z), the standard normal distribution, by erfc(x) = Q(½, x²). @example normalCdf(-1.959963984540054); // 0.025 */
export function normalCdf(z: number): number {
  const tail = upperGamma(0.5, (z * z) / 2) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** φ(z), the density of the standard normal distribution. */
export function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}
