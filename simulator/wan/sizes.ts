import { nextRound } from "../../aggregator/round.ts";
import { encodeMemory } from "../../circuit-breaker/memory.ts";
import type { Topic, Want } from "../../node/machine.ts";
import { sampleMarkets } from "../../node/sampler.ts";
import { assert } from "../../protocol/assert.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { encodeSignedObservation, type SignedObservation, signObservation } from "../../protocol/observation.ts";
import { decodeRoundBody } from "../../protocol/round-codec.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Market } from "../cluster/market.ts";
import type { Key } from "../cluster/signatures.ts";

/**
 * What messages of a network of `feeds` feeds weigh, when the machines that exchange them run on `carried` of them: the rest is linear,
 * so many bytes for each feed more. With `carried` = `feeds` every size is that of the bytes themselves.
 */
export type Sizes = {
  readonly gossip: (topic: Topic, bytes: Uint8Array) => number;
  readonly answer: (kind: Want["kind"] | "hello", bytes: Uint8Array) => number;
  /** Bytes of a feed in an observation, and in a body's memory. */
  readonly entryBytes: number;
  readonly memoryBytes: number;
};

export function createSizes({
  network,
  scheme,
  keys,
  market,
  feeds,
}: {
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly keys: readonly Key[];
  readonly market: Market;
  readonly feeds: number;
}): Sizes {
  const carried = network.config.feeds.length;
  const round = 1_800_000_000;
  const clock = round * network.config.roundMs;
  const { entries } = sampleMarkets(network.config, market.snapshot(0, { now: clock, clock }), clock);
  const sign = (key: Key, of: typeof entries): SignedObservation => {
    const head = { round: 0, digest: ZERO_DIGEST };
    const contents = { round, configDigest: network.configDigest, head, entries: of, gauges: [], shadows: [], documents: [] };
    return signObservation(contents, network.domain, { scheme, ...key });
  };
  const first = keys[0];
  assert(first !== undefined && entries.length === carried, "every carried feed has a price");
  const perFeed = (all: number, none: number): number => (all - none) / carried;
  const [all, none] = [sign(first, entries), sign(first, [])].map((signed) => encodeSignedObservation(signed).length);
  const memoryOf = (of: typeof entries): number => {
    const observations = keys.map((key) => sign(key, of));
    return encodeMemory(nextRound({ network, parent: undefined, round, observations, documents: [] }).memory).length;
  };
  const entryBytes = perFeed(all ?? 0, none ?? 0);
  const memoryBytes = perFeed(memoryOf(entries), memoryOf([]));
  const more = feeds - carried;
  const observation = (bytes: Uint8Array): number => Math.round(bytes.length + more * entryBytes);
  return {
    entryBytes,
    memoryBytes,
    gossip: (topic, bytes) => (topic === "observation" ? observation(bytes) : bytes.length),
    answer: (kind, bytes) => {
      if (kind === "observation" && bytes.length > 0) return observation(bytes);
      if (kind !== "body" || more === 0) return bytes.length;
      const body = decodeRoundBody(bytes);
      const observations = body.ok ? body.value.observations.length : 0;
      return Math.round(bytes.length + more * (memoryBytes + observations * entryBytes));
    },
  };
}
