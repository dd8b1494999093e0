import { assert } from "../protocol/assert.ts";
import type { Digest } from "../protocol/bytes.ts";
import type { Committee } from "../protocol/committee.ts";
import type { FeedConfig, NetworkConfig } from "../protocol/config.ts";
import { chainLeaf, compareText, type FeedId } from "../protocol/feed.ts";
import type { FeedVerdict } from "../protocol/round.ts";
import { type BasketItem, basketMove, createMarket } from "./basket.ts";
import { chainGenesis, chainTerms, stepChain, viewChain } from "./chain-step.ts";
import { createClock, type RoundClock, type RoundTimes, withoutParent } from "./clock.ts";
import { establishFacts, type Facts } from "./facts.ts";
import { type FeedOutcome, type FeedRound, stepFeed } from "./feed-step.ts";
import { genesisMemory } from "./genesis.ts";
import { type CarriedDocument, type DocumentOutcome, type GovernanceRound, stepGovernance } from "./governance/step.ts";
import { volatilityOf } from "./learning.ts";
import type { BreakerMemory, FeedMemory } from "./memory.ts";
import type { GaugeView, QuorumView } from "./quorum-view.ts";
import { pegTargetOf } from "./rules/peg.ts";

export type BreakerInput = Omit<RoundTimes, "underNewConfig"> & {
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
 * every node to the last bit. First what governance says, for pauses and accepted gaps count from the round that takes them in; then
 * every leaf by itself. Feeds and chains by ascending id, all that were ever priced; one that never was has neither memory nor leaf, and
 * what a new config no longer has is forgotten. No time passes in a chain's, or a feed's, first round.
 */
export function stepBreaker(input: BreakerInput): BreakerRound {
  const { feeds: prepared, clock, governance } = prepareFeeds(input);
  const feeds = prepared.map(stepFeed);
  const leaves = joinById(feeds, stepChains(input, clock, governance));
  return {
    memory: { feeds: leaves.map(({ memory }) => memory), governance: governance.memory },
    feeds: leaves.map(({ verdict }) => verdict),
    intake: governance.intake,
  };
}

/** What {@link stepFeed} takes, and what of it the round brought: its facts measured again under other thresholds need no more. */
export type PreparedFeed = FeedRound & {
  readonly feed: FeedId;
  /** The feed's first priced round: `memory` is its genesis. */
  readonly begins: boolean;
  /** Governors accept, in this round, the gap that memory holds. */
  readonly gapAccepted: boolean;
};

type PreparedRound = {
  readonly feeds: readonly PreparedFeed[];
  readonly clock: RoundClock;
  readonly governance: GovernanceRound;
};

/** A round up to where each feed is judged by itself: what governance says, the market as each may hold it against itself. Pure and total. */
export function prepareFeeds(input: BreakerInput): PreparedRound {
  const { config, configDigest, parentConfigDigest, parent } = input;
  assert(parent === undefined || parent.timestamp < input.timestamp, "a round comes after its parent");
  const underNewConfig = parentConfigDigest !== undefined && parentConfigDigest !== configDigest;
  const clock = createClock(config, input.committee, { ...input, underNewConfig });
  const governance = govern(input);
  const present = presentFeeds(input, clock, governance);
  const marketOf = createMarket(basketItems(present, config));
  const rates = { gauges: input.gauges, timestamp: input.timestamp, roundMs: config.roundMs };
  const feeds = present.map(
    ({ config: item, ...own }): PreparedFeed => ({
      ...own,
      thresholds: item.thresholds,
      market: marketOf(own.feed),
      pegTarget: pegTargetOf(item, rates),
      refusalBps: governance.refusals.get(own.feed),
    }),
  );
  return { feeds, clock, governance };
}

function govern(input: BreakerInput): GovernanceRound {
  const { config, configDigest, parentConfigDigest, round, parent, timestamp, documents, views, shadows } = input;
  const { feeds, governance: memory } = input.memory;
  return stepGovernance({
    ...{ config, configDigest, parentConfigDigest, memory, round, parentRound: parent?.round, timestamp },
    ...{ f: input.committee.f, documents, views, shadows },
    gapAt: (feed) => feeds.find((own) => own.feed === feed)?.gapAt ?? 0,
  });
}

type PresentFeed = {
  readonly feed: FeedId;
  readonly config: FeedConfig;
  readonly clock: RoundClock;
  readonly memory: FeedMemory;
  readonly facts: Facts;
  readonly inBasket: boolean;
  readonly begins: boolean;
  readonly gapAccepted: boolean;
};

/** The feeds with a memory or a price; memory, config and basket joined by their common order. */
function presentFeeds(
  { config, memory, views, timestamp }: BreakerInput,
  clock: RoundClock,
  { manualOf, acceptedGaps }: GovernanceRound,
): readonly PresentFeed[] {
  const fresh = withoutParent(clock);
  const memoryOf = ascendingLookup(memory.feeds);
  const basketOf = ascendingLookup(config.basket);
  const present: PresentFeed[] = [];
  for (const item of config.feeds) {
    const { feed, thresholds } = item;
    const view = views.get(feed);
    const gapAccepted = acceptedGaps.has(feed);
    const round = { timestamp, thresholds, gapAccepted };
    const known = memoryOf(feed);
    const inBasket = basketOf(feed) !== undefined;
    const began = known ?? (view === undefined ? undefined : genesisMemory(view, round));
    if (began === undefined) continue;
    const own = underPause(began, manualOf(feed));
    const facts = establishFacts(own, view, round);
    const begins = known === undefined;
    present.push({ feed, config: item, clock: begins ? fresh : clock, memory: own, facts, inBasket, begins, gapAccepted });
  }
  return present;
}

function stepChains(
  { config, memory, gauges, timestamp }: BreakerInput,
  clock: RoundClock,
  { manualOf, memory: { certified } }: GovernanceRound,
): readonly FeedOutcome[] {
  const memoryOf = ascendingLookup(memory.feeds);
  return config.chains.flatMap((chain) => {
    const leaf = chainLeaf(chain.chain);
    const view = viewChain(chain, gauges, timestamp);
    const known = memoryOf(leaf);
    const began = known ?? chainGenesis(chain.chain, view, timestamp);
    if (began === undefined) return [];
    const own = known === undefined ? withoutParent(clock) : clock;
    const terms = chainTerms(config.feeds, chain);
    const round = { clock: own, config: chain, terms, view, certified };
    return [stepChain({ ...round, memory: underPause(began, manualOf(leaf)) })];
  });
}

/** The same memory under this round's pause. */
export function underPause(memory: FeedMemory, { action, until }: FeedMemory["manual"]): FeedMemory {
  const { manual } = memory;
  return manual.action === action && manual.until === until ? memory : { ...memory, manual: { action, until } };
}

function basketItems(feeds: readonly PresentFeed[], { basket }: NetworkConfig): readonly BasketItem[] {
  const presentOf = ascendingLookup(feeds);
  return basket.map(({ feed, weight }) => {
    const present = presentOf(feed);
    if (present === undefined) return { feed, weight, moveBps: undefined, volatility: 0n };
    const { memory, facts, config } = present;
    return { feed, weight, moveBps: basketMove(memory, facts), volatility: volatilityOf(memory, config.thresholds) };
  });
}

/** Finds items of a list by ascending id in one walk along it: ids must be asked for in ascending order. */
function ascendingLookup<T extends { readonly feed: FeedId }>(items: readonly T[]): (feed: FeedId) => T | undefined {
  let at = 0;
  return (feed) => {
    for (; ; at++) {
      const item = items[at];
      if (item === undefined || item.feed > feed) return undefined;
      if (item.feed === feed) return item;
    }
  };
}

/** Two lists by ascending id as one. */
function joinById(feeds: readonly FeedOutcome[], chains: readonly FeedOutcome[]): readonly FeedOutcome[] {
  if (chains.length === 0) return feeds;
  return [...feeds, ...chains].sort((a, b) => compareText(a.memory.feed, b.memory.feed));
}
