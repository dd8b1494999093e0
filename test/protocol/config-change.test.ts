import { describe, expect, test } from "vitest";
import type { NetworkConfig } from "../../protocol/config.ts";
import { CHANGE_CODES, checkChange, isSameNetwork } from "../../protocol/config-change.ts";
import { PRESETS, THRESHOLDS, type ThresholdName } from "../../protocol/thresholds.ts";
import {
  at,
  BTC,
  feed,
  type GovernedInput,
  governed,
  holderAddress,
  holders,
  member,
  nextConfig as next,
  type Plain,
  parsed,
  SOL,
  source,
  USDT,
} from "./config-input.ts";

const current = parsed(governed());

function told(before: NetworkConfig, after: NetworkConfig): readonly string[] {
  return checkChange(before, after).map(({ code, path, expected }) => `${code} ${path}: ${expected}`);
}

test("a config may follow that changes nothing but its version", () => {
  expect(told(current, next())).toEqual([]);
});

describe("a config that is no successor", () => {
  test.each<[name: string, edit: (input: GovernedInput) => void, fault: string]>([
    ["another network's", (c) => (c.network = "other"), "network: expected test, which never changes"],
    ["another length of rounds", (c) => (c.roundMs = 1_500), "roundMs: expected 1000, which never changes"],
    ["the same version", (c) => (c.version = 1), "version: expected more than 1, found 1"],
  ])("%s", (_, edit, fault) => {
    expect(told(current, next(edit))).toEqual([`not-successor ${fault}`]);
  });

  test("other rules, of a version of the code that is to come", () => {
    expect(told({ ...current, rules: 2 as 1 }, next())).toEqual(["not-successor rules: expected 2, which never changes"]);
  });

  test("an older version", () => {
    expect(
      told(
        next((c) => (c.version = 7)),
        next((c) => (c.version = 6)),
      ),
    ).toEqual(["not-successor version: expected more than 7, found 6"]);
  });

  test("what makes a network is its name, its fold and its rounds", () => {
    expect(
      isSameNetwork(
        current,
        next((c) => (c.leaseMs = 70_000)),
      ),
    ).toBe(true);
    expect(
      isSameNetwork(
        current,
        next((c) => (c.network = "other")),
      ),
    ).toBe(false);
    expect(
      isSameNetwork(
        current,
        next((c) => (c.roundMs = 1_500)),
      ),
    ).toBe(false);
    expect(isSameNetwork(current, { ...current, rules: 2 as 1 })).toBe(false);
  });
});

/** Every value that may move by a factor of two: how to read and set it, and one that may be doubled and halved. */
const STEPS: readonly (readonly [path: string, value: number, set: (input: GovernedInput, value: number) => unknown])[] = [
  ["leaseMs", 40_000, (c, value) => Object.assign(c, { leaseMs: value, chains: [] })],
  ["graceMs", 100, (c, value) => (c.graceMs = value)],
  ["hopBudgetMs", 40, (c, value) => (c.hopBudgetMs = value)],
  ["maxSkewMs", 150, (c, value) => (c.maxSkewMs = value)],
  ["restartRounds", 4, (c, value) => (c.restartRounds = value)],
  ["governance.timelockMs", 100_000, (c, value) => (c.governance.timelockMs = value)],
  ["governance.shadowMs", 100_000, (c, value) => (c.governance.shadowMs = value)],
  ["governance.lapseMs", 100_000, (c, value) => (c.governance.lapseMs = value)],
  ["governance.replayRounds", 10_000, (c, value) => (c.governance.replayRounds = value)],
  ["chains[ETHEREUM].blockMs", 4_000, (c, value) => (at(c.chains, 0).blockMs = value)],
];

describe("a time", () => {
  const configAt = (set: (typeof STEPS)[number][2], value: number, version: number) =>
    parsed(
      governed((c) => {
        c.references = [];
        for (const item of c.feeds) delete item.peg;
        Object.assign(source(c, SOL, 0), { venue: "a", group: "a" });
        c.version = version;
        set(c, value);
      }),
    );
  test.each(STEPS)("%s moves by a factor of two and no further", (path, value, set) => {
    const before = configAt(set, value, 1);
    expect(told(before, configAt(set, 2 * value, 2))).toEqual([]);
    expect(told(before, configAt(set, value / 2, 2))).toEqual([]);
    const further = [2 * value + 1, value / 2 - 1];
    for (const found of further) {
      expect(told(before, configAt(set, found, 2))).toEqual([
        `too-far ${path}: expected at most a factor of two from ${value}, found ${found}`,
      ]);
    }
  });

  test("a fee floor, which is an amount, moves by a factor of two and no further", () => {
    const floor = (text: string) => next((c) => (at(c.chains, 0).feeFloorGwei = text));
    expect(told(current, floor("40"))).toEqual([]);
    expect(told(current, floor("10"))).toEqual([]);
    expect(told(current, floor("40.000000000000000001"))).toEqual([
      "too-far chains[ETHEREUM].feeFloorGwei: expected at most a factor of two from 20, found 40.000000000000000001",
    ]);
    expect(told(current, floor("9.99"))).toHaveLength(1);
  });

  test("a new chain, and one that goes, are bound by nothing", () => {
    expect(
      told(
        current,
        next((c) => c.chains.push({ chain: "BASE", blockMs: 2_000, feeFloorGwei: "0.01" })),
      ),
    ).toEqual([]);
    const both = next((c) => c.chains.push({ chain: "BASE", blockMs: 2_000 }));
    expect(told({ ...both, version: 1 }, next())).toEqual([]);
  });
});

/** With the one threshold at a value, relations between thresholds put aside: what may follow what is asked here. */
function withThreshold(config: NetworkConfig, name: ThresholdName, value: number): NetworkConfig {
  const [first, ...rest] = config.feeds;
  if (first === undefined) throw new Error("the base has feeds");
  return { ...config, feeds: [{ ...first, thresholds: { ...first.thresholds, [name]: value } }, ...rest] };
}

describe("a threshold", () => {
  const names = Object.keys(THRESHOLDS) as ThresholdName[];
  const later = { ...current, version: 2 };
  const step = (name: ThresholdName, from: number, to: number) =>
    told(withThreshold(current, name, from), withThreshold(later, name, to));

  test.each(names)("%s moves by a factor of two and no further", (name) => {
    const value = 2 * Math.max(...PRESETS.map((preset) => THRESHOLDS[name].presets[preset]));
    expect(step(name, value, 2 * value)).toEqual([]);
    expect(step(name, value, value / 2)).toEqual([]);
    const path = `feeds[BTC/USD].thresholds.${name}`;
    for (const found of [2 * value + 1, value / 2 - 1, 2 ** 53 - 1]) {
      expect(step(name, value, found)).toEqual([
        `too-far ${path}: expected at most a factor of two from ${value}, found ${found}`,
      ]);
    }
  });

  test.each<[ThresholdName, number]>([
    ["beta", 4],
    ["sysCapBps", 4_000],
    ["pegHoldMs", 43_200_000],
  ])("%s comes from zero, and goes there, by at most %i", (name, most) => {
    expect(step(name, 0, 0)).toEqual([]);
    expect(step(name, 0, most)).toEqual([]);
    expect(step(name, most, 0)).toEqual([]);
    expect(step(name, 0, most + 1)).toHaveLength(1);
    expect(step(name, most + 1, 0)).toHaveLength(1);
  });

  test("that may not be zero never gets there", () => {
    for (const name of names) {
      if (THRESHOLDS[name].floor > 0) expect(step(name, 1, 0), name).toHaveLength(1);
    }
  });

  test("of a new feed is bound by nothing but its floor and ceiling", () => {
    const doge = { ...structuredClone(feed(governed(), BTC)), feed: "DOGE/USD", thresholds: { jumpBps: 10, dispersionBps: 5 } };
    for (const item of doge.sources) item.market = "DOGE/USD";
    expect(
      told(
        current,
        next((c) => c.feeds.push(doge)),
      ),
    ).toEqual([]);
  });

  test("is bound in every feed, by another preset as well", () => {
    const faults = told(
      current,
      next((c) => (feed(c, USDT).preset = "longtail")),
    );
    expect(faults.map((fault) => fault.split(":")[0])).toContain("too-far feeds[USDT/USD].thresholds.jumpBps");
  });
});

describe("the committee", () => {
  const members = (digits: string) => (c: GovernedInput) => (c.committee = holders("node", digits));
  const of = (digits: string, version: number) =>
    parsed(
      governed((c) => {
        c.governance = { governors: [], guardians: [], quorum: 0 };
        c.version = version;
        members(digits)(c);
      }),
    );

  test.each<[name: string, from: string, to: string, faults: readonly string[]]>([
    ["one of four leaves and one comes", "1234", "1235", []],
    ["one comes", "1234", "12345", []],
    ["one leaves", "12345", "1234", []],
    ["two of seven leave and two come", "1234567", "1234589", []],
    [
      "two of four",
      "1234",
      "1256",
      ["too-far committee: expected at most 1 to leave, found 2", "too-far committee: expected at most 1 to come, found 2"],
    ],
    ["two come at once", "1234", "123456", ["too-far committee: expected at most 1 to come, found 2"]],
    ["two leave at once", "123456", "1234", ["too-far committee: expected at most 1 to leave, found 2"]],
    [
      "three of seven",
      "1234567",
      "1234890",
      ["too-far committee: expected at most 2 to leave, found 3", "too-far committee: expected at most 2 to come, found 3"],
    ],
  ])("%s", (_, from, to, faults) => {
    expect(told(of(from, 1), of(to, 2))).toEqual(faults);
  });

  test("a member whose key is changed leaves and comes; a new name is nothing", () => {
    expect(
      told(
        current,
        next((c) => (member(c, 0).address = holderAddress("0"))),
      ),
    ).toEqual([]);
    const rekeyed = next((c) => {
      member(c, 0).address = holderAddress("0");
      member(c, 1).address = `0x${"12".repeat(20)}`;
    });
    expect(told(current, rekeyed)).toHaveLength(2);
    expect(
      told(
        current,
        next((c) => (c.committee = c.committee.map((item) => ({ ...item, name: `new-${item.name}` })))),
      ),
    ).toEqual([]);
  });
});

describe("keyholders", () => {
  const keyed = (changes: Plain) => next((c) => Object.assign(c.governance, changes));
  test.each<[name: string, changes: Plain, faults: readonly string[]]>([
    ["a governor for another", { governors: holders("governor", "06789") }, []],
    ["a guardian for another", { guardians: holders("guardian", "dbc") }, []],
    ["one of each leaves", { governors: holders("governor", "6789"), guardians: holders("guardian", "ab") }, []],
    ["a governor comes, and the quorum rises", { governors: holders("governor", "056789"), quorum: 4 }, []],
    ["another quorum by one", { quorum: 4 }, []],
    ["another quorum by two", { quorum: 5 }, ["too-far governance.quorum: expected at most one from 3, found 5"]],
    [
      "two governors for others",
      { governors: holders("governor", "01789") },
      [
        "too-far governance.governors: expected at most 1 to leave, found 2",
        "too-far governance.governors: expected at most 1 to come, found 2",
      ],
    ],
    [
      "two guardians more",
      { guardians: holders("guardian", "abcde") },
      ["too-far governance.guardians: expected at most 1 to come, found 2"],
    ],
    ["no guardian any more", { guardians: [] }, ["too-far governance.guardians: expected at most 1 to leave, found 3"]],
  ])("%s", (_, changes, faults) => {
    expect(told(current, keyed(changes))).toEqual(faults);
  });
});

test("every fault comes at once, and every code has come", () => {
  const faults = checkChange(
    current,
    next((c) => {
      c.network = "other";
      c.leaseMs = 120_000;
      c.restartRounds = 100;
      Object.assign(c.governance, { quorum: 5 });
    }),
  );
  expect(faults.map(({ path }) => path)).toEqual(["network", "restartRounds", "governance.quorum"]);
  expect([...new Set(faults.map(({ code }) => code))].sort()).toEqual([...CHANGE_CODES].sort());
});
