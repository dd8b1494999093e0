import type { Topic } from "../../node/machine.ts";

/** What a node's work costs, CPU ms of one thread; per KiB of a message, per feed, or per entry: one feed in one node's observation. */
export type Costs = {
  /** Gossipsub's message id: keccak over the content, of every copy. */
  readonly hashKiB: number;
  /** Noise, each way. */
  readonly sealKiB: number;
  /** Decoding and hashing an observation. */
  readonly judgeEntry: number;
  readonly recover: number;
  readonly sign: number;
  /** `nextRound` is linear in both. */
  readonly foldEntry: number;
  readonly foldFeed: number;
  /** Pricing a feed from six sources. */
  readonly sampleFeed: number;
  /** Encoding and hashing what is signed. */
  readonly observeFeed: number;
  /** A certified round's body, as hex and as bytes, compressed for the store. */
  readonly keepEntry: number;
  readonly keepFeed: number;
};

export const COST_NAMES = [
  "hashKiB",
  "sealKiB",
  "judgeEntry",
  "recover",
  "sign",
  "foldEntry",
  "foldFeed",
  "sampleFeed",
  "observeFeed",
  "keepEntry",
  "keepFeed",
] as const satisfies readonly (keyof Costs)[];

export function scaleCosts(costs: Costs, factor: number): Costs {
  return Object.fromEntries(COST_NAMES.map((name) => [name, costs[name] * factor])) as Costs;
}

export type Size = { readonly feeds: number; readonly quorum: number };

/** What each thing a node does costs, at a network's size, ms. */
export type Work = {
  readonly send: (bytes: number) => number;
  /** A gossip message, new or not. */
  readonly receive: (bytes: number) => number;
  /** An answer to a request. */
  readonly open: (bytes: number) => number;
  readonly judge: (topic: Topic) => number;
  readonly fold: (observations: number) => number;
  /** From asking the market to the signed observation. */
  readonly observe: number;
  readonly keep: (observations: number) => number;
  /** A stranger's body, recomputed from its bytes. */
  readonly recompute: (observations: number) => number;
};

export function workAt(costs: Costs, { feeds, quorum }: Size): Work {
  const kib = (bytes: number): number => bytes / 1_024;
  const judgeObservation = costs.judgeEntry * feeds + costs.recover;
  const fold = (observations: number): number => costs.foldEntry * feeds * observations + costs.foldFeed * feeds;
  const judged: Readonly<Record<Topic, number>> = {
    observation: judgeObservation,
    // The parent's certificate is attached.
    proposal: costs.recover * (1 + quorum),
    signature: costs.recover,
    certificate: costs.recover * quorum,
  };
  return {
    send: (bytes) => kib(bytes) * costs.sealKiB,
    receive: (bytes) => kib(bytes) * (costs.sealKiB + costs.hashKiB),
    open: (bytes) => kib(bytes) * costs.sealKiB,
    judge: (topic) => judged[topic],
    fold,
    observe: (costs.sampleFeed + costs.observeFeed) * feeds + costs.sign,
    keep: (observations) => costs.keepEntry * feeds * observations + costs.keepFeed * feeds,
    recompute: (observations) => judgeObservation * observations + fold(observations),
  };
}

/**
 * Measured by `npm run wan -- --calibrate` on two shared cores of a cloud machine (Node 24.21, 2026-11-22), CPU time of one thread; the
 * signatures by libsecp256k1 as `npm run bench` measures them.
 */
export const RECORDED_COSTS: Costs = {
  hashKiB: 0.0306,
  sealKiB: 0.00072,
  judgeEntry: 0.00362,
  recover: 0.0744,
  sign: 0.0484,
  foldEntry: 0.000637,
  foldFeed: 0.1009,
  sampleFeed: 0.0178,
  observeFeed: 0.0116,
  keepEntry: 0.00888,
  keepFeed: 0.0517,
};
