import { bodyOf, nextRound, type OpenedBody, recomputeBody } from "../../aggregator/round.ts";
import type { Fold } from "../../node/desk.ts";

/** Rounds computed and remembered: those that the nodes of a cluster may still be at. */
const REMEMBERED = 64;

/**
 * The production fold, computed once for all nodes that ask for the same: it is pure, so who computes it makes no difference. What is
 * recomputed from a stranger's body is computed anew each time.
 */
export function createSharedFold(): Fold {
  const rounds = new Map<string, ReturnType<typeof nextRound>>();
  const bodies = new Map<string, ReturnType<typeof bodyOf>>();
  return {
    nextRound: (input) => remember(rounds, keyOf(input), () => nextRound(input)),
    bodyOf: (opened) => remember(bodies, keyOf(opened), () => bodyOf(opened)),
    recomputeBody,
  };
}

function keyOf({ parent, round, observations }: OpenedBody): string {
  return `${round} ${parent?.digest} ${observations.map(({ digest, signature }) => digest + signature).join(" ")}`;
}

function remember<T>(known: Map<string, T>, key: string, compute: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const computed = compute();
  known.set(key, computed);
  for (const oldest of known.keys()) {
    if (known.size <= REMEMBERED) break;
    known.delete(oldest);
  }
  return computed;
}
