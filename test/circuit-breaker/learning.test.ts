import { describe, expect, test } from "vitest";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { ONE } from "../../protocol/amount.ts";
import { RULES } from "../../protocol/report.ts";
import { cents, createChain, ETH, networkWith, PRICE, twoRounds } from "./chain.ts";

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
    [
      "open on restart, in a waived rule's quiet time",
      (now: number) => ({ state: "open" as const, rounds: 1, restartAt: now, waived: BIT.jump, fired: jumpFired(now) }),
      {},
      true,
    ],
    ["open on restart", (now: number) => ({ state: "open" as const, rounds: 1, restartAt: now }), {}, true],
  ] as const)("%s", (_name, memory, view, learns) => {
    const result = twoRounds({ memory, view: { price: learned, ...view } });
    expect(result.memory.anchor > PRICE).toBe(learns);
    expect(result.memory.ema > PRICE).toBe(learns);
  });

  test("a carried price teaches nothing, not even when the rule that stands for its absence is waived", () => {
    const memory = () => ({ state: "half-open" as const, waived: BIT.thin, price: learned });
    const carried = twoRounds({ memory, view: undefined }).memory;
    expect({ anchor: carried.anchor, ema: carried.ema }).toEqual({ anchor: PRICE, ema: PRICE });
    expect(twoRounds({ memory, view: { price: learned, groups: 3 } }).memory.anchor > PRICE).toBe(true);
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

  test("a return is clipped at jumpBps, however long ago the last sample was", () => {
    // 80 % since the last sample, two minutes ago: 3 % of them count.
    const { memory } = twoRounds({
      memory: (now) => ({ ...state, v: 0n, sampleP: cents(100_000), sampleAt: now - 119_000 }),
      view: { price: PRICE },
    });
    // (3 %)² · YEAR_MS / 120000 = 236.682, below 18² = 324: 236.682 · 120 / 1920
    expect(memory.v).toBe((236_682n * 10n ** 15n * 120n) / 1_920n);
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
