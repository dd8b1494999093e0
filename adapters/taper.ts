/** Says which repeats of an event are worth a log line: the 1st, 2nd, 4th, 8th, … since it was last cleared. */
export type Taper = {
  /** Counts one more; the count when it is worth a line, else undefined. */
  readonly count: (event: string) => number | undefined;
  /** The event ended: the number of times it had been seen. */
  readonly clear: (event: string) => number;
};

/** Memory grows with the number of distinct events, so callers name events from closed sets. */
export function createTaper(): Taper {
  const counts = new Map<string, number>();
  return {
    count: (event) => {
      const count = (counts.get(event) ?? 0) + 1;
      counts.set(event, count);
      return Number.isInteger(Math.log2(count)) ? count : undefined;
    },
    clear: (event) => {
      const count = counts.get(event) ?? 0;
      counts.delete(event);
      return count;
    },
  };
}
