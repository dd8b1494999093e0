/** Of what goes wrong again and again the 1st, 2nd, 4th, 8th … is told, so that nobody can drown the log. */
export type Taper = {
  /** How often the subject has failed by now, if that is to be told. Subjects are names of this program's own, never a stranger's. */
  readonly next: (subject: string) => number | undefined;
  /** It works again: its next failure is a first. */
  readonly clear: (subject: string) => void;
};

/**
 * @example
 * const taper = createTaper();
 * [1, 2, 3, 4].map(() => taper.next("disk")); // [1, 2, undefined, 4]
 */
export function createTaper(): Taper {
  const counts = new Map<string, number>();
  return {
    next: (subject) => {
      const count = (counts.get(subject) ?? 0) + 1;
      counts.set(subject, count);
      return Number.isInteger(Math.log2(count)) ? count : undefined;
    },
    clear: (subject) => {
      counts.delete(subject);
    },
  };
}
