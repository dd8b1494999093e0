import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { ONE } from "../../protocol/amount.ts";
import { hasReason, RULES } from "../../protocol/report.ts";
import { cents, closedChain, createChain, ETH, FIRST_ROUND, networkWith, PRICE } from "./chain.ts";

const DAY_MS = 86_400_000n;
/** The round before the one that a case takes. */
const NOW = FIRST_ROUND * 1_000;
const quiet = { ...closedChain().memoryOf(), fired: RULES.map(() => 0) };

/** One priced round, then the given memory, then one round more. */
function twoRounds({
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
  chain.alter({ ...quiet, pricedAt: now, sampleAt: now, restartAt: now - 9_000_000, firstAt: now - 9_000_000, ...memory(now) });
  const verdict = chain.eth(view === undefined ? undefined : { price: PRICE, ...view }, missed);
  return { ...verdict, memory: chain.memoryOf(), ts: chain.timestamp() };
}

describe("B5: the corroborated hold", () => {
  const down = cents(163_637); // 1000 bps below 1800 (of the smaller price, rounded down)
  const open = (now: number) => ({
    state: "open" as const,
    price: down,
    fired: RULES.map((rule) => (rule === "jump" ? now : 0)),
  });

  test.each([
    ["a step counts its own time", { stepMax: 1_000 }, {}, 0, 100_000n],
    // (999 − 99) · 100 / 300
    ["a slide counts by what it ran beyond its largest step", { stepMax: 99 }, {}, 0, 300_000n],
    ["it goes on from where it was", { stepMax: 1_000, corrob: 7n }, {}, 0, 100_007n],
    ["at most five rounds of an outage count", { stepMax: 1_000 }, {}, 30, 500_000n],
    ["a dispersion under one leader lets no time count", { stepMax: 1_000, corrob: 7n }, { rawHigh: PRICE * 2n }, 0, 7n],
    [
      "a dispersion that holds starts it again",
      { stepMax: 1_000, corrob: 7n, recent: [2n, 0n, 0n] as const },
      { rawHigh: PRICE * 2n },
      0,
      0n,
    ],
    ["so do too few groups", { stepMax: 1_000, corrob: 7n, recent: [0n, 0n, 2n] as const }, { groups: 3 }, 0, 0n],
    ["and a gap", { stepMax: 1_000, corrob: 7n, gapAt: NOW }, {}, 0, 0n],
  ] as const)("%s", (_name, memory, overrides, missed, expected) => {
    const result = twoRounds({
      memory: (now) => ({ ...open(now), ...memory }),
      view: { price: down, ...overrides },
      missed,
    });
    expect(result.memory.corrob).toBe(expected);
  });

  test("a round without a price lets no time count, several start it again", () => {
    const chain = createChain();
    chain.eth({ price: PRICE });
    const now = chain.timestamp();
    chain.alter({ ...quiet, ...open(now), restartAt: 1, corrob: 7n, pricedAt: now });
    chain.eth(undefined);
    expect(chain.memoryOf().corrob).toBe(7n);
    chain.eth(undefined);
    expect(chain.memoryOf().corrob).toBe(0n);
  });

  test("at confirmMs the price is believed: re-anchored, waived with its direction, half-open in the same round", () => {
    const { memory, report } = twoRounds({
      memory: (now) => ({ ...open(now), stepMax: 1_000, corrob: 5_900_000n }),
      view: { price: down },
    });
    expect(memory).toMatchObject({ anchor: down, waived: BIT.jump, dir: -1, corrob: 0n, stepMax: 0, state: "half-open" });
    expect(memory.fired[0]).toBe(0);
    expect(hasReason(report.reasons, 0)).toBe(true);
  });

  test("while jump is quiet, the largest step is the last one", () => {
    const { memory } = twoRounds({ memory: () => ({ stepMax: 900, corrob: 3n, price: cents(178_200) }), view: {} });
    expect(memory).toMatchObject({ stepMax: 101, corrob: 0n });
  });
});

describe("a waived jump that turns round", () => {
  const waived = { state: "half-open", waived: BIT.jump, dir: -1, agree: 0 } as const;

  test.each([
    ["on the other side counts again", {}, cents(190_000), "open"],
    ["on the same side does not", {}, cents(170_000), "half-open"],
    ["on the other side, its time spent, does not", { openMs: RULES.map(() => 1_800_000) }, cents(190_000), "half-open"],
    ["without firing does not", {}, cents(180_500), "half-open"],
  ] as const)("%s", (_name, memory, price, state) => {
    expect(twoRounds({ memory: () => ({ ...waived, ...memory }), view: { price } }).memory.state).toBe(state);
  });
});

describe("the caps of an open feed", () => {
  const spent = (ms: number) => RULES.map(() => ms);
  const thin = { state: "open", recent: [0n, 0n, 15n] } as const;

  test("a rule at its cap is waived and the feed goes half-open", () => {
    const { memory } = twoRounds({ memory: () => ({ ...thin, openMs: spent(1_799_000) }), view: { groups: 3 } });
    expect(memory).toMatchObject({ state: "half-open", waived: BIT.thin });
    expect(memory.openMs[3]).toBe(1_800_000);
    expect(memory.openMs[1]).toBe(1_799_000);
  });

  test("one round short of it, it is not", () => {
    const { memory } = twoRounds({ memory: () => ({ ...thin, openMs: spent(1_798_999) }), view: { groups: 3 } });
    expect(memory).toMatchObject({ state: "open", waived: 0 });
  });

  test("an outage spends five rounds at most", () => {
    const { memory } = twoRounds({ memory: () => thin, view: { groups: 3 }, missed: 50 });
    expect(memory.openMs[3]).toBe(5_000);
  });

  test("at jump's cap the anchor moves as well", () => {
    const { memory } = twoRounds({
      memory: () => ({ state: "open", openMs: spent(1_799_000) }),
      view: { price: cents(190_000) },
    });
    expect(memory).toMatchObject({ state: "half-open", waived: BIT.jump, dir: 1, anchor: cents(190_000) });
  });

  test("a jump behind a gap spends none", () => {
    const { memory } = twoRounds({
      memory: (now) => ({ state: "open", gapAt: now, price: PRICE * 2n, openMs: spent(1_799_000) }),
      view: { price: PRICE * 2n },
    });
    expect(memory).toMatchObject({ state: "open", waived: 0, openMs: spent(1_799_000) });
  });
});

describe("the gap latch", () => {
  const latched = (at: number) => ({ state: "open" as const, gapAt: at, price: PRICE * 2n });

  test("holds without a price", () => {
    const { memory, report } = twoRounds({ memory: (now) => latched(now - 5_000), view: undefined });
    expect(memory.gapAt).not.toBe(0);
    expect(hasReason(report.reasons, 10)).toBe(true);
    expect(report.high > PRICE && report.low < PRICE).toBe(true);
  });

  test("after gapHoldMs the price is accepted: re-anchored, jump's memory cleared, half-open", () => {
    const { memory, report } = twoRounds({ memory: (now) => latched(now - 86_400_000), view: { price: PRICE * 2n } });
    expect(memory).toMatchObject({ gapAt: 0, anchor: PRICE * 2n, state: "half-open", waived: 0 });
    expect(report.reasons).toBe(0);
  });

  test("until then it is not", () => {
    const { memory } = twoRounds({ memory: (now) => latched(now - 86_399_000), view: { price: PRICE * 2n } });
    expect(memory).toMatchObject({ anchor: PRICE, state: "open" });
  });

  test("another gap in the round in which it ran out is held like the first", () => {
    const { memory, ts } = twoRounds({ memory: (now) => latched(now - 86_400_000), view: { price: PRICE * 5n } });
    expect(memory).toMatchObject({ gapAt: ts, anchor: PRICE, state: "open" });
  });
});

describe("the pause meter", () => {
  const BUDGET = 3_600_000n;
  const FULL = BUDGET * DAY_MS;
  const open = (now: number) => ({
    state: "open" as const,
    price: cents(190_000),
    fired: RULES.map((rule) => (rule === "jump" ? now : 0)),
  });

  test.each([
    ["leaks a day's budget a day", 10n * BUDGET * 1_000n, { state: "closed" as const }, {}, 9n * BUDGET * 1_000n],
    ["is never below empty", 1n, { state: "closed" as const }, {}, 0n],
    ["a round with the hull and beyond L adds its time", 0n, undefined, { price: cents(190_000) }, 1_000n * DAY_MS],
    ["a quiet round under the hull adds none", 0n, undefined, {}, 0n],
    ["behind a gap it adds none", 0n, { gapAt: NOW }, { price: cents(190_000) }, 0n],
  ] as const)("%s", (_name, spent, memory, view, expected) => {
    const result = twoRounds({
      memory: (now) => ({ ...open(now), ...memory, spent }),
      view,
    });
    expect(result.memory.spent).toBe(expected);
  });

  test("full, the interval no longer reaches the anchor, but the feed stays open and robust", () => {
    const view = { price: cents(190_000) };
    const before = twoRounds({ memory: (now) => ({ ...open(now), spent: FULL - 1n }), view });
    expect(before.report.low < PRICE).toBe(true);
    const full = twoRounds({ memory: (now) => ({ ...open(now), spent: FULL + BUDGET * 1_000n }), view });
    expect(full.report.low > PRICE).toBe(true);
    expect(full.report).toMatchObject({ state: "open", liquidate: "robust" });
    expect(full.memory.spent).toBe(FULL);
  });

  test("a gap's hull is outside it", () => {
    const { report } = twoRounds({
      memory: (now) => ({ ...open(now), gapAt: now, spent: FULL * 2n }),
      view: { price: cents(190_000) },
    });
    expect(report.low < PRICE).toBe(true);
  });
});

describe("B4: learning", () => {
  const learned = cents(180_100);
  const state = { state: "closed" as const };
  const jumpFired = (now: number) => RULES.map((rule) => (rule === "jump" ? now : 0));

  test("an undoubted round moves anchor and ema by their own τ", () => {
    const { memory, report } = twoRounds({ memory: () => state, view: { price: learned } });
    // 1 · 1 s / 301 s and 1 · 1 s / 3601 s, rounded down
    expect(memory.anchor).toBe(PRICE + ONE / 301n);
    expect(memory.ema).toBe(PRICE + ONE / 3_601n);
    expect(report.ema).toBe(memory.ema);
  });

  test.each([
    ["an unwaived price rule fires", () => state, { outsideBps: 9_000 }, false],
    ["too few groups", () => state, { groups: 3 }, false],
    ["a waived one fires", () => ({ state: "half-open" as const, waived: BIT.thin }), { groups: 3 }, true],
    ["open in jump's quiet time", (now: number) => ({ state: "open" as const, fired: jumpFired(now) }), {}, false],
    [
      "open in thin's quiet time",
      (now: number) => ({ state: "open" as const, fired: RULES.map((rule) => (rule === "thin" ? now : 0)) }),
      {},
      true,
    ],
    ["open on restart", (now: number) => ({ state: "open" as const, rounds: 1, restartAt: now }), {}, true],
  ] as const)("%s", (_name, memory, view, learns) => {
    const result = twoRounds({ memory, view: { price: learned, ...view } });
    expect(result.memory.anchor > PRICE).toBe(learns);
    expect(result.memory.ema > PRICE).toBe(learns);
  });

  test("a sample is one squared return, annualised, after sampleMs", () => {
    const v = (64n * ONE) / 100n;
    const moved = (ageMs: number) =>
      twoRounds({ memory: (now) => ({ ...state, v, sampleAt: now + 1_000 - ageMs }), view: { price: cents(180_180) } });
    expect(moved(59_999).memory).toMatchObject({ v, sampleP: PRICE });
    // 10 bps: 10⁻⁶ · 31557600000 / 60000 = 0.52596; 0.64 + (0.52596 − 0.64) · 60 / 1860
    const sampled = moved(60_000);
    expect(sampled.memory).toMatchObject({
      v: v - (11_404n * 10n ** 13n * 60n) / 1_860n,
      sampleP: cents(180_180),
      sampleAt: sampled.ts,
    });
    expect(sampled.report.volatility).toBe((8n * ONE) / 10n);
  });

  test("a return is clipped at jumpBps, a sample at the square of volCap", () => {
    // 80 % since the last sample, six seconds ago.
    const network = networkWith({ [ETH]: { preset: "major", thresholds: { sampleMs: 6_000, jumpBps: 1_400 } } });
    const { memory } = twoRounds({
      network,
      memory: (now) => ({ ...state, v: 0n, sampleP: cents(100_000), anchor: PRICE, sampleAt: now - 5_000 }),
      view: { price: PRICE },
    });
    // (14 %)² · YEAR_MS / 6000 = 103 089 > 18² = 324: 324 · 6 / 1806
    expect(memory.v).toBe((324n * ONE * 6n) / 1_806n);
  });

  test("volatility stays within the preset's bounds and the leaf's field", () => {
    const volatilityAt = (v: bigint, network = networkWith({ [ETH]: { preset: "major" } })) =>
      twoRounds({ network, memory: () => ({ ...state, v }), view: {} }).report.volatility;
    expect(volatilityAt(0n)).toBe((3n * ONE) / 10n);
    expect(volatilityAt(10n ** 40n)).toBe(18n * ONE);
    const wide = networkWith({ [ETH]: { preset: "major", thresholds: { volCapBps: 1_800_000 } } });
    expect(volatilityAt(10n ** 40n, wide)).toBe(2n ** 64n - 1n);
  });

  test("a basket feed's slow average always learns from the served price", () => {
    const feeds = [ETH, "BBB/USD", "CCC/USD"];
    const network = networkWith(Object.fromEntries(feeds.map((feed) => [feed, { preset: "major" as const }])), {
      basket: feeds.map((feed) => ({ feed, weight: 1 })),
    });
    const { memory } = twoRounds({
      network,
      memory: () => ({ ...state, sysEma: PRICE }),
      view: { price: cents(180_100), groups: 3 },
    });
    expect(memory.sysEma).toBe(PRICE + ONE / 301n);
    expect(twoRounds({ memory: () => state, view: {} }).memory.sysEma).toBe(0n);
  });
});

describe("restart", () => {
  test("counts certified rounds, from genesis and from an outage", () => {
    const chain = createChain();
    const rounds = () => chain.memoryOf().rounds;
    chain.eth({ price: PRICE });
    expect(rounds()).toBe(1);
    chain.eth(undefined, 10);
    expect(rounds()).toBe(2);
    chain.eth({ price: PRICE }, 59);
    expect(rounds()).toBe(3);
    chain.eth({ price: PRICE }, 60);
    expect(chain.memoryOf()).toMatchObject({ rounds: 1, restartAt: chain.timestamp() });
  });

  test("a chain that went on without the feed gives it a genesis of its own", () => {
    const chain = createChain(networkWith({ [ETH]: { preset: "major" }, "SOL/USD": { preset: "large" } }));
    chain.step({ "SOL/USD": { price: PRICE } });
    chain.step({ "SOL/USD": { price: PRICE } }, 500);
    chain.step({ "SOL/USD": { price: PRICE }, [ETH]: { price: PRICE, outsideBps: 9_000 } });
    expect(chain.memoryOf()).toMatchObject({
      state: "open",
      rounds: 1,
      firstAt: chain.timestamp(),
      restartAt: chain.timestamp(),
      openMs: RULES.map(() => 0),
      anchor: PRICE,
      v: (64n * ONE) / 100n,
    });
  });
});
