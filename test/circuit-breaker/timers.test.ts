import { describe, expect, test } from "vitest";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { hasReason, RULES } from "../../protocol/report.ts";
import { cents, createChain, FIRST_ROUND, PRICE, quiet, twoRounds } from "./chain.ts";

const DAY_MS = 86_400_000n;
/** The round before the one that a case takes. */
const NOW = FIRST_ROUND * 1_000;

describe("B5: the corroborated hold", () => {
  const down = cents(163_637); // 999 bps below 1800, of the smaller price
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
    chain.alter({ ...quiet(), ...open(now), restartAt: 1, corrob: 7n, pricedAt: now });
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

  test("of a memory at its bound stays within it: the fold is total over whatever a stranger claims", () => {
    const { memory } = twoRounds({
      memory: () => ({ ...thin, openMs: spent(Number.MAX_SAFE_INTEGER - 1) }),
      view: { groups: 3 },
    });
    expect(memory.openMs[3]).toBe(Number.MAX_SAFE_INTEGER);
  });

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
    ["a round without a price adds none", 0n, { price: cents(190_000) }, undefined, 0n],
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
