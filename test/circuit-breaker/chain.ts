import { type BreakerInput, stepBreaker } from "../../circuit-breaker/breaker.ts";
import { type BreakerMemory, EMPTY_MEMORY, type FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { ONE } from "../../protocol/amount.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { RULES } from "../../protocol/report.ts";
import type { Preset } from "../../protocol/thresholds.ts";
import { plainSources, testNetwork } from "../support/network.ts";

export const ETH = "ETH/USD" as FeedId;
/** 1800. */
export const PRICE = 1_800n * ONE;
export const FIRST_ROUND = 1_800_000_000;

/** A price in hundredths: `cents(180_012)` is 1800.12. */
export function cents(value: number): bigint {
  return (BigInt(value) * ONE) / 100n;
}

/** What a healthy quorum sees at this price: 2 bps wide, 300 ms old, six groups of equal weight. */
export function viewAt(timestamp: number, price: bigint, overrides: Partial<QuorumView> = {}): QuorumView {
  return {
    feed: ETH,
    price,
    rawLow: price - price / 10_000n,
    rawHigh: price + price / 10_000n,
    observedAt: timestamp - 300,
    groups: 6,
    topBps: 1_667,
    outsideBps: 0,
    ...overrides,
  };
}

export type FeedSetup = {
  readonly preset: Preset;
  readonly thresholds?: Record<string, unknown>;
  readonly peg?: { readonly par: string } | { readonly rate: string };
};

export function networkWith(feeds: Readonly<Record<string, FeedSetup>>, overrides: Record<string, unknown> = {}, n = 4): Network {
  return testNetwork(
    {
      feeds: Object.entries(feeds).map(([feed, setup]) => ({ feed, ...setup, sources: plainSources(feed, 6) })),
      ...overrides,
    },
    n,
  );
}

export const MAJOR = networkWith({ [ETH]: { preset: "major" } });

/** What the quorum saw of each feed, undefined or absent for a feed it could not price. */
export type Scene = Readonly<Record<string, Partial<QuorumView> | undefined>>;

/** What else the round's observations said: gauges as of its own timestamp where only a value is given. */
export type Said = Partial<Pick<BreakerInput, "documents" | "shadows">> & {
  readonly gauges?: Readonly<Record<string, bigint | { readonly value: bigint; readonly asOf: number }>>;
};

/** A chain of breaker rounds; `step` takes one round, `missed` round numbers after the last. */
export function createChain(network: Network = MAJOR, from: number = FIRST_ROUND) {
  let round = from - 1;
  let parent: { round: number; timestamp: number } | undefined;
  let memory: BreakerMemory = EMPTY_MEMORY;
  let current = network;
  let parentConfigDigest: BreakerInput["parentConfigDigest"];
  const { roundMs, leaseMs } = network.config;

  const step = (scene: Scene, missed = 0, { gauges = {}, documents = [], shadows = new Map() }: Said = {}) => {
    round += 1 + missed;
    const timestamp = round * roundMs;
    const views = new Map<FeedId, QuorumView>();
    for (const [feed, view] of Object.entries(scene)) {
      if (view !== undefined)
        views.set(feed as FeedId, { ...viewAt(timestamp, view.price ?? ONE), feed: feed as FeedId, ...view });
    }
    const { config, committee, configDigest } = current;
    const result = stepBreaker({
      ...{ config, configDigest, parentConfigDigest, committee, parent, round, timestamp, validUntil: timestamp + leaseMs },
      ...{ memory, views, shadows, documents },
      gauges: new Map(
        Object.entries(gauges).map(([name, gauge]) => [
          name,
          typeof gauge === "bigint" ? { value: gauge, asOf: timestamp } : gauge,
        ]),
      ),
    });
    parentConfigDigest = configDigest;
    parent = { round, timestamp };
    memory = result.memory;
    return result.feeds;
  };

  return {
    step,
    /** One round that sees ETH alone. */
    eth: (view: Partial<QuorumView> | undefined, missed = 0, said: Said = {}) => {
      const verdict = step({ [ETH]: view }, missed, said).find(({ report }) => report.feed === ETH);
      if (verdict === undefined) throw new Error("ETH/USD has no verdict");
      return verdict;
    },
    /** Rounds until `seconds` have passed; the last verdicts. */
    hold: (seconds: number, scene: Scene) => {
      let feeds = step(scene);
      for (let second = 1; second < seconds; second++) feeds = step(scene);
      return feeds;
    },
    timestamp: () => round * roundMs,
    nextLeader: () => (round + 1) % current.config.committee.length,
    /** A config that changes ETH waits to be activated in five minutes; its shadows have been due for as long. */
    propose: (now: number) => {
      const pending = {
        configDigest: `0x${"c0".repeat(32)}` as const,
        activation: now + 300_000,
        feeds: [{ feed: ETH, agreedAt: 0, accepted: false }],
      };
      memory = { ...memory, governance: { ...memory.governance, pending } };
    },
    /** From the next round on another config is in force. */
    change: (next: Network) => {
      current = next;
    },
    memory: () => memory,
    memoryOf: (feed: FeedId = ETH): FeedMemory => {
      const found = memory.feeds.find((item) => item.feed === feed);
      if (found === undefined) throw new Error(`${feed} has no memory`);
      return found;
    },
    /** Lets ETH's memory be another one. */
    alter: (overrides: Partial<FeedMemory>) => {
      memory = { ...memory, feeds: memory.feeds.map((item) => (item.feed === ETH ? { ...item, ...overrides } : item)) };
    },
    /** Quiet rounds until every feed is closed; how many it took. */
    settle: (scene: Scene) => {
      for (let rounds = 1; rounds < 20_000; rounds++) {
        if (step(scene).every(({ report }) => report.state === "closed")) return rounds;
      }
      throw new Error("the chain does not settle");
    },
  };
}

/** A chain whose feeds have been closed at this price for some time. */
export function closedChain(network: Network = MAJOR, { price = PRICE, seconds = 120 } = {}) {
  const chain = createChain(network);
  const scene = Object.fromEntries(network.config.feeds.map(({ feed }) => [feed, { price }]));
  chain.settle(scene);
  chain.hold(seconds, scene);
  return chain;
}

let quietMemory: FeedMemory | undefined;

/** ETH closed and quiet: what it remembers, as if no rule had ever fired. */
export function quiet(): FeedMemory {
  quietMemory ??= { ...closedChain().memoryOf(), fired: RULES.map(() => 0), agree: 0 };
  return quietMemory;
}

/** One priced round, then the given memory, then one round more. */
export function twoRounds({
  memory,
  view,
  missed = 0,
  network,
}: {
  readonly memory: (now: number) => Partial<FeedMemory>;
  readonly view: Partial<QuorumView> | undefined;
  readonly missed?: number;
  readonly network?: ReturnType<typeof networkWith>;
}) {
  const chain = createChain(network);
  chain.eth({ price: PRICE });
  const now = chain.timestamp();
  chain.alter({ ...quiet(), pricedAt: now, sampleAt: now, restartAt: now - 9_000_000, firstAt: now - 9_000_000, ...memory(now) });
  const verdict = chain.eth(view === undefined ? undefined : { price: PRICE, ...view }, missed);
  return { ...verdict, memory: chain.memoryOf(), ts: chain.timestamp() };
}

export type Chain = ReturnType<typeof createChain>;
