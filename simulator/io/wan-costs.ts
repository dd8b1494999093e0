import { createCipheriv, randomBytes } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { bodyOf, nextRound, type RoundInput } from "../../aggregator/round.ts";
import { sampleMarkets } from "../../node/sampler.ts";
import { keccak } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { decodeSignedObservation, encodeSignedObservation, signObservation } from "../../protocol/observation.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { createKeys, createTableScheme } from "../cluster/signatures.ts";
import type { Costs } from "../wan/costs.ts";
import { createWanMarket, createWanNetwork } from "../wan/network.ts";

const SEED = 1;
/** 15 January 2027, in rounds of one second. */
const FIRST_ROUND = 1_800_000_000;
const TIMING = { roundMs: 1_000, graceMs: 150, hopBudgetMs: 50 };
/** Sizes between which the fold's cost is taken to be a line. */
const NODES = [7, 31] as const;
const FEEDS = 1_000;
const REPETITIONS = 5;
/** Work of each repetition, so that a short thing is not drowned by the clock's grain. */
const MIN_MS = 30;
const KIB = 1_024;

/**
 * What the production code costs here, CPU ms of this thread: what neighbours on a shared machine take does not count. Signatures are
 * left to the caller: they are libsecp256k1's, which lives with the network's own I/O.
 */
export function measureCosts(signatures: Pick<Costs, "recover" | "sign">): Costs {
  const [small, large] = NODES.map((nodes) => measureRound(nodes));
  if (small === undefined || large === undefined) throw new Error("two sizes are measured");
  const entries = FEEDS * (NODES[1] - NODES[0]);
  const foldEntry = (large.fold - small.fold) / entries;
  const keepEntry = (large.keep - small.keep) / entries;
  return {
    ...signatures,
    ...measureBytes(),
    judgeEntry: large.judge / FEEDS,
    foldEntry,
    foldFeed: Math.max(0, large.fold / FEEDS - foldEntry * NODES[1]),
    sampleFeed: large.sample / FEEDS,
    observeFeed: large.observe / FEEDS,
    keepEntry,
    keepFeed: Math.max(0, large.keep / FEEDS - keepEntry * NODES[1]),
  };
}

function measureBytes(): Pick<Costs, "hashKiB" | "sealKiB"> {
  const bytes = randomBytes(64 * KIB);
  const key = randomBytes(32);
  const nonce = randomBytes(12);
  return {
    hashKiB: timed(() => keccak(bytes)) / 64,
    sealKiB:
      timed(() => {
        const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
        cipher.update(bytes);
        cipher.final();
      }) / 64,
  };
}

function measureRound(nodes: number) {
  const keys = createKeys(nodes);
  const scheme = createTableScheme(keys);
  const network = createWanNetwork(keys, FEEDS, TIMING);
  const market = createWanMarket(SEED, network);
  const sampleAt = (round: number) => {
    const clock = round * TIMING.roundMs;
    const snapshot = market.snapshot(0, { now: clock, clock });
    return { snapshot, clock, entries: sampleMarkets(network.config, snapshot, clock).entries };
  };
  const observe = (round: number, entries: ReturnType<typeof sampleAt>["entries"], node: number, head: RoundInput["parent"]) => {
    const key = keys[node];
    if (key === undefined) throw new Error("a node has a key");
    const named = head === undefined ? { round: 0, digest: ZERO } : { round: head.header.round, digest: head.digest };
    const contents = { round, configDigest: network.configDigest, head: named, entries, gauges: [], shadows: [], documents: [] };
    return signObservation(contents, network.domain, { scheme, ...key });
  };
  const inputOf = (round: number, parent: RoundInput["parent"]): RoundInput => ({
    network,
    parent,
    round,
    observations: keys.map((_, node) => observe(round, sampleAt(round).entries, node, parent)),
    documents: [],
  });
  const parent = nextRound(inputOf(FIRST_ROUND, undefined));
  const input = inputOf(FIRST_ROUND + 1, parent);
  const sampled = sampleAt(FIRST_ROUND + 1);
  const first = input.observations[0];
  if (first === undefined) throw new Error("a round has observations");
  const bytes = encodeSignedObservation(first);
  return {
    fold: timed(() => nextRound(input)),
    judge: timed(() => decode(bytes, network, scheme)),
    sample: timed(() => sampleMarkets(network.config, sampled.snapshot, sampled.clock)),
    observe: timed(() => encodeSignedObservation(observe(FIRST_ROUND + 1, sampled.entries, 0, parent))),
    keep: timed(() => {
      const body = bodyOf(input);
      encodeRoundBody(body);
      zstdCompressSync(JSON.stringify(body), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    }),
  };
}

const ZERO = `0x${"00".repeat(32)}` as const;

function decode(bytes: Uint8Array, { domain }: Network, scheme: ReturnType<typeof createTableScheme>): void {
  if (!decodeSignedObservation(bytes, domain, scheme).ok) throw new Error("an own observation decodes");
}

/** Median CPU ms of one call; the first repetition warms up and does not count. */
function timed(work: () => unknown): number {
  const samples = Array.from({ length: REPETITIONS + 1 }, () => {
    const startedAt = cpuMs();
    let calls = 0;
    while (cpuMs() - startedAt < MIN_MS) {
      work();
      calls += 1;
    }
    return (cpuMs() - startedAt) / calls;
  });
  const counted = samples.slice(1).sort((a, b) => a - b);
  return counted[counted.length >> 1] ?? Number.NaN;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
