import type { CarriedDocument } from "../../../circuit-breaker/governance/step.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { FeedScope } from "../../../protocol/governance.ts";
import { governorsSay } from "../governors.ts";
import type { Pause } from "./past.ts";

/** What governors say in a round of a story; only what the fold takes, or what has nothing to act on. */
export type Word =
  | { readonly kind: "pause"; readonly scope: FeedScope; readonly action: "robust" | "none"; readonly until: number }
  | { readonly kind: "withdraw"; readonly scope: FeedScope }
  | { readonly kind: "accept"; readonly feed: FeedId; readonly gapAt: number };

/** More than a round's words. */
const NONCES_PER_ROUND = 8;

/** The words as the documents of their round, in their order. */
export function documentsOf(words: readonly Word[], round: number): readonly CarriedDocument[] {
  return words.map((word, index) => {
    const say = governorsSay({ nonce: round * NONCES_PER_ROUND + index + 1 });
    if (word.kind === "accept") return say.acceptGap(word.feed, word.gapAt);
    return word.kind === "pause" ? say.pause(word.scope, word.action, word.until) : say.pause(word.scope, "withdraw", 0);
  });
}

/** The pauses in force, by listening: each lasts until its time, the strictest counts, and of the strictest the last to end. */
export function createListener() {
  let pauses: readonly Extract<Word, { kind: "pause" }>[] = [];

  return {
    hear: (words: readonly Word[]) => {
      for (const word of words) {
        if (word.kind === "pause") pauses = [...pauses, word];
        if (word.kind === "withdraw") pauses = pauses.filter(({ scope }) => scope !== word.scope);
      }
    },
    pauseOf: (leaf: FeedId, ts: bigint): Pause => {
      const standing = pauses.filter(({ scope, until }) => (scope === leaf || scope === "*") && ts < BigInt(until));
      const forbidding = standing.filter(({ action }) => action === "none");
      const strictest = forbidding.length > 0 ? forbidding : standing;
      const [first] = [...strictest].sort((a, b) => b.until - a.until);
      return first && { action: first.action, until: BigInt(first.until) };
    },
  };
}
