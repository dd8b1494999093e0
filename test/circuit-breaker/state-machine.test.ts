import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { type BreakerState, RULES } from "../../protocol/report.ts";
import { cents, createChain, ETH, MAJOR, networkWith, PRICE, quiet, twoRounds } from "./chain.ts";

const PROBE_MS = 300_000;

/** Bits of the rules that fired in the last round, when memory is to say so. */
const ALL_LEADERS = 0b1111n;

type Case = {
  readonly name: string;
  /** `now` is the round before the one that is taken. */
  readonly memory: (now: number) => Partial<FeedMemory>;
  readonly view: Partial<QuorumView> | undefined;
  readonly becomes: BreakerState;
  readonly also: (ts: number) => Partial<FeedMemory>;
};

/** Every row of B6; in each case the round is one second after the last. */
const CASES: readonly Case[] = [
  {
    name: "closed, nothing → closed",
    memory: () => ({ state: "closed" }),
    view: {},
    becomes: "closed",
    also: () => ({}),
  },
  {
    name: "closed, a soft rule in the same round → open, trips and open time stay",
    memory: (now) => ({ state: "closed", closedAt: now - 3_598_000, trips: 3, openMs: counts({ dispersion: 9_000 }) }),
    view: { outsideBps: 9_000 },
    becomes: "open",
    also: (ts) => ({ since: ts, waived: 0, trips: 3, openMs: counts({ dispersion: 9_000 }) }),
  },
  {
    name: "closed for resetMs, a rule → open, trips and open time begin again",
    memory: (now) => ({ state: "closed", closedAt: now - 3_599_000, trips: 3, openMs: counts({ dispersion: 9_000 }) }),
    view: { outsideBps: 9_000 },
    becomes: "open",
    also: (ts) => ({ since: ts, trips: 0, openMs: counts({}) }),
  },
  {
    name: "closed, a rule → open, and what was waived in an earlier event counts again",
    memory: () => ({ state: "closed", waived: BIT.divergence | BIT.jump, dir: 1 }),
    view: { outsideBps: 9_000 },
    becomes: "open",
    also: () => ({ waived: 0, dir: 0 }),
  },
  {
    name: "closed, a hard rule → open",
    memory: () => ({ state: "closed" }),
    view: { observedAt: 60_001 },
    becomes: "open",
    also: (ts) => ({ since: ts }),
  },
  {
    name: "open, a hard rule → open",
    memory: (now) => ({ state: "open", since: now - 5_000, rounds: 1, restartAt: now }),
    view: {},
    becomes: "open",
    also: (ts) => ({ since: ts - 6_000, rounds: 2 }),
  },
  {
    name: "open, an unwaived soft rule → open, its own time runs",
    memory: (now) => ({ state: "open", since: now - 5_000, openMs: counts({ thin: 1_000 }), recent: [0n, 0n, ALL_LEADERS] }),
    view: { groups: 3 },
    becomes: "open",
    also: (ts) => ({ since: ts - 6_000, openMs: counts({ thin: 2_000 }), fired: counts({ thin: ts }) }),
  },
  {
    name: "open, a soft rule within its quiet time → open",
    memory: (now) => ({ state: "open", fired: counts({ divergence: now - 29_000 }) }),
    view: {},
    becomes: "open",
    also: () => ({ openMs: counts({ divergence: 1_000 }) }),
  },
  {
    name: "open, its quiet time doubled by trips → open",
    memory: (now) => ({ state: "open", trips: 2, fired: counts({ divergence: now - 119_000 }) }),
    view: {},
    becomes: "open",
    also: () => ({}),
  },
  {
    name: "open, its quiet time over → half-open, re-anchored, jump's memory cleared",
    memory: (now) => ({
      state: "open",
      trips: 1,
      fired: counts({ jump: now - 60_000, divergence: now - 60_000 }),
      anchor: cents(178_000),
      corrob: 5n,
      stepMax: 7,
      agree: 3_000,
    }),
    view: {},
    becomes: "half-open",
    also: (ts) => ({
      since: ts,
      anchor: PRICE,
      fired: counts({ divergence: ts - 61_000 }),
      corrob: 0n,
      stepMax: 0,
      agree: 0,
      trips: 1,
    }),
  },
  {
    name: "open, only a waived rule → half-open",
    memory: () => ({ state: "open", waived: BIT.divergence, recent: [0n, ALL_LEADERS, 0n] }),
    view: { outsideBps: 9_000 },
    becomes: "half-open",
    also: () => ({ waived: BIT.divergence }),
  },
  {
    name: "half-open, a hard rule → open, one trip more",
    memory: () => ({ state: "half-open", trips: 1, agree: 9_000 }),
    view: { observedAt: 60_001 },
    becomes: "open",
    also: (ts) => ({ since: ts, trips: 2, agree: 9_000 }),
  },
  {
    name: "half-open, an unwaived soft rule → open, one trip more",
    memory: () => ({ state: "half-open", trips: 1 }),
    view: { price: cents(190_000) },
    becomes: "open",
    also: (ts) => ({ since: ts, trips: 2 }),
  },
  {
    name: "half-open, trips at their bound → open",
    memory: () => ({ state: "half-open", trips: 2 ** 32 - 1 }),
    view: { price: cents(190_000) },
    becomes: "open",
    also: () => ({ trips: 2 ** 32 - 1 }),
  },
  {
    name: "half-open, a waived rule → half-open, the probe begins again",
    memory: () => ({ state: "half-open", waived: BIT.divergence, agree: 9_000, recent: [0n, ALL_LEADERS, 0n] }),
    view: { outsideBps: 9_000 },
    becomes: "half-open",
    also: () => ({ agree: 0, trips: 0, waived: BIT.divergence }),
  },
  {
    name: "half-open, a soft rule that one leader saw → half-open, the probe waits",
    memory: () => ({ state: "half-open", agree: 9_000 }),
    view: { outsideBps: 9_000 },
    becomes: "half-open",
    also: () => ({ agree: 9_000, trips: 0, fired: counts({}), recent: [0n, 1n, 0n] }),
  },
  {
    name: "half-open, a soft rule that two of four leaders saw → open",
    memory: () => ({ state: "half-open", agree: 9_000, recent: [0n, 0b100n, 0n] }),
    view: { outsideBps: 9_000 },
    becomes: "open",
    also: (ts) => ({ trips: 1, fired: counts({ divergence: ts }), recent: [0n, 0b1001n, 0n] }),
  },
  {
    name: "half-open, the other leader's turn four rounds ago → half-open",
    memory: () => ({ state: "half-open", agree: 9_000, recent: [0n, 0b1000n, 0n] }),
    view: { outsideBps: 9_000 },
    becomes: "half-open",
    also: () => ({ recent: [0n, 1n, 0n] }),
  },
  {
    name: "half-open, nothing → half-open, the probe goes on",
    memory: () => ({ state: "half-open", agree: PROBE_MS - 1_001 }),
    view: {},
    becomes: "half-open",
    also: () => ({ agree: PROBE_MS - 1 }),
  },
  {
    name: "half-open, nothing, the probe done → closed",
    memory: () => ({ state: "half-open", agree: PROBE_MS - 1_000, waived: BIT.jump | BIT.thin, dir: 1 }),
    view: {},
    becomes: "closed",
    also: (ts) => ({ since: ts, closedAt: ts, waived: 0, dir: 0 }),
  },
];

function counts(values: Partial<Record<(typeof RULES)[number], number>>): readonly number[] {
  return RULES.map((rule) => values[rule] ?? 0);
}

test("a new feed is open, and restart says why", () => {
  const { report, reasons } = createChain().eth({ price: PRICE });
  expect(report).toMatchObject({ state: "open", liquidate: "none", borrow: false, budgetBps: 0, reasons: BIT.restart });
  expect(reasons).toEqual([{ rule: "restart", unit: "Rounds", measured: 1, limit: 3 }]);
});

describe("B6", () => {
  test.each(CASES.map((item) => [item.name, item] as const))("%s", (_name, { memory, view, becomes, also }) => {
    const chain = createChain();
    chain.eth({ price: PRICE });
    const now = chain.timestamp();
    chain.alter({ ...quiet(), pricedAt: now, restartAt: now - 9_000_000, firstAt: now - 9_000_000, ...memory(now) });
    const ts = now + 1_000;
    const observedAt = view?.observedAt;
    const seen = view === undefined ? undefined : { price: PRICE, ...view };
    const { report } = chain.eth(
      seen === undefined || observedAt === undefined ? seen : { ...seen, observedAt: ts - observedAt },
    );
    expect(report.state).toBe(becomes);
    expect(report.since).toBe(chain.memoryOf().since);
    expect(chain.memoryOf()).toMatchObject(also(ts));
  });
});

test("a quiet time doubles with every trip and ends at clearCapMs", () => {
  const network = networkWith({ [ETH]: { preset: "major", thresholds: { clearMs: 60_000 } } });
  const stateAfter = (quietMs: number) =>
    twoRounds({
      network,
      memory: (now) => ({ state: "open", trips: 4, fired: counts({ divergence: now + 1_000 - quietMs }) }),
      view: {},
    }).memory.state;
  // 60 s · 2⁴ would be 960 s; the cap is 480 s.
  expect(stateAfter(480_000)).toBe("open");
  expect(stateAfter(480_001)).toBe("half-open");
});

describe("missed rounds did not fire", () => {
  test.each([
    ["none", 0, 0b0111n],
    ["one", 1, 0b1101n],
    ["two", 2, 0b1001n],
    ["as many as there are leaders", 3, 0b0001n],
    ["more than that", 40, 0b0001n],
  ] as const)("%s", (_name, missed, expected) => {
    const chain = createChain(MAJOR);
    chain.eth({ price: PRICE });
    chain.alter({ recent: [0n, 0n, 0b0011n] });
    chain.eth({ price: PRICE, groups: 3 }, missed);
    expect(chain.memoryOf().recent[2]).toBe(expected);
  });
});
