import { assert } from "../protocol/assert.ts";
import type { Digest } from "../protocol/bytes.ts";
import type { Committee } from "../protocol/committee.ts";
import type { FeedConfig, NetworkConfig } from "../protocol/config.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { FeedVerdict } from "../protocol/round.ts";
import { basketMove, createMarket } from "./basket.ts";
import { createClock, type RoundClock, type RoundTimes, withoutParent } from "./clock.ts";
import { establishFacts, type Facts } from "./facts.ts";
import { stepFeed } from "./feed-step.ts";
import { genesisMemory } from "./genesis.ts";
import type { CarriedDocument, DocumentOutcome } from "./governance/step.ts";
import { volatilityOf } from "./learning.ts";
import type { BreakerMemory, FeedMemory } from "./memory.ts";
import type { GaugeView, QuorumView } from "./quorum-view.ts";

export type BreakerInput = RoundTimes & {
  readonly config: NetworkConfig;
  readonly configDigest: Digest;
  /** Of the parent; another one than `configDigest` in the first round under a new config. */
  readonly parentConfigDigest: Digest | undefined;
  readonly committee: Committee;
  /** The parent's; empty before the first round. */
  readonly memory: BreakerMemory;
  /** Of every feed that the round prices; other feeds are carried. */
  readonly views: ReadonlyMap<FeedId, QuorumView>;
  readonly gauges: ReadonlyMap<string, GaugeView>;
  readonly shadows: ReadonlyMap<FeedId, bigint>;
  /** By ascending digest. */
  readonly documents: readonly CarriedDocument[];
};

export type BreakerRound = {
  readonly memory: BreakerMemory;
  readonly feeds: readonly FeedVerdict[];
  /** What became of each document, in their order. */
  readonly intake: readonly DocumentOutcome[];
};

/**
 * One round of the breaker: a pure, total function of the parent's memory, what the quorum saw and the config in force, the same on
 * every node to the last bit. Feeds by ascending id, every feed that was ever priced; one that never was has neither memory nor leaf.
 * No time passes in a chain's, or a feed's, first round.
 */
export function stepBreaker(input: BreakerInput): BreakerRound {
  const { config, committee } = input;
  assert(input.parent === undefined || input.parent.timestamp < input.timestamp, "a round comes after its parent");
  const clock = createClock(config, committee, input);
  const feeds = presentFeeds(input, clock);
  const basket = new Map(config.basket.map(({ feed, weight }) => [feed, weight]));
  const marketOf = createMarket(basketItems(feeds, config));
  const outcomes = feeds.map(({ config: { feed, thresholds }, ...present }) =>
    stepFeed({ ...present, thresholds, market: marketOf(feed), inBasket: basket.has(feed) }),
  );
  return {
    memory: { feeds: outcomes.map(({ memory }) => memory), governance: input.memory.governance },
    feeds: outcomes.map(({ verdict }) => verdict),
    intake: [],
  };
}

type PresentFeed = {
  readonly config: FeedConfig;
  readonly clock: RoundClock;
  readonly memory: FeedMemory;
  readonly facts: Facts;
};

/** The feeds with a memory or a price, memory and config joined by their common order. */
function presentFeeds({ config, memory: { feeds }, views, timestamp }: BreakerInput, clock: RoundClock): readonly PresentFeed[] {
  const fresh = withoutParent(clock);
  const present: PresentFeed[] = [];
  let joined = 0;
  for (const item of config.feeds) {
    const { feed, thresholds } = item;
    const view = views.get(feed);
    const round = { timestamp, thresholds };
    const known = feeds[joined];
    if (known?.feed === feed) {
      joined += 1;
      present.push({ config: item, clock, memory: known, facts: establishFacts(known, view, round) });
    } else if (view !== undefined) {
      const memory = genesisMemory(view, round);
      present.push({ config: item, clock: fresh, memory, facts: establishFacts(memory, view, round) });
    }
  }
  assert(joined === feeds.length, "rules version 1 never drops a feed from the config");
  return present;
}

function basketItems(feeds: readonly PresentFeed[], { basket }: NetworkConfig) {
  const byId = new Map(feeds.map((present) => [present.config.feed, present]));
  return basket.map(({ feed, weight }) => {
    const present = byId.get(feed);
    if (present === undefined) return { feed, weight, moveBps: undefined, volatility: 0n };
    const { memory, facts, config } = present;
    return { feed, weight, moveBps: basketMove(memory, facts), volatility: volatilityOf(memory, config.thresholds) };
  });
}
