import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { ROWS } from "../../circuit-breaker/rules.ts";
import { RULES, type RuleName } from "../../protocol/report.ts";
import type { Reason } from "../../protocol/round.ts";
import { type Chain, cents, closedChain, createChain, ETH, networkWith, PRICE, quiet, type Said } from "./chain.ts";
import { GOVERNED, governorsSay } from "./governors.ts";

const NETWORK = networkWith({ [ETH]: { preset: "major", peg: { par: "1800" } } }, GOVERNED);

type Case = {
  readonly rule: RuleName;
  readonly name: string;
  readonly view: Partial<QuorumView> | undefined;
  readonly memory?: (chain: Chain) => Partial<FeedMemory>;
  readonly missed?: number;
  /** What else the round says; a pending config is there for its shadow to differ from. */
  readonly said?: (timestamp: number) => Said;
  /** What the rule says; undefined when it is silent. */
  readonly says: Omit<Reason, "rule"> | undefined;
};

/**
 * One round of a feed closed at 1800, major preset: L 300, dispersion 100, divergence 3000, want 4 groups, top 5000, stale 60 s; redeemable
 * for 1800, pegBps 100, configBps 100.
 */
const CASES: readonly Case[] = [
  // 300 bps of the smaller price: 1800 · 1.03 = 1854.
  { rule: "jump", name: "at its limit", view: { price: cents(185_400) }, says: undefined },
  { rule: "jump", name: "beyond it", view: { price: cents(185_418) }, says: { unit: "Bps", measured: 301, limit: 300 } },
  { rule: "jump", name: "downwards", view: { price: cents(174_600) }, says: { unit: "Bps", measured: 309, limit: 300 } },
  {
    rule: "jump",
    name: "at half the limit when thin",
    view: { price: cents(182_718), groups: 3 },
    says: { unit: "Bps", measured: 151, limit: 150 },
  },
  {
    rule: "jump",
    name: "at half the limit soon after it fired",
    view: { price: cents(182_718) },
    memory: (chain) => ({ fired: fired("jump", chain.timestamp() - 29_000) }),
    says: { unit: "Bps", measured: 151, limit: 150 },
  },
  {
    rule: "jump",
    name: "at a quarter when both, for half the thin limit is 75",
    view: { price: cents(181_368), groups: 3 },
    memory: (chain) => ({ fired: fired("jump", chain.timestamp() - 29_000) }),
    says: { unit: "Bps", measured: 76, limit: 75 },
  },
  {
    rule: "jump",
    name: "at the full limit again after clearMs",
    view: { price: cents(182_718) },
    memory: (chain) => ({ fired: fired("jump", chain.timestamp() - 30_000) }),
    says: undefined,
  },
  {
    rule: "jump",
    name: "not without a price, however far the last one lies from the anchor",
    view: undefined,
    memory: () => ({ price: cents(190_000) }),
    says: undefined,
  },
  // 100 bps of 1800 are 18.
  { rule: "dispersion", name: "at its limit", view: spread(179_100, 180_900), says: undefined },
  { rule: "dispersion", name: "beyond it", view: spread(179_100, 180_901), says: { unit: "Bps", measured: 101, limit: 100 } },
  { rule: "divergence", name: "at its limit", view: { outsideBps: 3_000 }, says: undefined },
  { rule: "divergence", name: "beyond it", view: { outsideBps: 3_001 }, says: { unit: "Bps", measured: 3_001, limit: 3_000 } },
  { rule: "thin", name: "with enough", view: { groups: 4, topBps: 5_000 }, says: undefined },
  { rule: "thin", name: "too few groups", view: { groups: 3 }, says: { unit: "Groups", measured: 3, limit: 4 } },
  { rule: "thin", name: "one group too heavy", view: { topBps: 5_001 }, says: { unit: "Bps", measured: 5_001, limit: 5_000 } },
  { rule: "thin", name: "not priced", view: undefined, says: { unit: "Groups", measured: 0, limit: 4 } },
  { rule: "stale", name: "at its limit", view: { observedAt: 60_000 }, says: undefined },
  { rule: "stale", name: "beyond it", view: { observedAt: 60_001 }, says: { unit: "Ms", measured: 60_001, limit: 60_000 } },
  // A lease is 60 rounds: the round after it is an outage.
  { rule: "restart", name: "within the lease", view: {}, missed: 59, says: undefined },
  { rule: "restart", name: "after an outage", view: {}, missed: 60, says: { unit: "Rounds", measured: 1, limit: 3 } },
  {
    rule: "restart",
    name: "observed before the outage",
    view: { observedAt: 5_000 },
    memory: (chain) => ({ rounds: 3, restartAt: chain.timestamp() - 2_000 }),
    says: { unit: "Ms", measured: 2_000, limit: 0 },
  },
  // 1500 bps of the smaller price: 1800 · 1.15 = 2070.
  { rule: "gap", name: "at its limit", view: { price: cents(207_000) }, says: undefined },
  { rule: "gap", name: "beyond it", view: { price: cents(207_018) }, says: { unit: "Bps", measured: 1_501, limit: 1_500 } },
  // Unpriced for 40 s: 1500 · (60 + 30) / 60 = 2250.
  { rule: "gap", name: "within a band that grew", view: { price: cents(220_500) }, missed: 39, says: undefined },
  {
    rule: "gap",
    name: "beyond a band that grew",
    view: { price: cents(220_518) },
    missed: 39,
    says: { unit: "Bps", measured: 2_251, limit: 2_250 },
  },
  {
    rule: "gap",
    name: "still away from the anchor",
    view: { price: PRICE * 2n },
    memory: (chain) => ({ gapAt: chain.timestamp() - 1_000, price: PRICE * 2n }),
    says: { unit: "Bps", measured: 10_000, limit: 300 },
  },
  {
    rule: "gap",
    name: "back",
    view: { price: cents(185_400) },
    memory: (chain) => ({ gapAt: chain.timestamp() - 1_000, price: PRICE * 2n }),
    says: undefined,
  },
  { rule: "peg", name: "at its limit", view: { price: cents(181_800) }, says: undefined },
  { rule: "peg", name: "beyond it", view: { price: cents(181_818) }, says: { unit: "Bps", measured: 101, limit: 100 } },
  {
    rule: "peg",
    name: "not without a price, however far the last one lies from what it is redeemable for",
    view: undefined,
    memory: () => ({ price: cents(190_000) }),
    says: undefined,
  },
  { rule: "config", name: "at its limit", view: {}, said: shadow(181_800), says: undefined },
  { rule: "config", name: "beyond it", view: {}, said: shadow(181_818), says: { unit: "Bps", measured: 101, limit: 100 } },
  { rule: "config", name: "without a shadow", view: {}, says: { unit: "Bps", measured: 2 ** 32 - 1, limit: 100 } },
  { rule: "manual", name: "until a later time", view: {}, said: pause(1), says: { unit: "Ms", measured: 1, limit: 0 } },
  { rule: "manual", name: "until now", view: {}, said: pause(0), says: undefined },
];

function shadow(price: number) {
  return (): Said => ({ shadows: new Map([[ETH, cents(price)]]) });
}

function pause(forMs: number) {
  return (timestamp: number): Said => ({ documents: [governorsSay({ nonce: 1 }).pause(ETH, "robust", timestamp + forMs)] });
}

function spread(low: number, high: number): Partial<QuorumView> {
  return { rawLow: cents(low), rawHigh: cents(high) };
}

function fired(rule: RuleName, at: number): readonly number[] {
  return RULES.map((name) => (name === rule ? at : 0));
}

describe("a rule fires", () => {
  test.each(CASES.map((item) => [`${item.rule} ${item.name}`, item] as const))(
    "%s",
    (_name, { rule, view, memory, missed, said, says }) => {
      const chain = createChain(NETWORK);
      chain.eth({ price: PRICE });
      const now = chain.timestamp();
      chain.alter({ ...quiet(), pricedAt: now, restartAt: now - 9_000_000, firstAt: now - 9_000_000 });
      chain.alter(memory?.(chain) ?? {});
      const timestamp = now + 1_000 * (1 + (missed ?? 0));
      if (rule === "config") chain.propose(timestamp);
      const seen = view === undefined ? undefined : { price: PRICE, ...view };
      // A case gives observedAt as an age.
      const aged = seen?.observedAt === undefined ? seen : { ...seen, observedAt: timestamp - seen.observedAt };
      const verdict = chain.eth(aged, missed, said?.(timestamp));
      const reason = verdict.reasons.find((item) => item.rule === rule);
      expect(reason).toEqual(says === undefined ? undefined : { rule, ...says });
      expect(((verdict.report.reasons >> RULES.indexOf(rule)) & 1) === 1).toBe(says !== undefined);
    },
  );

  test("every rule that is read on feeds has a case that fires and one that does not", () => {
    const rules = ROWS.flatMap(({ name, rule }) => (rule.read === undefined ? [] : [name]));
    expect(rules).toEqual(RULES.filter((name) => name !== "congestion"));
    for (const rule of rules) {
      const own = CASES.filter((item) => item.rule === rule);
      expect(
        own.some(({ says }) => says !== undefined),
        rule,
      ).toBe(true);
      expect(
        own.some(({ says }) => says === undefined),
        rule,
      ).toBe(true);
    }
  });
});

describe("what the market's own move explains is no jump", () => {
  const BASKET = ["AAA/USD", "BBB/USD", "CCC/USD"];
  const feeds = Object.fromEntries([ETH, ...BASKET].map((feed) => [feed, { preset: "major" } as const]));
  // No one-round move below is to be a gap, which would take a feed out of the basket.
  const network = networkWith(feeds, { basket: BASKET.map((feed) => ({ feed, weight: 1 })), thresholds: { gapBps: 20_000 } });

  /** Everything closed at 1800, then one round. */
  function oneRound(ethPrice: bigint, basketPrice: bigint, overrides: Partial<QuorumView> = {}): readonly Reason[] {
    const chain = closedChain(network);
    const scene = Object.fromEntries(BASKET.map((feed) => [feed, { price: basketPrice, ...overrides }]));
    return chain.step({ ...scene, [ETH]: { price: ethPrice } }).find(({ report }) => report.feed === ETH)?.reasons ?? [];
  }

  test("β times the basket's move, counted by its nearer end", () => {
    // −10 % is 1111 bps. The basket's −5 % ends at 1710.171: 525 bps. 1111 − 2 · 525 = 61.
    expect(oneRound(cents(162_000), cents(171_000))).toEqual([]);
    // Its −3 % ends at 1746.1746: 308 bps. 1111 − 2 · 308 = 495.
    expect(oneRound(cents(162_000), cents(174_600))).toEqual([{ rule: "jump", unit: "Bps", measured: 495, limit: 300 }]);
  });

  test("a move the other way explains nothing", () => {
    expect(oneRound(cents(162_000), cents(190_000))).toEqual([{ rule: "jump", unit: "Bps", measured: 1_111, limit: 300 }]);
  });

  test("at most sysCapBps of it", () => {
    // +60 %, basket +40 %: 6000 − 2 · 2000.
    const reasons = oneRound(cents(288_000), cents(252_000));
    expect(reasons.find(({ rule }) => rule === "jump")).toEqual({ rule: "jump", unit: "Bps", measured: 2_000, limit: 300 });
  });

  test("a basket that is thin explains nothing", () => {
    expect(oneRound(cents(162_000), cents(171_000), { groups: 3 })).toEqual([
      { rule: "jump", unit: "Bps", measured: 1_111, limit: 300 },
    ]);
  });
});
