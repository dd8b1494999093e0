import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configDigest } from "../../protocol/config.ts";
import { THRESHOLDS, type ThresholdName } from "../../protocol/thresholds.ts";
import {
  holderAddress as address,
  at,
  BTC,
  faultsOf,
  feed,
  type GovernedInput,
  governed,
  nextConfig,
  parsed,
  SOL,
  source,
  USDT,
  WSTETH,
} from "./config-input.ts";

test("the governed base has no fault", () => {
  expect(faultsOf(governed())).toEqual([]);
  expect(faultsOf(governed((c) => Object.assign(c.governance, { governors: [], quorum: 0 })))).toEqual([]);
});

describe("governance", () => {
  test.each<[name: string, edit: (input: GovernedInput) => void, fault: string]>([
    [
      "a quorum of half",
      (c) => Object.assign(c.governance, { governors: c.governance.governors.slice(1), quorum: 2 }),
      "governance.quorum: expected more than half of the governors and no more than there are (3 to 4), found 2",
    ],
    [
      "a quorum of fewer than half",
      (c) => (c.governance.quorum = 2),
      "governance.quorum: expected more than half of the governors and no more than there are (3 to 5), found 2",
    ],
    [
      "a quorum of more than there are",
      (c) => (c.governance.quorum = 6),
      "governance.quorum: expected more than half of the governors and no more than there are (3 to 5), found 6",
    ],
    ["a quorum of nobody", (c) => (c.governance.governors = []), "governance.quorum: expected 0 without governors, found 3"],
    [
      "a governor who is a guardian",
      (c) => (at(c.governance.guardians, 0).address = address("5")),
      `governance: expected every keyholder's address once, found "${address("5")}" twice`,
    ],
    [
      "a governor with two votes",
      (c) => (at(c.governance.governors, 0).address = address("6")),
      `governance: expected every keyholder's address once, found "${address("6")}" twice`,
    ],
    [
      "two keyholders of one name",
      (c) => (at(c.governance.guardians, 0).name = "governor-5"),
      'governance: expected every keyholder\'s name once, found "governor-5" twice',
    ],
    [
      "no timelock",
      (c) => (c.governance.timelockMs = 0),
      "governance.timelockMs: expected a whole number from 1000 to 2592000000, found 0",
    ],
    [
      "no shadows",
      (c) => (c.governance.shadowMs = 0),
      "governance.shadowMs: expected a whole number from 1000 to 86400000, found 0",
    ],
  ])("%s", (_, edit, fault) => {
    expect(faultsOf(governed(edit))).toEqual([fault]);
  });
});

describe("chains, references and pegs", () => {
  test.each<[name: string, edit: (input: GovernedInput) => void, fault: string]>([
    [
      "a chain twice",
      (c) => c.chains.push({ chain: "ETHEREUM", blockMs: 2_000 }),
      'chains: expected every chain once, found "ETHEREUM" twice',
    ],
    [
      "a reference twice",
      (c) => (at(c.references, 3).name = "pool-twap"),
      'references: expected every name once, found "pool-twap" twice',
    ],
    [
      "a reference of a chain that the network has not",
      (c) => (at(c.references, 0).chain = "BASE"),
      'references[steth-rate].chain: expected a chain of this network, found "BASE"',
    ],
    [
      "a source of another market than its reference",
      (c) => (at(c.references, 1).market = "SOL/USDT"),
      'feeds[SOL/USD].sources[0].market: expected SOL/USDT, which is what "link-usd" is of, found SOL/USD',
    ],
    [
      "a source that is an exchange rate",
      (c) => Object.assign(source(c, WSTETH, 0), { venue: "steth-rate" }),
      'feeds[WSTETH/ETH].sources[0].venue: expected a price, found the exchange rate "steth-rate"',
    ],
    [
      "a peg by an unknown rate",
      (c) => (feed(c, WSTETH).peg = { rate: "reth-rate" }),
      'feeds[WSTETH/ETH].peg.rate: expected a reference of kind exchange-rate, found "reth-rate"',
    ],
    [
      "a peg by a price",
      (c) => (feed(c, WSTETH).peg = { rate: "link-usd" }),
      'feeds[WSTETH/ETH].peg.rate: expected a reference of kind exchange-rate, found "link-usd"',
    ],
    [
      "a peg by another asset's rate",
      (c) => (at(c.references, 0).market = "RETH/ETH"),
      "feeds[WSTETH/ETH].peg.rate: expected a rate of WSTETH, found one of RETH",
    ],
  ])("%s", (_, edit, fault) => {
    expect(faultsOf(governed(edit))).toEqual([fault]);
  });

  test("a rate in terms of ETH is as good as one in terms of STETH", () => {
    expect(faultsOf(governed((c) => (at(c.references, 0).market = "WSTETH/ETH")))).toEqual([]);
  });

  test("a feed may not be named as the leaf of a chain", () => {
    const input = governed((c) => {
      feed(c, USDT).feed = "CHAIN/USD";
      for (const item of feed(c, USDT).sources) item.market = "CHAIN/USD";
      for (const item of feed(c, WSTETH).sources) item.convert = [{ multiply: "CHAIN/USD" }, { divide: "ETH/USD" }];
      for (const item of feed(c, WSTETH).sources) item.market = "WSTETH/CHAIN";
    });
    expect(faultsOf(input)).toEqual(["feeds[CHAIN/USD]: expected no feed of CHAIN, which names the leaves of chains"]);
  });
});

/** Liquidations off for ever, by a threshold that nothing passes or that everything trips: neither is a config. */
describe("a threshold moved to zero or to infinity", () => {
  const names = Object.keys(THRESHOLDS) as ThresholdName[];
  test.each(names)("%s", (name) => {
    const { floor, ceiling } = THRESHOLDS[name];
    const faultsWith = (value: number) => faultsOf(governed((c) => (feed(c, BTC).thresholds[name] = value)));
    const expected = (value: number) => [
      `feeds[${BTC}].thresholds.${name}: expected a whole number from ${floor} to ${ceiling}, found ${value}`,
    ];
    expect(faultsWith(2 ** 53 - 1)).toEqual(expected(2 ** 53 - 1));
    expect(faultsWith(2 ** 53)).not.toEqual([]);
    expect(faultsWith(Number.POSITIVE_INFINITY)).not.toEqual([]);
    if (floor === 0) expect(["beta", "sysCapBps", "pegHoldMs"]).toContain(name);
    else expect(faultsWith(0)).toEqual(expected(0));
  });
});

test("parsing a parsed config changes nothing, whatever is in it", () => {
  const amounts = fc.tuple(fc.nat(10 ** 9), fc.nat(10 ** 9)).map(([whole, part]) => `${whole + 1}.${part}`);
  const edits = fc.record({
    rate: fc.boolean(),
    par: fc.option(amounts),
    cap: fc.option(fc.record({ value: amounts, at: fc.nat(), growthBps: fc.nat(100_000) })),
    timelockMs: fc.integer({ min: 1_000, max: 10 ** 9 }),
    floor: fc.option(amounts),
    liquidateNone: fc.boolean(),
    pegTrust: fc.constantFrom(undefined, "market", "rate"),
    preset: fc.constantFrom("stable", "longtail"),
    shuffle: fc.boolean(),
  });
  fc.assert(
    fc.property(edits, (e) => {
      const config = nextConfig((c) => {
        if (!e.rate) delete feed(c, WSTETH).peg;
        feed(c, USDT).preset = e.preset;
        if (e.par !== null) feed(c, USDT).peg = { par: e.par };
        if (e.cap !== null) source(c, SOL, 2).cap = e.cap;
        if (e.floor !== null) at(c.chains, 0).feeFloorGwei = e.floor;
        Object.assign(at(c.chains, 0), { liquidateNone: e.liquidateNone });
        c.governance.timelockMs = e.timelockMs;
        if (e.pegTrust !== undefined) feed(c, BTC).thresholds.pegTrust = e.pegTrust;
        if (e.shuffle) c.references.reverse();
      });
      const again = parsed(JSON.parse(JSON.stringify(config)));
      expect(again).toEqual(config);
      expect(configDigest(again)).toBe(configDigest(config));
    }),
    { numRuns: 60 },
  );
});
