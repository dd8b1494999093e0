import type { bodyOf, nextRound, OpenedBody } from "../../aggregator/round.ts";
import { FOLD, type Fold } from "../../node/fold.ts";

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
    ...FOLD,
    nextRound: (input) => remember(rounds, keyOf(input), () => FOLD.nextRound(input)),
    bodyOf: (opened) => remember(bodies, keyOf(opened), () => FOLD.bodyOf(opened)),
  };
}

function keyOf({ parent, round, observations, documents }: OpenedBody): string {
  const seen = observations.map(({ digest, signature }) => digest + signature).join(" ");
  return `${round} ${parent?.digest} ${seen} ${documents.map(({ digest }) => digest).join(" ")}`;
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
