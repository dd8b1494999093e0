import { chiSquareTail } from "./gamma.ts";

/** A likelihood ratio and the chance of one at least as large when the hypothesis is true. */
export type LikelihoodRatio = { readonly ratio: number; readonly pValue: number };

/** Of consecutive trials: `n01` follows a trial without an event by one with it, and so on. */
export type Transitions = { readonly n00: number; readonly n01: number; readonly n10: number; readonly n11: number };

/**
 * Kupiec's test of unconditional coverage (proportion of failures): are `events` in `trials` what an expected chance of `probability`
 * a trial gives? LR = −2 ln [ (1−p)^(T−x) p^x / ((1−x/T)^(T−x) (x/T)^x) ], χ² with one degree of freedom.
 * P. Kupiec, "Techniques for Verifying the Accuracy of Risk Measurement Models", Journal of Derivatives 3 (1995), 73–84.
 *
 * @example
 * testRate({ events: 57, trials: 1043, probability: 0.05 }); // { ratio: 0.46147, pValue: 0.49694 }
 */
export function testRate({
  events,
  trials,
  probability,
}: {
  readonly events: number;
  readonly trials: number;
  readonly probability: number;
}): LikelihoodRatio {
  const expected = logLikelihood({ hits: events, misses: trials - events }, probability);
  const observed = logLikelihood({ hits: events, misses: trials - events }, trials === 0 ? 0 : events / trials);
  return judge(expected, observed, 1);
}

/**
 * Christoffersen's test of independence: does an event make the next trial's event likelier or rarer? LR = −2 ln of the likelihood of
 * one rate for all trials over that of one rate after a trial without and another after one with an event; χ² with one degree.
 * P. Christoffersen, "Evaluating Interval Forecasts", International Economic Review 39 (1998), 841–862.
 *
 * @example
 * testIndependence({ n00: 932, n01: 53, n10: 53, n11: 4 }); // { ratio: 0.25866, pValue: 0.61104 }
 */
export function testIndependence({ n00, n01, n10, n11 }: Transitions): LikelihoodRatio {
  const after = (hits: number, misses: number): number =>
    logLikelihood({ hits, misses }, hits + misses === 0 ? 0 : hits / (hits + misses));
  return judge(after(n01 + n11, n00 + n10), after(n01, n00) + after(n11, n10), 1);
}

/** Both at once: the sum of the two ratios, χ² with two degrees of freedom (Christoffersen 1998). */
export function testConditionalCoverage(rate: LikelihoodRatio, independence: LikelihoodRatio): LikelihoodRatio {
  const ratio = rate.ratio + independence.ratio;
  return { ratio, pValue: chiSquareTail(ratio, 2) };
}

/** ln of p^hits · (1 − p)^misses, where 0 · ln 0 is 0: what never happened says nothing about its chance. */
function logLikelihood({ hits, misses }: { readonly hits: number; readonly misses: number }, p: number): number {
  return (hits === 0 ? 0 : hits * Math.log(p)) + (misses === 0 ? 0 : misses * Math.log1p(-p));
}

/** Rounding may leave a ratio of one a little below it. */
function judge(restricted: number, free: number, freedom: number): LikelihoodRatio {
  const ratio = Math.max(0, -2 * (restricted - free));
  return { ratio, pValue: chiSquareTail(ratio, freedom) };
}
