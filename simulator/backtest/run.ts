import { type NodePrice, priceFeeds } from "../../aggregator/price.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import { moveBps } from "../../circuit-breaker/integers.ts";
import { decodeMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import { countPoints } from "../../circuit-breaker/rules/congestion.ts";
import { ONE } from "../../protocol/amount.ts";
import { assert } from "../../protocol/assert.ts";
import { compareBigint, fromHex, toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { FeedConfig, Network, NetworkConfig } from "../../protocol/config.ts";
import { chainLeaf, type FeedId } from "../../protocol/feed.ts";
import type { FeedEntry, GaugeEntry, SignedObservation } from "../../protocol/observation.ts";
import type { Report } from "../../protocol/report.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { feeAt, type GasSeries } from "./gas-series.ts";
import { createQuotes } from "./quotes.ts";
import type { MarketRecord } from "./record.ts";
import { createTally, type FeedTally, tallyRound } from "./tally.ts";

/** With fewer venues nobody can say which of them is off. */
const MIN_COMPARED = 3;

export type RunPlan = {
  readonly record: MarketRecord;
  readonly network: Network;
  readonly holdMs: number;
  readonly gas: GasSeries | undefined;
};

/** Everything a run knows between two rounds, as plain JSON: what a file keeps of a run that was stopped. */
export type RunSnapshot = {
  /** The next round's instant. */
  readonly at: number;
  readonly memory: string | null;
  readonly tallies: Readonly<Record<string, FeedTally>>;
};

export type Run = {
  /** Folds at most so many rounds; gives how many it did. */
  readonly advance: (rounds: number) => number;
  readonly isDone: () => boolean;
  /** Since the record's beginning. */
  readonly rounds: () => number;
  readonly snapshot: () => RunSnapshot;
  /** By ascending feed; a chain's leaf among them. */
  readonly tallies: () => ReadonlyMap<FeedId, FeedTally>;
};

/**
 * A record under one config, round by round: quotes → the nodes' price → observations of n identical nodes → the fold that the network
 * runs (without its hashes) → counters. Pure: what it gives depends on the plan alone, wherever it was stopped and taken up again.
 */
export function createRun(plan: RunPlan): Run {
  return runFrom(plan, { at: plan.record.from, parent: undefined, tallies: new Map() });
}

/** Takes a run up where {@link RunSnapshot} left it; the fault says what is wrong with it. */
export function resumeRun(plan: RunPlan, { at, memory, tallies }: RunSnapshot): Result<Run, string> {
  const { stepMs } = plan.record;
  const known = new Map(Object.entries(structuredClone(tallies)) as [FeedId, FeedTally][]);
  for (const { pauses, current } of known.values()) relinkPause(pauses, current);
  if (memory === null) return ok(runFrom(plan, { at, parent: undefined, tallies: known }));
  const decoded = decodeMemory(fromHex(memory as `0x${string}`));
  if (!decoded.ok) return fail(decoded.error);
  const header = headerOf(at - stepMs, plan);
  return ok(runFrom(plan, { at, parent: { header, memory: decoded.value }, tallies: known }));
}

/** In memory the running pause and the last of the list are one object. */
function relinkPause(pauses: FeedTally["pauses"], current: FeedTally["current"]): void {
  if (current !== null && pauses.at(-1)?.from === current.from) pauses[pauses.length - 1] = current;
}

type Position = { at: number; parent: FoldParent | undefined; readonly tallies: Map<FeedId, FeedTally> };

function runFrom(plan: RunPlan, position: Position): Run {
  const { record, network } = plan;
  const quotesAt = createQuotes(record, network, plan);
  const feeds = new Map(network.config.feeds.map((feed) => [feed.feed, feed]));
  const step = (): void => {
    const { at } = position;
    const prices = priceFeeds(network.config.feeds, quotesAt(at), { at, maxSkewMs: network.config.maxSkewMs });
    const entries = [...prices.values()].flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    const header = headerOf(at, plan);
    const observations = observe(plan, { round: header.round, at, entries });
    const folded = foldRound({ network, parent: position.parent, round: header.round, observations, documents: [] });
    for (const { report } of folded.feeds) {
      const tally = position.tallies.get(report.feed) ?? createTally(record);
      position.tallies.set(report.feed, tally);
      const offOthers = isOff(report, feeds.get(report.feed), prices.get(report.feed));
      tallyRound(tally, { at, stepMs: record.stepMs, report, offOthers, feeHigh: isFeeHigh(report, network.config.chains) });
    }
    position.parent = { header, memory: folded.memory };
    position.at += record.stepMs;
  };
  return {
    advance: (rounds) => {
      const count = Math.min(rounds, Math.max(0, Math.ceil((record.to - position.at) / record.stepMs)));
      for (let index = 0; index < count; index++) step();
      return count;
    },
    isDone: () => position.at >= record.to,
    rounds: () => (position.at - record.from) / record.stepMs,
    snapshot: () => ({
      at: position.at,
      memory: position.parent === undefined ? null : toHex(encodeMemory(position.parent.memory)),
      tallies: structuredClone(Object.fromEntries(position.tallies)),
    }),
    tallies: () => new Map([...position.tallies].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function headerOf(at: number, { network, record }: RunPlan): FoldParent["header"] {
  return { round: at / record.stepMs, timestamp: at, configDigest: network.configDigest };
}

/** The fold reads no signature: a backtest trusts its own file. */
function observe(
  { network, gas, record }: RunPlan,
  { round, at, entries }: { readonly round: number; readonly at: number; readonly entries: readonly FeedEntry[] },
): readonly SignedObservation[] {
  const { configDigest, config } = network;
  const gauges = gas === undefined ? [] : gaugesOf(config.chains[0]?.chain ?? "", feeAt(gas, at), at);
  assert(at % record.stepMs === 0, "a step lies on the record's grid");
  const head = { round: 0, digest: ZERO_DIGEST };
  return config.committee.map(({ address: observer }) => {
    const observation = { round, configDigest, observer, head, entries, gauges, shadows: [], documents: [] };
    return { observation, digest: ZERO_DIGEST, signer: observer, signature: "0x" };
  });
}

/** A gas file holds no blocks: the chain's head is taken to be on time, also where the file holds no fee. */
function gaugesOf(chain: string, fee: bigint | undefined, at: number): readonly GaugeEntry[] {
  const head = { gauge: `head.${chain}`, value: BigInt(at), asOf: at };
  return fee === undefined ? [head] : [{ gauge: `fee.${chain}`, value: fee, asOf: at }, head];
}

/** Whether the fee point of B13 is up; no other point can be, because a gas file knows nothing else. */
function isFeeHigh({ feed, price, ema }: Report, [chain]: NetworkConfig["chains"]): boolean {
  if (chain === undefined || feed !== chainLeaf(chain.chain)) return false;
  return (
    countPoints({ fee: price, feeEma: ema, headAgeMs: 0, waitMs: undefined, sequencerDown: false, missedRounds: 0 }, chain)
      .fee === 1
  );
}

/**
 * Whether the middle of all venues, each once and without weights, lies outside the interval served and beyond tolerance of the price:
 * a check on the certified price from data that the price's own rules did not weigh.
 */
function isOff({ price, low, high }: Report, feed: FeedConfig | undefined, priced: NodePrice | undefined): boolean | undefined {
  if (feed === undefined || priced === undefined || priced.sources.length <= MIN_COMPARED) return undefined;
  const byVenue = new Map<string, bigint>();
  for (const { source, price: quoted } of priced.sources) {
    if (quoted !== undefined) byVenue.set(source.venue.replace(/\.\d+$/, ""), quoted);
  }
  if (byVenue.size < MIN_COMPARED) return undefined;
  const sorted = [...byVenue.values()].sort(compareBigint);
  const middle = sorted[sorted.length >> 1] ?? ONE;
  return (middle < low || middle > high) && moveBps(middle, price) > feed.thresholds.tolBps;
}
