import { describe, expect, test } from "vitest";
import { changedFeeds } from "../../protocol/config-change.ts";
import {
  at,
  BTC,
  ETH,
  feed,
  type GovernedInput,
  governed,
  holderAddress,
  nextConfig as next,
  parsed,
  SOL,
  source,
  USDT,
  WSTETH,
} from "./config-input.ts";

const current = parsed(governed());

describe("feeds that a config changes", () => {
  test.each<[name: string, edit: (input: GovernedInput) => void, feeds: readonly string[]]>([
    ["nothing", () => undefined, []],
    ["thresholds and committee", (c) => (feed(c, BTC).thresholds.jumpBps = 290), []],
    ["a weight", (c) => (source(c, BTC).weight = 2), ["BTC/USD"]],
    ["a group", (c) => (source(c, BTC).group = "other"), ["BTC/USD"]],
    ["a source more", (c) => feed(c, BTC).sources.push({ ...source(c, BTC), venue: "upbit" }), ["BTC/USD"]],
    ["a cap", (c) => (source(c, SOL, 1).cap = { value: "200.5", at: 1_795_300_000_001, growthBps: 500 }), ["SOL/USD"]],
    ["a peg", (c) => delete feed(c, WSTETH).peg, ["WSTETH/ETH"]],
    ["a stable's peg", (c) => (feed(c, USDT).peg = { par: "0.99" }), ["USDT/USD", "WSTETH/ETH"]],
    ["a leg's source", (c) => (source(c, ETH).weight = 2), ["ETH/USD", "WSTETH/ETH"]],
    ["a conversion", (c) => Object.assign(source(c, WSTETH, 0), { market: "WSTETH/ETH", convert: [] }), ["WSTETH/ETH"]],
    ["a reference that a source reads", (c) => (at(c.references, 2).read.windowMs = 30_000), ["SOL/USD"]],
    ["a reference that a peg reads", (c) => (at(c.references, 0).read.method = "getRate"), ["WSTETH/ETH"]],
    ["a reference that nothing reads", (c) => (at(c.references, 3).read.pool = holderAddress("0")), []],
  ])("%s", (_, edit, feeds) => {
    expect(changedFeeds(current, next(edit))).toEqual(feeds);
  });

  test("neither a new feed nor one that goes is among them, and the order is that of ids", () => {
    const doge = structuredClone(feed(governed(), BTC));
    for (const item of doge.sources) item.market = "DOGE/USD";
    const more = next((c) => c.feeds.push({ ...doge, feed: "DOGE/USD" }));
    expect(changedFeeds(current, more)).toEqual([]);
    expect(changedFeeds(more, current)).toEqual([]);
    const several = next((c) => [SOL, BTC, WSTETH].map((index) => (source(c, index).weight = 2)));
    expect(changedFeeds(current, several)).toEqual(["BTC/USD", "SOL/USD", "WSTETH/ETH"]);
  });

  test("a change runs along a chain of legs", () => {
    const chained = (weight: number) =>
      parsed(
        governed((c) => {
          const sources = feed(c, WSTETH).sources.map(({ venue }) => ({
            venue,
            market: "X/WSTETH",
            weight: 1,
            convert: [{ multiply: "WSTETH/ETH" }, { multiply: "ETH/USD" }],
          }));
          c.feeds.push({ feed: "X/USD", preset: "longtail", thresholds: {}, sources });
          source(c, USDT).weight = weight;
        }),
      );
    expect(changedFeeds(chained(1), chained(2))).toEqual(["USDT/USD", "WSTETH/ETH", "X/USD"]);
  });
});
