import { describe, expect, test } from "vitest";
import { basketMove, createMarket } from "../../circuit-breaker/basket.ts";
import { establishFacts } from "../../circuit-breaker/facts.ts";
import { genesisMemory } from "../../circuit-breaker/genesis.ts";
import { ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { resolveThresholds } from "../../protocol/thresholds.ts";
import { cents, ETH, PRICE, viewAt } from "./chain.ts";

const NOW = 1_800_000_000_000;
const thresholds = resolveThresholds("major");
const round = { timestamp: NOW, thresholds };

describe("a basket feed's move", () => {
  const memory = { ...genesisMemory(viewAt(NOW - 1_000, PRICE), { timestamp: NOW - 1_000, thresholds }), sysEma: PRICE };

  test.each([
    ["within its own interval", { rawLow: cents(179_000), rawHigh: cents(181_000) }, 0],
    ["up, by its low end", { price: cents(200_000), rawLow: cents(198_000), rawHigh: cents(202_000) }, 1_000],
    ["down, by its high end", { price: cents(162_000), rawLow: cents(160_000), rawHigh: cents(164_000) }, -975],
    ["not counted when thin", { groups: 3 }, undefined],
    ["not counted in a gap", { price: PRICE * 3n, rawLow: PRICE * 3n, rawHigh: PRICE * 3n }, undefined],
  ] as const)("%s", (_name, overrides, expected) => {
    expect(basketMove(memory, establishFacts(memory, viewAt(NOW, PRICE, overrides), round))).toBe(expected);
  });

  test("not counted when carried, or before it has an average", () => {
    expect(basketMove(memory, establishFacts(memory, undefined, round))).toBeUndefined();
    const fresh = { ...memory, sysEma: 0n };
    expect(basketMove(fresh, establishFacts(fresh, viewAt(NOW, PRICE), round))).toBeUndefined();
  });
});

describe("the market of a feed", () => {
  const items = (
    [
      ["BTC/USD", 30, -500],
      ["ETH/USD", 30, -700],
      ["SOL/USD", 12, -900],
      ["XRP/USD", 12, -100],
      ["LINK/USD", 8, 0],
      ["DOGE/USD", 8, 4_000],
    ] as const
  ).map(([feed, weight, moveBps], index) => ({ feed: feed as FeedId, weight, moveBps, volatility: BigInt(index + 1) * ONE }));
  const without = (...feeds: readonly string[]) =>
    items.map((item) => (feeds.includes(item.feed) ? { ...item, moveBps: undefined } : item));

  test("outside the basket is its weighted median", () => {
    // −900 (12), −700 (42), −500 (72 > half of 100). σ: 1 (30), 2 (60 > 50).
    expect(createMarket(items)("UNI/USD" as FeedId)).toEqual({ systemicBps: -500, volatility: 2n * ONE });
  });

  test("inside it is the others'", () => {
    // Without BTC 70: −900 (12), −700 (42 > 35). σ: 2 (30), 3 (42 > 35).
    expect(createMarket(items)("BTC/USD" as FeedId)).toEqual({ systemicBps: -700, volatility: 3n * ONE });
  });

  test("with exactly half of the weight below, is the upper one", () => {
    const even = [10, 10, 10, 10].map((weight, index) => ({
      feed: `A${index}/USD` as FeedId,
      weight,
      moveBps: index,
      volatility: BigInt(index),
    }));
    expect(createMarket(even)(ETH)).toEqual({ systemicBps: 2, volatility: 2n });
  });

  test("is nothing below three of the others", () => {
    expect(createMarket(without("SOL/USD", "XRP/USD", "LINK/USD"))("UNI/USD" as FeedId).systemicBps).toBe(-500);
    expect(createMarket(without("SOL/USD", "XRP/USD", "LINK/USD"))("DOGE/USD" as FeedId)).toEqual({
      systemicBps: 0,
      volatility: 0n,
    });
  });

  test("is nothing below 60 % of the others' weight", () => {
    // Of 100: without BTC and LINK 62, without BTC and SOL 58.
    expect(createMarket(without("BTC/USD", "LINK/USD"))("UNI/USD" as FeedId).systemicBps).toBe(-700);
    expect(createMarket(without("BTC/USD", "SOL/USD"))("UNI/USD" as FeedId).systemicBps).toBe(0);
  });

  test("counts with exactly 60 %", () => {
    const thirds = [20, 20, 20, 40].map((weight, index) => ({
      feed: `A${index}/USD` as FeedId,
      weight,
      moveBps: index === 3 ? undefined : -100,
      volatility: ONE,
    }));
    expect(createMarket(thirds)(ETH)).toEqual({ systemicBps: -100, volatility: ONE });
  });

  test("is nothing without a basket", () => {
    expect(createMarket([])(ETH)).toEqual({ systemicBps: 0, volatility: 0n });
  });
});
