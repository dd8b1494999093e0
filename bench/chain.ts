import { type ComputedRound, nextRound, type RoundInput } from "../aggregator/round.ts";
import { type NodeKey, nodeKeyOf } from "../node/io/keys.ts";
import { ONE } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import { fromHex } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../protocol/config.ts";
import { compareText } from "../protocol/feed.ts";
import { loadSecp256k1 } from "../protocol/io/libsecp256k1.ts";
import { type FeedEntry, signObservation } from "../protocol/observation.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import { createRandom, GAUSSIAN_SD } from "../simulator/random.ts";

const SEED = 1;
const VENUES = 6;
/** 2026-01-01, in rounds of one second. */
const FIRST_ROUND = 1_767_225_600;
const HOUR_ROUNDS = 3_600;
/** Rounds after the hour in which a new feed settles, so that every measured round has old memories and closed breakers. */
const SETTLING_ROUNDS = 8;
/** Seconds between settling rounds: enough for a probe to end within them, short of every feed's `quoteMs`. */
const SETTLING_STEP = 5;
const BPS = 10_000n;
/** A node's price differs from the others' by some tenths of a basis point, its quartiles by a few. */
const NOISE_BPS_TENTHS = 4n;

export const scheme = loadSecp256k1();

/** Private keys 1, 2, 3 …, in committee order. */
export function benchKeys(nodes: number): readonly NodeKey[] {
  const keys = Array.from({ length: nodes }, (_, index) => {
    const privateKey = new Uint8Array(32);
    privateKey[31] = index + 1;
    return nodeKeyOf(privateKey, scheme);
  });
  return keys.sort((a, b) => compareText(a.address, b.address));
}

export type BenchChain = {
  readonly network: Network;
  readonly keys: readonly NodeKey[];
  /** Consecutive rounds of settled feeds, each with every node's observation, all digests and signatures real. */
  readonly inputs: readonly RoundInput[];
  /** What `nextRound` made of the last input. */
  readonly last: ComputedRound;
};

/** A network's rounds as its nodes would have made them: random walks, node noise, five majors in the basket. */
export function foldChain({
  feeds,
  nodes,
  rounds,
}: {
  readonly feeds: number;
  readonly nodes: number;
  readonly rounds: number;
}): BenchChain {
  const keys = benchKeys(nodes);
  const network = createNetwork(feeds, keys);
  const observe = createObserver(network, keys);
  const settling = Array.from({ length: SETTLING_ROUNDS }, (_, index) => FIRST_ROUND + HOUR_ROUNDS + SETTLING_STEP * index);
  const settled = (settling.at(-1) ?? FIRST_ROUND) + 1;
  const measured = Array.from({ length: rounds }, (_, index) => settled + index);
  const inputs: RoundInput[] = [];
  let last: ComputedRound | undefined;
  for (const round of [FIRST_ROUND, FIRST_ROUND + 1, ...settling, ...measured]) {
    const input = { network, parent: last, round, observations: observe(round, last), documents: [] };
    last = nextRound(input);
    if (round >= settled) inputs.push(input);
  }
  assert(last !== undefined, "a chain has rounds");
  return { network, keys, inputs, last };
}

/** The certificate of a computed round by the committee's first q keys. */
export function certify({ network, keys }: BenchChain, computed: ComputedRound): CertifiedRound {
  const signers = keys.slice(0, network.committee.quorum);
  const certificate: Certificate = {
    header: computed.header,
    signatures: signers.map(({ address, privateKey }) => ({
      signer: address,
      signature: scheme.sign(fromHex(computed.digest), privateKey),
    })),
  };
  return { digest: computed.digest, certificate, feeds: computed.feeds };
}

function createNetwork(feeds: number, keys: readonly NodeKey[]): Network {
  const names = Array.from({ length: feeds }, (_, index) => `A${String(index).padStart(4, "0")}/USD`);
  const parsed = parseNetworkConfig({
    network: "bench",
    rules: 1,
    committee: keys.map(({ address }, index) => ({ name: `node${index}`, address })),
    thresholds: { seasonMs: 1_000, probeMs: 10_000, clearMs: 5_000 },
    basket: feeds < 5 ? [] : names.slice(0, 5).map((feed) => ({ feed, weight: 20 })),
    feeds: names.map((feed, index) => ({
      feed,
      preset: index < 10 ? "major" : "large",
      sources: Array.from({ length: VENUES }, (_, venue) => ({ venue: `venue${venue}`, market: feed, weight: 1 })),
    })),
  });
  assert(parsed.ok, "the benchmark's config is valid");
  return genesisNetwork(parsed.value);
}

function createObserver({ config, configDigest, domain }: Network, keys: readonly NodeKey[]) {
  const random = createRandom(SEED, "bench");
  const tenths = (): bigint => (random.gaussian() * NOISE_BPS_TENTHS) / GAUSSIAN_SD;
  const shift = (price: bigint, bpsTenths: bigint): bigint => price + (price * bpsTenths) / (10n * BPS);
  let prices = config.feeds.map((_, index) => BigInt(index + 1) * ONE + ONE / 7n);
  return (round: number, parent: ComputedRound | undefined) => {
    prices = prices.map((price) => shift(price, tenths()));
    const head = { round: parent?.header.round ?? 0, digest: parent?.digest ?? (`0x${"00".repeat(32)}` as const) };
    return keys.map((key) => {
      const entries = config.feeds.map(({ feed }, index): FeedEntry => {
        const price = shift(prices[index] ?? ONE, tenths());
        const asOf = round * config.roundMs - random.below(900);
        return {
          feed,
          price,
          low: shift(price, -20n),
          high: shift(price, 20n),
          asOf,
          groups: VENUES,
          topBps: 1_667,
          outsideBps: 0,
        };
      });
      return signObservation({ round, configDigest, head, entries, gauges: [], shadows: [], documents: [] }, domain, key);
    });
  };
}
