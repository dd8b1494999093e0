import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configDigest, genesisNetwork, parseNetworkConfig } from "../../protocol/config.ts";
import { conversionOrder } from "../../protocol/conversion.ts";
import { at, BTC, base, ETH, edited, FEEDS, feed, type Input, member, parsed, source } from "./config-input.ts";

describe("the parsed config", () => {
  test("holds defaults, a group for every source, thresholds of preset, network and feed in that order", () => {
    const input = edited((c) => {
      c.thresholds = { jumpBps: 150, clearMs: 20_000, liquidateNone: ["thin"] };
      Object.assign(feed(c, ETH).thresholds, { jumpBps: 200, liquidateNone: ["gap", "jump", "gap"] });
    });
    const config = parsed(input);
    expect(config).toMatchObject({
      roundMs: 1_000,
      graceMs: 150,
      hopBudgetMs: 50,
      maxSkewMs: 250,
      leaseMs: 60_000,
      restartRounds: 3,
    });
    const eth = config.feeds.find((item) => item.feed === "ETH/USD");
    expect(eth?.sources[0]).toMatchObject({ venue: "binance", group: "binance", convert: [] });
    expect(eth?.thresholds).toMatchObject({ jumpBps: 200, clearMs: 20_000, gapBps: 1500, liquidateNone: ["jump", "gap"] });
    expect(config.feeds[0]?.thresholds).toMatchObject({ jumpBps: 150, liquidateNone: ["thin"] });
  });

  test("parses to itself, with the same digest", () => {
    const config = parsed(edited((c) => (c.thresholds = { jumpBps: 120, liquidateNone: ["gap"] })));
    const again = parsed(JSON.parse(JSON.stringify(config)));
    expect(again).toEqual(config);
    expect(configDigest(again)).toBe(configDigest(config));
  });

  test("is frozen to the last threshold", () => {
    const config = parsed(base());
    const loose = (value: unknown): boolean =>
      typeof value === "object" && value !== null && (!Object.isFrozen(value) || Object.values(value).some(loose));
    expect(loose(config)).toBe(false);
  });

  test("has a digest that neither the order of keys nor that of feeds, members and basket changes", () => {
    const digest = configDigest(parsed(base()));
    const reordered = fc
      .tuple(
        fc.shuffledSubarray(base().feeds, { minLength: FEEDS.length }),
        fc.shuffledSubarray(base().committee, { minLength: 4 }),
        fc.shuffledSubarray(base().basket, { minLength: 3 }),
        fc.boolean(),
      )
      .map(([feeds, committee, basket, reverse]) => {
        const input = { ...base(), feeds, committee, basket };
        return reverse ? reverseKeys(input) : input;
      });
    fc.assert(
      fc.property(reordered, (input) => {
        expect(configDigest(parsed(input))).toBe(digest);
      }),
      { numRuns: 30 },
    );
  });

  test("has another digest for any other value", () => {
    const digest = configDigest(parsed(base()));
    const edits: readonly ((input: Input) => void)[] = [
      (c) => (c.network = "other"),
      (c) => (c.leaseMs = 60_001),
      (c) => (feed(c, BTC).thresholds.jumpBps = 301),
      (c) => (source(c, BTC).weight = 2),
      (c) => (source(c, BTC).group = "other"),
      (c) => (member(c, 0).name = "other"),
      (c) => (at(c.basket, 0).weight = 31),
    ];
    const digests = edits.map((edit) => configDigest(parsed(edited(edit))));
    expect(new Set([digest, ...digests]).size).toBe(edits.length + 1);
  });

  test("founds a network: committee, quorum and domain follow from it", () => {
    const network = genesisNetwork(parsed(base()));
    expect(network.genesisConfigDigest).toBe(network.configDigest);
    expect(network.committee).toMatchObject({ f: 1, quorum: 3 });
    expect(network.domain.salt).not.toBe(genesisNetwork(parsed(edited((c) => (c.network = "other")))).domain.salt);
  });

  test("orders feeds so that every leg comes first", () => {
    const order = conversionOrder(parsed(base()).feeds).map((item) => item.feed as string);
    expect([...order].sort()).toEqual([...FEEDS].sort());
    expect(order.indexOf("WSTETH/ETH")).toBeGreaterThan(order.indexOf("USDT/USD"));
    expect(order.indexOf("WSTETH/ETH")).toBeGreaterThan(order.indexOf("ETH/USD"));
  });

  test("comes from no value at all without a throw", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        expect(parseNetworkConfig(input).ok).toBe(false);
      }),
    );
  });
});

function reverseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reverseKeys(item)]),
  );
}
