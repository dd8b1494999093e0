import type { Hex } from "../protocol/bytes.ts";

/** A certificate later than this says nothing of what this node observed a minute ago that the missed rounds did not say. */
const KEPT_ROUNDS = 60;

/** Whether certified rounds hold what this node saw: an operator whose node is left out earns nothing and guards nothing. */
export type Inclusion = {
  /** This node published its observation of a round, in the bytes that a round's body holds. */
  readonly observed: (round: number, observation: Hex) => void;
  /** Of a certified round: false as well where this node published none. */
  readonly isIncluded: (body: { readonly round: number; readonly observations: readonly Hex[] }) => boolean;
};

/**
 * @example
 * const inclusion = createInclusion();
 * inclusion.observed(7, "0xaa");
 * inclusion.isIncluded({ round: 7, observations: ["0xaa", "0xbb", "0xcc"] }); // true
 */
export function createInclusion(): Inclusion {
  const own = new Map<number, Hex>();
  return {
    observed: (round, observation) => {
      own.set(round, observation);
      for (const old of own.keys()) if (old <= round - KEPT_ROUNDS) own.delete(old);
    },
    isIncluded: ({ round, observations }) => {
      const published = own.get(round);
      return published !== undefined && observations.includes(published);
    },
  };
}
