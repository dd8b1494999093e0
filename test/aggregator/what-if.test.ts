import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFacts } from "../../aggregator/replay/facts.ts";
import { judgeRounds } from "../../aggregator/replay/judging.ts";
import { PLOT_POINTS } from "../../aggregator/replay/plot.ts";
import { compare, judge, type WhatIf } from "../../aggregator/replay/what-if.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import { stepFeed } from "../../circuit-breaker/feed-step.ts";
import { encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import { ONE } from "../../protocol/amount.ts";
import { toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { encodeObservation, type FeedEntry, type Observation, type SignedObservation } from "../../protocol/observation.ts";
import type { FeedVerdict, RoundBody } from "../../protocol/round.ts";
import { SIGNATURE_BYTES } from "../../protocol/secp256k1.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import { plainSources, scheme, testKeys, testNetwork } from "../support/network.ts";

const FIRST = 1_700_000_000;
const ETH = "ETH/USD" as FeedId;
const FEEDS = ["BNB/USD", "BTC/USD", "ETH/USD", "LINK/USD", "SOL/USD", "USDC/USD"] as const;
const BASKET = FEEDS.slice(0, 5).map((feed) => ({ feed, weight: 20 }));
/** The breaker's times shortened, so that a few hundred rounds hold whole pauses. */
const SHORT = { confirmMs: 10_000, probeMs: 10_000, clearMs: 5_000, resetMs: 30_000, seasonMs: 5_000 };
const network = testNetwork({
  leaseMs: 60_000,
  feeds: FEEDS.map((feed) => ({
    ...{ feed, preset: feed === "USDC/USD" ? "stable" : "major", sources: plainSources(feed, 6), thresholds: SHORT },
    ...(feed === "USDC/USD" ? { peg: { par: "1" } } : {}),
  })),
  basket: BASKET,
});

/** What happens to ETH, and whether the whole market goes along, in one round; `missed` numbers come before it. */
type Happening = {
  readonly moveBps?: number;
  readonly marketBps?: number;
  readonly spreadBps?: number;
  readonly groups?: number;
  readonly outsideBps?: number;
  readonly silent?: boolean;
  readonly missed?: number;
};
type Stored = { readonly body: RoundBody; readonly feeds: readonly FeedVerdict[] };

/** Rounds as a network certifies and stores them: bodies in bytes, and beside them the verdicts that came out. */
function history(happenings: readonly Happening[]): readonly Stored[] {
  const prices = new Map<string, bigint>(FEEDS.map((feed) => [feed, feed === "USDC/USD" ? ONE : 1_900n * ONE]));
  let parent: FoldParent | undefined;
  let round = FIRST - 1;
  return happenings.map((happening) => {
    const { moveBps = 0, marketBps = 0, missed = 0 } = happening;
    round += 1 + missed;
    for (const feed of FEEDS.slice(0, 5)) move(prices, feed, feed === ETH ? moveBps + marketBps : marketBps);
    const observations = testKeys(4).map(({ address }): SignedObservation => {
      const entries = FEEDS.flatMap((feed) => entryOf(feed, prices.get(feed) ?? ONE, round, happening));
      const head = { round: 0, digest: ZERO_DIGEST };
      const seen = { entries, gauges: [], shadows: [], documents: [] };
      const observation: Observation = { round, configDigest: network.configDigest, observer: address, head, ...seen };
      return { observation, digest: ZERO_DIGEST, signer: address, signature: "0x" };
    });
    const folded = foldRound({ network, parent, round, observations, documents: [] });
    const body = bodyOf(round, parent, observations);
    parent = { header: { round, timestamp: round * 1_000, configDigest: network.configDigest }, memory: folded.memory };
    return { body, feeds: folded.feeds };
  });
}

function move(prices: Map<string, bigint>, feed: string, bps: number): void {
  const price = prices.get(feed) ?? ONE;
  prices.set(feed, price + (price * BigInt(bps)) / 10_000n || 1n);
}

function entryOf(feed: string, price: bigint, round: number, happening: Happening): readonly FeedEntry[] {
  if (feed === ETH && happening.silent === true) return [];
  const { spreadBps = 2, groups = 6, outsideBps = 0 } = feed === ETH ? happening : {};
  const half = (price * BigInt(spreadBps)) / 20_000n;
  const shares = { groups, topBps: 2_500, outsideBps };
  return [{ feed: feed as FeedId, price, low: price - half, high: price + half, asOf: round * 1_000 - 50, ...shares }];
}

function bodyOf(round: number, parent: FoldParent | undefined, observations: readonly SignedObservation[]): RoundBody {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const roots = { parent: ZERO_DIGEST, reportsRoot: ZERO_DIGEST, stateRoot: ZERO_DIGEST, inputsRoot: ZERO_DIGEST };
  return {
    round,
    parent: parent === undefined ? undefined : { ...parent.header, validUntil: parent.header.timestamp + 60_000, ...roots },
    memory: parent === undefined ? "0x" : toHex(encodeMemory(parent.memory)),
    observations: observations.map(({ observation }) => toHex(new Uint8Array([...encodeObservation(observation), ...signature]))),
    documents: [],
  };
}

/** The rounds of one feed opened, and the memory that each started from. */
function open(stored: readonly Stored[], feed: FeedId = ETH) {
  const memories = new Map<number, FeedMemory>();
  const rounds = stored.flatMap(({ body }) => {
    const read = readFacts(body, { feed, network, scheme });
    if (!read.ok) throw new Error(read.error);
    if (read.value !== undefined) memories.set(body.round, read.value.memory);
    return read.value === undefined ? [] : [read.value.facts];
  });
  return { rounds, memoryBefore: (round: number) => memories.get(round) };
}

function thresholdsOf(feed: FeedId): Thresholds {
  const found = network.config.feeds.find((item) => item.feed === feed);
  if (found === undefined) throw new Error(feed);
  return found.thresholds;
}

/** Every verdict of the feed under the thresholds in force, by the what-if. */
function recomputed(stored: readonly Stored[], feed: FeedId): readonly FeedVerdict[] {
  const { rounds, memoryBefore } = open(stored, feed);
  const verdicts: FeedVerdict[] = [];
  judgeRounds(rounds, { network, thresholds: thresholdsOf(feed), memoryBefore }, ({ taken }) =>
    verdicts.push(stepFeed(taken).verdict),
  );
  return verdicts;
}

function certified(stored: readonly Stored[], feed: FeedId): readonly FeedVerdict[] {
  return stored.flatMap(({ feeds }) => feeds.filter(({ report }) => report.feed === feed));
}

function whatIf(stored: readonly Stored[], changes: Partial<Thresholds>): WhatIf {
  const { rounds, memoryBefore } = open(stored);
  const inForce = thresholdsOf(ETH);
  const changed = { ...inForce, ...changes };
  const [before, after] = [inForce, changed].map((thresholds) => judge(rounds, { network, thresholds, memoryBefore }));
  if (before === undefined || after === undefined) throw new Error("two judgements");
  const missing = { uncertified: 0, bodies: 0, begins: null } as const;
  return compare(before, after, { feed: ETH, network, rounds, missing, inForce, changed });
}

const calm = (rounds: number): readonly Happening[] => Array.from({ length: rounds }, () => ({}));
/** 200 bps up and 100 seconds later back; below the major's 300. */
const bump: readonly Happening[] = [...calm(40), { moveBps: 200 }, ...calm(60), { moveBps: -196 }, ...calm(60)];

describe("what-if under the thresholds in force", () => {
  it("comes to the certified verdicts of a crash, an outage, a split, a gap and a feed that falls silent", () => {
    const stored = history([
      ...[...calm(20), { moveBps: -900 }, ...calm(50), { missed: 61 }, ...calm(30), { spreadBps: 300 }, { spreadBps: 300 }],
      ...[{ spreadBps: 300 }, ...calm(20), { moveBps: 2_000 }, ...calm(8), { moveBps: -1_700 }, ...calm(20)],
      ...Array.from({ length: 70 }, () => ({ silent: true })),
      ...[{ marketBps: -700 }, ...calm(20), { groups: 3 }, { groups: 3 }, { groups: 3 }, ...calm(40)],
    ]);
    for (const feed of FEEDS) expect(recomputed(stored, feed as FeedId)).toEqual(certified(stored, feed as FeedId));
    const told = new Set(certified(stored, ETH).flatMap(({ reasons }) => reasons.map(({ rule }) => rule)));
    expect([...told].sort()).toEqual(["dispersion", "gap", "jump", "restart", "stale", "thin"]);
  });

  it("does so whatever happens", () => {
    const happening = fc.record(
      {
        moveBps: fc.integer({ min: -2_500, max: 2_500 }),
        marketBps: fc.integer({ min: -900, max: 900 }),
        spreadBps: fc.integer({ min: 0, max: 400 }),
        groups: fc.integer({ min: 1, max: 6 }),
        outsideBps: fc.integer({ min: 0, max: 9_000 }),
        silent: fc.boolean(),
        missed: fc.constantFrom(0, 1, 7, 65),
      },
      { requiredKeys: [] },
    );
    const run = fc.tuple(happening, fc.integer({ min: 1, max: 12 })).map(([first, rounds]) => [first, ...calm(rounds - 1)]);
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 12 }), (runs) => {
        const stored = history(runs.flat());
        expect(recomputed(stored, ETH)).toEqual(certified(stored, ETH));
      }),
      { numRuns: 40 },
    );
  });

  it("takes the walk up again behind rounds that are not here, from what was certified", () => {
    const stored = history([...calm(20), { moveBps: -900 }, ...calm(40)]);
    const holed = [...stored.slice(0, 25), ...stored.slice(30)];
    expect(recomputed(holed, ETH)).toEqual(certified(holed, ETH));
    expect(whatIf(holed, {}).missing).toMatchObject({ resumed: 1 });
    const later = stored.slice(22);
    expect(recomputed(later, ETH)).toEqual(certified(later, ETH));
    expect(whatIf(later, {}).before.trips[0]).toMatchObject({ sinceBefore: true, from: { round: FIRST + 22 } });
  });

  it("has nothing to say of a round before whose memory nothing is known, and says how many those are", () => {
    const { rounds } = open(history(calm(10)).slice(4));
    const judged = judge(rounds, { network, thresholds: thresholdsOf(ETH), memoryBefore: () => undefined });
    expect(judged.followed).toEqual({ judged: 0, resumed: 0, left: 6 });
  });
});

describe("what-if under other thresholds", () => {
  const stored = history(bump);

  it("shows the trip that a limit below a known move would have made, by which rule and how far beyond it", () => {
    const asked = whatIf(stored, { jumpBps: 150 });
    expect(asked.before).toMatchObject({ tripCount: 1, trips: [{ openedBy: ["restart"] }] });
    // There and, from the price that it had come to believe, back again.
    expect(asked.after.tripCount).toBe(3);
    const trip = asked.after.trips[1];
    expect(trip).toMatchObject({
      from: { round: FIRST + 40, timestamp: (FIRST + 40) * 1_000 },
      openedBy: ["jump"],
      sinceBefore: false,
    });
    expect(trip?.worst).toEqual([{ rule: "jump", unit: "Bps", measured: 200, limit: 150 }]);
    expect((trip?.to?.timestamp ?? 0) - (trip?.from.timestamp ?? 0)).toBeLessThanOrEqual(asked.after.longestPauseMs);
    expect(asked.changed).toEqual([{ threshold: "jumpBps", from: 300, to: 150 }]);
    expect(asked.looked).toMatchObject({ from: FIRST, rounds: bump.length });
    const { closed, halfOpen, open } = asked.after.rounds;
    expect(closed + halfOpen + open).toBe(bump.length);
    expect(asked.after.rounds.open).toBeGreaterThan(asked.before.rounds.open);
  });

  it("without a change finds the same on both sides", () => {
    const { before, after, plot, changed } = whatIf(stored, {});
    expect(after).toEqual(before);
    expect(changed).toEqual([]);
    expect(plot.series.every((series) => !("after" in series))).toBe(true);
  });

  it("names what no replay can show", () => {
    expect(whatIf(stored, { tolBps: 60, quoteMs: 9_000, jumpBps: 250 }).notReplayed).toEqual(["quoteMs", "tolBps"]);
  });

  it("stretches follow each other without a hole, and end with the lease where no round came in time", () => {
    const { stretches } = whatIf(history([...calm(30), { missed: 100 }, ...calm(30)]), {}).before;
    for (const [index, { from }] of stretches.entries()) expect(from).toBeGreaterThanOrEqual(stretches[index - 1]?.to ?? 0);
    expect(stretches.some(({ to }) => to === (FIRST + 29) * 1_000 + 60_000)).toBe(true);
  });
});

describe("the plot of a what-if", () => {
  it("loses no peak, however many rounds a point stands for", () => {
    const long = [...calm(900), { moveBps: 250 }, ...calm(400), { spreadBps: 90 }, ...calm(300), { groups: 4 }, ...calm(20)];
    const { plot } = whatIf(history(long), {});
    expect(plot.at.length).toBeLessThanOrEqual(PLOT_POINTS);
    expect(plot.stepMs).toBe(3_000);
    const valuesOf = (name: string) =>
      (plot.series.find(({ threshold }) => threshold === name)?.values ?? []).map((value) => value ?? 0);
    expect(Math.max(...valuesOf("jumpBps"))).toBe(250);
    expect(Math.max(...valuesOf("gapBps"))).toBe(250);
    expect(Math.max(...valuesOf("dispersionBps"))).toBe(90);
    expect(Math.min(...valuesOf("wantGroups"))).toBe(4);
    expect(plot.series.some(({ threshold }) => threshold === "pegBps")).toBe(false);
    const highs = plot.prices.map((price) => price?.[1] ?? 0n);
    expect(highs.reduce((a, b) => (a > b ? a : b))).toBe(1_900n * ONE + (1_900n * ONE * 250n) / 10_000n);
  });

  it("shows what is measured against an anchor that other thresholds moved beside what was", () => {
    const jump = whatIf(history(bump), { refTauMs: 30_000 }).plot.series.find(({ threshold }) => threshold === "jumpBps");
    expect(jump?.after).toBeDefined();
    expect(jump?.after).not.toEqual(jump?.values);
  });
});
