export const PROMISES = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"] as const;
export type PromiseName = (typeof PROMISES)[number];

/** One guard taken out, turned round or weakened, and the tests that must not put up with it. */
export type Mutant = {
  readonly name: string;
  /** Of DESIGN section 2: what is broken once the guard is gone. */
  readonly promise: PromiseName;
  readonly file: string;
  /** Exact source text; it must stand in the file exactly once, so that nobody changes the guard without looking here. */
  readonly find: string;
  readonly replace: string;
  /** Vitest files that run before the simulator's seeds; none when only a whole network can tell. */
  readonly tests: readonly string[];
};

/** Guards of one file that the same tests are to hold. */
export type GuardRow = readonly [name: string, promise: PromiseName, find: string, replace: string];

/** @example guardsIn("protocol/committee.ts", ["test/protocol/committee.test.ts"], [["f", "P1", "(n - 1) / 3", "n / 3"]]) */
export function guardsIn(file: string, tests: readonly string[], rows: readonly GuardRow[]): readonly Mutant[] {
  return rows.map(([name, promise, find, replace]) => ({ name, promise, file, find, replace, tests }));
}

/** The mutated source; undefined when the text is not there exactly once: then the mutant is out of date. */
export function mutate(source: string, { find, replace }: Pick<Mutant, "find" | "replace">): string | undefined {
  const parts = source.split(find);
  return parts.length === 2 && find !== replace ? parts.join(replace) : undefined;
}
