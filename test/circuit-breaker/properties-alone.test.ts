import { expect, test } from "vitest";
import { stepBreaker } from "../../circuit-breaker/breaker.ts";
import { type BreakerMemory, EMPTY_MEMORY, type FeedMemory } from "../../circuit-breaker/memory.ts";
import type { Network } from "../../protocol/config.ts";
import { createRandom } from "../../simulator/random.ts";
import { createPlay, inputOf } from "./oracle/play.ts";
import { drawSetup, networkOf } from "./oracle/setup.ts";
import { createStory, type StoryRound } from "./oracle/story.ts";

/** P8: of these stories one feed outside the basket is told another story, or none at all; every other feed must not notice. */
const SEEDS = 40;
const ROUNDS = 120;

function tell(network: Network, rounds: readonly StoryRound[]): readonly (readonly FeedMemory[])[] {
  let memory: BreakerMemory = EMPTY_MEMORY;
  let parent: { round: number; timestamp: number } | undefined;
  return rounds.map((told) => {
    memory = stepBreaker(inputOf(network, told, { parent, memory })).memory;
    parent = { round: told.round, timestamp: told.round * network.config.roundMs };
    return memory.feeds;
  });
}

test("one feed's trouble changes nothing that is remembered of another, but through the basket", () => {
  let compared = 0;
  let coupled = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const dice = createRandom(seed, "alone");
    const setup = drawSetup(dice);
    const network = networkOf(setup);
    const play = createPlay(network);
    const next = createStory(dice, network);
    const rounds = Array.from({ length: ROUNDS }, () => {
      const { told } = next(play.memory());
      expect(play.step(told)).toBeUndefined();
      return told;
    });
    const told = tell(network, rounds);
    for (const { feed } of network.config.feeds) {
      const without = tell(
        network,
        rounds.map((round) => ({ ...round, views: round.views.filter((view) => view.feed !== feed) })),
      );
      const differs = told.some((feeds, index) => {
        const others = feeds.filter((own) => own.feed !== feed);
        return JSON.stringify(others, text) !== JSON.stringify(without[index], text);
      });
      if (network.config.basket.some((item) => item.feed === feed)) {
        coupled += differs ? 1 : 0;
        continue;
      }
      expect(differs, `seed ${seed}: the others without ${feed}`).toBe(false);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(20);
  // The coupling is there to be excepted.
  expect(coupled).toBeGreaterThan(0);
});

const text = (_key: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
