/** Of the measured rounds; times from the round's start by true time until a node holds and has stored certificate and body, ms. */
export type Latencies = {
  readonly rounds: number;
  /** Rounds with a certificate that some node held before the run's end. */
  readonly certified: number;
  /** Of those, rounds that every node came to hold. */
  readonly everywhere: number;
  /** One for each certified round, ascending: the first node, the median node; and the last one, of rounds held everywhere. */
  readonly first: readonly number[];
  readonly median: readonly number[];
  readonly last: readonly number[];
  /** Rounds of which no node had a certificate, one after the other at most. */
  readonly longestGap: number;
};

export function createLatencies({
  nodes,
  first,
  rounds,
  roundMs,
}: {
  readonly nodes: number;
  readonly first: number;
  readonly rounds: number;
  readonly roundMs: number;
}) {
  const held = Array.from({ length: rounds }, () => new Map<number, number>());
  return {
    onHeld: (node: number, round: number, at: number): void => {
      const nodesOf = held[round - first];
      if (nodesOf !== undefined && !nodesOf.has(node)) nodesOf.set(node, at - round * roundMs);
    },
    read: (): Latencies => {
      const reached = held.map((times) => [...times.values()].sort((a, b) => a - b));
      const certified = reached.filter((times) => times.length > 0);
      const everywhere = certified.filter((times) => times.length === nodes);
      const median = certified.flatMap((times) => times[(nodes - 1) >> 1] ?? []);
      return {
        rounds,
        certified: certified.length,
        everywhere: everywhere.length,
        first: ascending(certified.flatMap((times) => times[0] ?? [])),
        median: ascending(median),
        last: ascending(everywhere.flatMap((times) => times.at(-1) ?? [])),
        longestGap: longestRun(reached.map((times) => times.length === 0)),
      };
    },
  };
}

function ascending(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function longestRun(flags: readonly boolean[]): number {
  let longest = 0;
  let run = 0;
  for (const flag of flags) {
    run = flag ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
