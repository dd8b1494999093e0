import { createRandom } from "../../../simulator/random.ts";
import { type Coverage, count } from "./coverage.ts";
import { between } from "./dice.ts";
import { type Breaker, createPlay, type Finding } from "./play.ts";
import { drawSetup, networkOf, type Setup } from "./setup.ts";
import { createStory, type StoryRound } from "./story.ts";

export type Failure = {
  readonly seed: number;
  readonly setup: Setup;
  readonly rounds: readonly StoryRound[];
  readonly finding: Finding;
};

/** One seed's story, told to both; at most `limit` rounds of it. The same seed tells the same story. */
export function runStory(
  seed: number,
  coverage: Coverage,
  { limit = Number.POSITIVE_INFINITY, breaker }: { readonly limit?: number; readonly breaker?: Breaker } = {},
): { readonly played: number; readonly failure?: Failure } {
  const dice = createRandom(seed, "oracle");
  const setup = drawSetup(dice);
  const network = networkOf(setup);
  const play = createPlay(network, { coverage, ...(breaker && { breaker }) });
  const next = createStory(dice, network);
  const rounds: StoryRound[] = [];
  const length = Math.min(limit, between(dice, 100, 1_500));
  while (rounds.length < length) {
    const { told, regimes } = next(play.memory());
    for (const { name } of regimes.values()) count(coverage, `regime ${name}`);
    rounds.push(told);
    const finding = play.step(told);
    if (finding !== undefined) return { played: rounds.length, failure: { seed, setup, rounds, finding } };
  }
  return { played: rounds.length };
}

/** Plays a story that is already written. */
export function replay(setup: Setup, rounds: readonly StoryRound[], breaker?: Breaker): Finding | undefined {
  const play = createPlay(networkOf(setup), breaker && { breaker });
  for (const round of rounds) {
    const finding = play.step(round);
    if (finding !== undefined) return finding;
  }
  return undefined;
}
