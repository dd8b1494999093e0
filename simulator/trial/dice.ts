import { assert } from "../../protocol/assert.ts";
import type { Random } from "../random.ts";

/** What drawing a plan asks of chance. */
export type Dice = {
  readonly chance: (percent: number) => boolean;
  /** Uniform, both ends included. */
  readonly between: (least: number, most: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  /** So many different items, in their order in the list. */
  readonly some: <T>(items: readonly T[], count: number) => readonly T[];
  /** By weight. */
  readonly weighted: <T>(items: readonly (readonly [T, number])[]) => T;
  readonly sign: () => 1 | -1;
};

export function createDice({ below }: Random): Dice {
  const between = (least: number, most: number): number => least + below(most - least + 1);
  const pick = <T>(items: readonly T[]): T => {
    assert(items.length > 0, "there is something to pick from");
    return items[below(items.length)] as T;
  };
  const some = <T>(items: readonly T[], count: number): readonly T[] => {
    let wanted = count;
    // Knuth's selection sampling: every subset of the size is equally likely, and order is kept.
    return items.filter((_, index) => {
      const taken = below(items.length - index) < wanted;
      if (taken) wanted -= 1;
      return taken;
    });
  };
  const weighted = <T>(items: readonly (readonly [T, number])[]): T => {
    let rest = below(items.reduce((sum, [, weight]) => sum + weight, 0));
    const found = items.find(([, weight]) => {
      rest -= weight;
      return rest < 0;
    });
    assert(found !== undefined, "weights add up");
    return found[0];
  };
  return {
    chance: (percent) => below(100) < percent,
    between,
    pick,
    some,
    weighted,
    sign: () => (below(2) === 0 ? 1 : -1),
  };
}
