import { describe, expect, test } from "vitest";
import {
  at,
  BTC,
  base,
  ETH,
  edited,
  FEEDS,
  faultsOf,
  feed,
  type Input,
  member,
  type Plain,
  SOL,
  source,
  USDT,
  WSTETH,
} from "./config-input.ts";

test("the base has no fault", () => {
  expect(faultsOf(base())).toEqual([]);
});

describe("relations", () => {
  test.each<[name: string, edit: (input: Input) => void, faults: readonly string[]]>([
    ["n < 4", (c) => c.committee.pop(), ["committee: expected at least 4 members, found 3"]],
    ["no committee", (c) => (c.committee = []), ["committee: expected at least 4 members, found 0"]],
    [
      "duplicate address",
      (c) => (member(c, 1).address = member(c, 0).address),
      [`committee: expected every address once, found "0x${"1".repeat(40)}" twice`],
    ],
    ["duplicate name", (c) => (member(c, 1).name = "node-1"), ['committee: expected every name once, found "node-1" twice']],
    [
      "duplicate feed",
      (c) => c.feeds.push(structuredClone(feed(c, SOL))),
      ['feeds: expected every feed once, found "SOL/USD" twice'],
    ],
    [
      "duplicate source",
      (c) => feed(c, SOL).sources.push({ ...source(c, SOL), weight: 9 }),
      ['feeds[SOL/USD].sources: expected every source once, found "binance SOL/USD" twice'],
    ],
    [
      "duplicate basket feed",
      (c) => c.basket.push({ feed: "BTC/USD", weight: 1 }),
      ['basket: expected every feed once, found "BTC/USD" twice'],
    ],
    [
      "round too short for its hops",
      (c) => (c.graceMs = 500),
      ["roundMs: expected more than graceMs + 5 × hopBudgetMs + maxSkewMs (1000)"],
    ],
    [
      "lease of two rounds",
      (c) => Object.assign(c, { roundMs: 30_000, chains: [] }),
      ["leaseMs: expected at least (f + 2) × roundMs (90000)"],
    ],
    [
      "lease too short for the chain",
      (c) => (c.leaseMs = 57_999),
      ["leaseMs: expected at least 4 blocks of the slowest chain and 10 s (58000)"],
    ],
    ["basket of two", (c) => c.basket.pop(), ["basket: expected no feeds or at least 3, found 2"]],
    [
      "basket feed that the network has not",
      (c) => (at(c.basket, 0).feed = "DOGE/USD"),
      ["basket[DOGE/USD]: expected a feed of this network with preset major or large"],
    ],
    [
      "basket feed that is a stable",
      (c) => (at(c.basket, 0).feed = "USDT/USD"),
      ["basket[USDT/USD]: expected a feed of this network with preset major or large"],
    ],
    [
      "minSources of all sources",
      (c) => (feed(c, SOL).thresholds.minSources = 6),
      ["feeds[SOL/USD].sources: expected more sources than minSources (6), found 6"],
    ],
    [
      "wantGroups of all groups",
      (c) => (feed(c, SOL).thresholds.wantGroups = 6),
      ["feeds[SOL/USD].sources: expected more groups than wantGroups (6), found 6"],
    ],
    [
      "sources of one group",
      (c) => feed(c, SOL).sources.map((item) => Object.assign(item, { group: "one" })),
      ["feeds[SOL/USD].sources: expected more groups than wantGroups (4), found 1"],
    ],
    [
      "path that does not compose",
      (c) => source(c, WSTETH).convert.pop(),
      ["feeds[WSTETH/ETH].sources[0]: expected a path that composes to WSTETH/ETH, found WSTETH/USD"],
    ],
    [
      "path whose assets do not meet",
      (c) => (source(c, WSTETH, 2).convert = [{ multiply: "BTC/USD" }]),
      ["feeds[WSTETH/ETH].sources[2]: expected a path that composes to WSTETH/ETH, found legs whose assets do not meet"],
    ],
    [
      "market of another asset",
      (c) => (source(c, SOL).market = "BTC/USD"),
      ["feeds[SOL/USD].sources[0]: expected a path that composes to SOL/USD, found BTC/USD"],
    ],
    [
      "unknown leg",
      (c) => (source(c, WSTETH, 1).convert = [{ multiply: "USDC/USD" }]),
      ['feeds[WSTETH/ETH].sources[1].convert: expected a feed of this network, found "USDC/USD"'],
    ],
    [
      "feed that is its own leg",
      (c) => Object.assign(source(c, SOL), { market: "SOL/SOL", convert: [{ multiply: "SOL/USD" }] }),
      ["feeds[SOL/USD].sources: expected conversions without a cycle, found SOL/USD → SOL/USD"],
    ],
    [
      "conversion cycle",
      (c) => {
        Object.assign(source(c, BTC), { market: "BTC/ETH", convert: [{ multiply: "ETH/USD" }] });
        Object.assign(source(c, ETH), { market: "ETH/BTC", convert: [{ multiply: "BTC/USD" }] });
      },
      ["feeds[BTC/USD].sources: expected conversions without a cycle, found BTC/USD → ETH/USD → BTC/USD"],
    ],
  ])("%s", (_, edit, faults) => {
    expect(faultsOf(edited(edit))).toEqual(faults);
  });

  /** Each check of thresholds against each other fires alone. */
  test.each<[index: number, thresholds: Plain, field: string, expected: string]>([
    [BTC, { jumpBps: 1500 }, "jumpBps", "expected less than gapBps (1500)"],
    [BTC, { floorBps: 101 }, "floorBps", "expected at most tolBps (100)"],
    [BTC, { dispersionBps: 301 }, "dispersionBps", "expected at most jumpBps (300)"],
    [USDT, { dispersionBps: 101 }, "dispersionBps", "expected at most jumpBps (100)"],
    [WSTETH, { dispersionBps: 101 }, "dispersionBps", "expected at most jumpBps (100)"],
    [BTC, { confirmMs: 1_800_000 }, "confirmMs", "expected less than maxOpenMs (1800000)"],
    [BTC, { minOpenMs: 240_000, maxOpenMs: 180_000 }, "minOpenMs", "expected at most maxOpenMs (180000)"],
    [BTC, { maxOpenMs: 3_600_001 }, "maxOpenMs", "expected at most pauseBudgetMs (3600000)"],
    [BTC, { minGroups: 4 }, "minGroups", "expected less than wantGroups (4)"],
    [BTC, { maxGroupBps: 2499 }, "maxGroupBps", "expected at least 10000 / wantGroups (4)"],
    [BTC, { quoteMs: 60_000 }, "quoteMs", "expected less than staleMs (60000)"],
    [BTC, { refTauMs: 3_600_001 }, "refTauMs", "expected at most emaTauMs (3600000)"],
    [BTC, { clearMs: 60_000, clearCapMs: 59_999 }, "clearMs", "expected at most clearCapMs (59999)"],
    [BTC, { volFloorBps: 8001 }, "volFloorBps", "expected at most volPriorBps (8000)"],
    [BTC, { volPriorBps: 100_000, volCapBps: 99_999 }, "volPriorBps", "expected at most volCapBps (99999)"],
  ])("thresholds %#: %j", (index, thresholds, field, expected) => {
    const input = edited((c) => Object.assign(feed(c, index).thresholds, thresholds));
    expect(faultsOf(input)).toEqual([`feeds[${FEEDS[index]}].thresholds.${field}: ${expected}`]);
  });

  test.each<[name: string, thresholds: Plain]>([
    ["β and its cap may be zero", { beta: 0, sysCapBps: 0 }],
    [
      "the edge of each check holds",
      { jumpBps: 1499, floorBps: 100, minGroups: 3, maxGroupBps: 2500, quoteMs: 59_999, refTauMs: 3_600_000 },
    ],
  ])("%s", (_, thresholds) => {
    expect(faultsOf(edited((c) => Object.assign(feed(c, BTC).thresholds, thresholds)))).toEqual([]);
  });

  test("a long-tail feed may disperse beyond its jump limit", () => {
    const thresholds = { dispersionBps: 2000 };
    const input = edited((c) => Object.assign(feed(c, USDT), { preset: "longtail", thresholds }));
    expect(faultsOf(input)).toEqual([]);
  });
});
