import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import { type ChainState, type CongestionPoints, countPoints } from "../../circuit-breaker/rules/congestion.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { CARRIED_BIT } from "../../protocol/report.ts";
import { createChain, ETH, type FeedSetup, networkWith, PRICE, type Said } from "./chain.ts";
import { GOVERNED, governorsSay } from "./governors.ts";

const LEAF = "CHAIN/ETHEREUM" as FeedId;
const gwei = (value: number) => (BigInt(value * 1_000) * ONE) / 1_000n;

describe("points (B13), blocks of 12 s, fee floor 20 gwei", () => {
  const CALM: ChainState = {
    ...{ fee: gwei(30), feeEma: gwei(30), headAgeMs: 12_000, waitMs: 12_000 },
    ...{ sequencerDown: false, missedRounds: 0 },
  };
  const NONE: CongestionPoints = { fee: 0, inclusion: 0, head: 0, oracle: 0, sequencer: 0 };

  test.each([
    ["nothing", {}, {}],
    ["three times the average", { fee: gwei(90) }, {}],
    ["a unit more", { fee: gwei(90) + 1n }, { fee: 1 }],
    ["twenty times it is one point", { fee: gwei(600) }, { fee: 1 }],
    ["a rise to the floor", { fee: gwei(20), feeEma: gwei(1) }, { fee: 1 }],
    ["a rise below the floor", { fee: gwei(20) - 1n, feeEma: gwei(1) }, {}],
    ["a wait of three blocks", { waitMs: 36_000 }, {}],
    ["a millisecond longer", { waitMs: 36_001 }, { inclusion: 1 }],
    ["nobody sampled", { waitMs: undefined }, {}],
    ["a head three blocks and 6 s old", { headAgeMs: 42_000 }, {}],
    ["a millisecond older", { headAgeMs: 42_001 }, { head: 1 }],
    ["ten blocks old", { headAgeMs: 120_000 }, { head: 1 }],
    ["older than ten blocks", { headAgeMs: 120_001 }, { head: 2 }],
    ["12 of 60 rounds missed", { missedRounds: 12 }, {}],
    ["13 of 60", { missedRounds: 13 }, { oracle: 1 }],
    ["the sequencer down", { sequencerDown: true }, { sequencer: 2 }],
  ] as const)("%s", (_name, state, points) => {
    expect(countPoints({ ...CALM, ...state }, { blockMs: 12_000, feeFloorGwei: "20" })).toEqual({ ...NONE, ...points });
  });

  test("short blocks: late after 12 s, halted only after a minute", () => {
    const head = (headAgeMs: number) => countPoints({ ...CALM, headAgeMs }, { blockMs: 2_000, feeFloorGwei: "20" }).head;
    expect([12_000, 12_001, 60_000, 60_001].map(head)).toEqual([0, 1, 1, 2]);
  });
});

type Weather = { readonly fee?: bigint; readonly headAgeMs?: number; readonly waitMs?: number; readonly seq?: bigint };

/** A network of one feed and one chain, and its leaf round by round. */
function createLeaf({
  chain: overrides = {},
  feed = { preset: "major" },
}: {
  readonly chain?: Record<string, unknown>;
  readonly feed?: FeedSetup;
} = {}) {
  const chains = [{ chain: "ETHEREUM", blockMs: 12_000, ...overrides }];
  const chain = createChain(networkWith({ [ETH]: feed }, { ...GOVERNED, chains }));
  const gauges = ({ fee = gwei(30), headAgeMs = 5_000, waitMs, seq }: Weather, now: number) => ({
    "fee.ETHEREUM": fee,
    "head.ETHEREUM": BigInt(now - headAgeMs),
    ...(waitMs === undefined ? {} : { "wait.ETHEREUM": BigInt(waitMs) }),
    ...(seq === undefined ? {} : { "seq.ETHEREUM": seq }),
  });
  const step = (weather: Weather | "silent", missed = 0, said: Said = {}) => {
    const now = chain.timestamp() + 1_000 * (1 + missed);
    const feeds = chain.step({ [ETH]: { price: PRICE } }, missed, {
      gauges: weather === "silent" ? {} : gauges(weather, now),
      ...said,
    });
    return feeds.find(({ report }) => report.feed === LEAF);
  };
  const next = (weather: Weather | "silent" = {}, missed = 0, said: Said = {}) => {
    const verdict = step(weather, missed, said);
    if (verdict === undefined) throw new Error("the chain has no leaf");
    return verdict;
  };
  const hold = (rounds: number, weather: Weather | "silent", missed = 0) => {
    let verdict = next(weather, missed);
    for (let round = 1; round < rounds; round++) verdict = next(weather, missed);
    return verdict;
  };
  /** Five rounds until a block from after the first, a probe of 300 s. */
  const close = () => {
    expect(hold(306, {}).report).toMatchObject({ state: "closed", liquidate: "any" });
  };
  return { chain, step, next, hold, close, memory: (): FeedMemory => chain.memoryOf(LEAF) };
}

function closedLeaf(setup: Parameters<typeof createLeaf>[0] = {}) {
  const leaf = createLeaf(setup);
  leaf.close();
  return leaf;
}

const CONGESTED = { fee: gwei(100), headAgeMs: 43_000 };
const NARROWED = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
const PROBED = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 } as const;
const CLOSED = { state: "closed", liquidate: "any", borrow: true, budgetBps: 10_000, reasons: 0 } as const;

describe("a chain's leaf", () => {
  test("begins with its first fee and head, and not with one of them", () => {
    const { chain, step } = createLeaf();
    expect(step("silent")).toBeUndefined();
    const now = chain.timestamp() + 1_000;
    const [alone] = chain.step({}, 0, { gauges: { "fee.ETHEREUM": gwei(30) } });
    expect(alone?.report.feed).toBe(ETH);
    chain.step({}, 0, { gauges: { "head.ETHEREUM": BigInt(now) } });
    expect(chain.memory().feeds.map(({ feed }) => feed)).toEqual([ETH]);
    const verdict = step({});
    expect(verdict?.report).toEqual({
      ...{ feed: LEAF, price: gwei(30), low: gwei(30), high: gwei(30), ema: gwei(30), volatility: 0n },
      ...{ observedAt: chain.timestamp() - 5_000, since: chain.timestamp(), reasons: BIT.restart },
      ...{ state: "open", liquidate: "none", borrow: false, budgetBps: 0 },
    });
    expect(chain.memory().feeds.map(({ feed }) => feed)).toEqual([LEAF, ETH]);
  });

  test("goes through three rounds and a probe, and then permits everything, without a season", () => {
    const leaf = createLeaf();
    leaf.hold(3, { headAgeMs: 0 });
    expect(leaf.next({ headAgeMs: 0 }).report).toMatchObject(PROBED);
    expect(leaf.hold(299, { headAgeMs: 0 }).report.state).toBe("half-open");
    expect(leaf.next().report).toMatchObject(CLOSED);
  });

  test("waits for a block from after its restart: the fourth round permits nothing yet", () => {
    const leaf = createLeaf();
    expect(leaf.hold(5, {}).report).toMatchObject({ state: "open", liquidate: "none", reasons: BIT.restart });
    expect(leaf.next().report).toMatchObject(PROBED);
  });

  test("is probed as long as the quickest feed", () => {
    const leaf = createLeaf({ feed: { preset: "major", thresholds: { probeMs: 10_000 } } });
    leaf.hold(4, { headAgeMs: 0 });
    expect(leaf.hold(9, { headAgeMs: 0 }).report.state).toBe("half-open");
    expect(leaf.next().report.state).toBe("closed");
  });

  test("has a fee of at least one unit, and a head no later than the round", () => {
    const leaf = createLeaf();
    expect(leaf.next({ fee: 0n, headAgeMs: -9_000 }).report).toMatchObject({ price: 1n, observedAt: leaf.chain.timestamp() });
  });
});

describe("congestion", () => {
  test("two points of different signals: robust, in that round", () => {
    const leaf = closedLeaf();
    const { report, reasons } = leaf.next(CONGESTED);
    expect(report).toMatchObject({ ...NARROWED, reasons: BIT.congestion, price: gwei(100), low: gwei(100), high: gwei(100) });
    expect(reasons).toEqual([{ rule: "congestion", unit: "Points", measured: 2, limit: 2 }]);
  });

  test.each([
    ["base fee × 20", { fee: gwei(600) }],
    ["a head 43 s old", { headAgeMs: 43_000 }],
    ["a wait of 37 s", { waitMs: 37_000 }],
  ] as const)("one point is none: %s", (_name, weather) => {
    expect(closedLeaf().hold(60, weather).report).toMatchObject(CLOSED);
  });

  test.each([
    ["fee and wait", { fee: gwei(600), waitMs: 37_000 }, 2],
    ["wait and head", { waitMs: 37_000, headAgeMs: 43_000 }, 2],
    ["a halted chain alone", { headAgeMs: 120_001 }, 2],
    ["all of it", { fee: gwei(600), waitMs: 37_000, headAgeMs: 120_001 }, 4],
  ] as const)("two points: %s", (_name, weather, measured) => {
    const { report, reasons } = closedLeaf().next(weather);
    expect(report).toMatchObject(NARROWED);
    expect(reasons).toEqual([{ rule: "congestion", unit: "Points", measured, limit: 2 }]);
  });

  test("missed rounds are a point: the fee's makes two with 13 of 60 missed, not with 12", () => {
    expect(closedLeaf().next({ fee: gwei(100) }, 12).report).toMatchObject(CLOSED);
    expect(closedLeaf().next({ fee: gwei(100) }, 13).report).toMatchObject({ ...NARROWED, reasons: BIT.congestion });
  });

  test("a sequencer that is down is two, on a chain that has one", () => {
    const uptimeFeed = `0x${"5e".repeat(20)}`;
    expect(closedLeaf({ chain: { uptimeFeed } }).next({ seq: 1n }).report).toMatchObject(NARROWED);
    expect(closedLeaf({ chain: { uptimeFeed } }).next({ seq: 0n }).report).toMatchObject(CLOSED);
    expect(closedLeaf().next({ seq: 1n }).report).toMatchObject(CLOSED);
  });

  test("ends when 5 min have passed below two points, and goes through half-open", () => {
    const leaf = closedLeaf();
    leaf.hold(10, CONGESTED);
    const { report, reasons } = leaf.hold(300, {});
    expect(report).toMatchObject({ ...NARROWED, reasons: BIT.congestion });
    expect(reasons).toEqual([{ rule: "congestion", unit: "Points", measured: 0, limit: 2 }]);
    expect(leaf.next().report).toMatchObject({ ...PROBED, reasons: 0 });
    expect(leaf.hold(299, {}).report.state).toBe("half-open");
    expect(leaf.next().report).toMatchObject(CLOSED);
  });

  test("in the probe opens again, without a longer clear time", () => {
    const leaf = closedLeaf();
    leaf.next(CONGESTED);
    leaf.hold(301, {});
    expect(leaf.next(CONGESTED).report.state).toBe("open");
    expect(leaf.memory().trips).toBe(1);
    expect(leaf.hold(300, {}).report.state).toBe("open");
    expect(leaf.next().report.state).toBe("half-open");
  });

  test("a day of it is open to its end", () => {
    const leaf = closedLeaf();
    expect(leaf.hold(2_160, CONGESTED, 39).report).toMatchObject(NARROWED);
    expect(leaf.memory()).toMatchObject({ waived: 0, spent: 0n });
    expect(leaf.memory().openMs.every((ms) => ms === 0)).toBe(true);
  });

  test("raised by governance for a chain it permits nothing there", () => {
    const leaf = closedLeaf({ chain: { liquidateNone: true } });
    expect(leaf.next().report).toMatchObject(CLOSED);
    expect(leaf.next(CONGESTED).report).toMatchObject({ ...NARROWED, liquidate: "none" });
    expect(leaf.next().report.liquidate).toBe("none");
  });

  test("says nothing of feeds: theirs go on", () => {
    const leaf = closedLeaf();
    leaf.next(CONGESTED);
    expect(leaf.chain.memoryOf(ETH).state).toBe("closed");
  });
});

describe("the average fee", () => {
  test("learns over 24 h", () => {
    const leaf = closedLeaf();
    // 30 + (31 − 30) · 1000 / (86 400 000 + 1000), truncated
    expect(leaf.next({ fee: gwei(31) }).report.ema).toBe(gwei(30) + ONE / 86_401n);
  });

  test("stands still while the fee's point is up, and without a fee", () => {
    const leaf = closedLeaf();
    expect(leaf.hold(100, { fee: gwei(91) }).report.ema).toBe(gwei(30));
    expect(leaf.next("silent").report.ema).toBe(gwei(30));
    expect(leaf.next({ fee: gwei(90) }).report.ema > gwei(30)).toBe(true);
  });
});

describe("silence", () => {
  test("a carried fee is at most robust and never to borrow on, from its first round; the state stays", () => {
    const leaf = closedLeaf();
    const { observedAt } = leaf.memory();
    expect(leaf.next("silent").report).toMatchObject({
      ...{ state: "closed", liquidate: "robust", borrow: false, budgetBps: 0, price: gwei(30), observedAt },
      reasons: 2 ** CARRIED_BIT,
    });
    expect(leaf.next().report).toMatchObject(CLOSED);
  });

  test("ages into congestion by itself: the last block stands", () => {
    const leaf = closedLeaf();
    // The last one was 5 s old: 120 s after it nothing yet, then a halted chain.
    expect(leaf.hold(115, "silent").report).toMatchObject({ state: "closed", reasons: 2 ** CARRIED_BIT });
    expect(leaf.next("silent").report).toMatchObject({ ...NARROWED, reasons: BIT.congestion + 2 ** CARRIED_BIT });
  });

  test("after an outage it permits nothing until a block from after it", () => {
    const leaf = closedLeaf();
    expect(leaf.next({}, 60).report).toMatchObject({ state: "open", liquidate: "none" });
    expect(leaf.hold(4, { headAgeMs: 20_000 }).report).toMatchObject({ liquidate: "none", reasons: BIT.restart });
    expect(leaf.next({ headAgeMs: 0 }).report).toMatchObject(PROBED);
  });
});

describe("a pause", () => {
  test.each([
    [LEAF, "none", "none"],
    [LEAF, "robust", "robust"],
    ["*", "none", "none"],
  ] as const)("of %s to %s", (feed, action, liquidate) => {
    const leaf = closedLeaf();
    const until = leaf.chain.timestamp() + 6_000;
    const documents = [governorsSay({ nonce: 1 }).pause(feed, action, until)];
    const { report, reasons } = leaf.next({}, 0, { documents });
    expect(report).toMatchObject({ ...NARROWED, liquidate, reasons: BIT.manual, low: gwei(30), high: gwei(30) });
    expect(reasons).toEqual([{ rule: "manual", unit: "Ms", measured: 5_000, limit: 0 }]);
    expect(leaf.chain.memoryOf(ETH).state).toBe(feed === "*" ? "open" : "closed");
    expect(leaf.hold(4, {}).report.state).toBe("open");
    expect(leaf.next().report).toMatchObject({ ...PROBED, reasons: 0 });
  });
});
