import type { Random } from "../../../simulator/random.ts";

export type Dice = Pick<Random, "below">;

export function pick<T>(dice: Dice, items: readonly [T, ...T[]] | readonly T[]): T {
  const item = items[dice.below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export function oneIn(dice: Dice, count: number): boolean {
  return dice.below(count) === 0;
}

/** Both ends included. */
export function between(dice: Dice, low: number, high: number): number {
  return low + dice.below(high - low + 1);
}
