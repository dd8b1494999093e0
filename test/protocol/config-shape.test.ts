import { describe, expect, test } from "vitest";
import { BTC, ETH, edited, faultsOf, feed, type Input, member, type Plain, SOL, source, WSTETH } from "./config-input.ts";

const ADDRESS = "expected an address in quotes: 0x and 40 lower-case hex digits";

describe("shape: each fault names its path and what was expected", () => {
  test.each<[name: string, edit: (input: Input) => void, faults: readonly string[]]>([
    ["missing network", (c) => delete c.network, ["network: missing: expected a text"]],
    ["missing rules", (c) => delete c.rules, ["rules: missing: expected 1"]],
    ["missing committee", (c) => delete (c as Plain).committee, ["committee: missing: expected a list"]],
    ["missing feeds", (c) => delete (c as Plain).feeds, ["feeds: missing: expected a list"]],
    ["missing name", (c) => delete member(c, 2).name, ["committee[2].name: missing: expected a text"]],
    ["missing address", (c) => delete member(c, 2).address, [`committee[2].address: missing: ${ADDRESS}`]],
    [
      "missing preset",
      (c) => delete feed(c, BTC).preset,
      ["feeds[0].preset: missing: expected one of major, large, stable, staked, longtail"],
    ],
    [
      "missing weight",
      (c) => delete source(c, ETH, 1).weight,
      ["feeds[1].sources[1].weight: missing: expected a whole number from 1 to 1000000"],
    ],
    ["key f", (c) => (c.f = 1), ["f: expected no such key"]],
    ["key quorum", (c) => (c.quorum = 3), ["quorum: expected no such key"]],
    [
      "two unknown keys",
      (c) => Object.assign(member(c, 0), { x: 1, y: 2 }),
      ["committee[0].x: expected no such key", "committee[0].y: expected no such key"],
    ],
    ["unknown threshold", (c) => (feed(c, BTC).thresholds.jump = 5), ["feeds[0].thresholds.jump: expected no such key"]],
    ["other rules", (c) => (c.rules = 2), ["rules: expected 1, found 2"]],
    [
      "unknown preset",
      (c) => (feed(c, BTC).preset = "mayor"),
      ['feeds[0].preset: expected one of major, large, stable, staked, longtail, found "mayor"'],
    ],
    [
      "negative threshold",
      (c) => (feed(c, BTC).thresholds.jumpBps = -5),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found -5"],
    ],
    [
      "zero threshold",
      (c) => (feed(c, BTC).thresholds.staleMs = 0),
      ["feeds[0].thresholds.staleMs: expected a whole number from 6000 to 3000000, found 0"],
    ],
    [
      "threshold above its ceiling",
      (c) => (feed(c, BTC).thresholds.jumpBps = 10_001),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found 10001"],
    ],
    [
      "threshold below its floor, for all feeds",
      (c) => (c.thresholds = { jumpBps: 9 }),
      ["thresholds.jumpBps: expected a whole number from 10 to 10000, found 9"],
    ],
    [
      "threshold not whole",
      (c) => (feed(c, BTC).thresholds.jumpBps = 300.5),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found 300.5"],
    ],
    [
      "threshold NaN",
      (c) => (feed(c, BTC).thresholds.jumpBps = Number.NaN),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found NaN"],
    ],
    [
      "threshold infinite",
      (c) => (feed(c, BTC).thresholds.jumpBps = Number.POSITIVE_INFINITY),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found Infinity"],
    ],
    [
      "threshold huge",
      (c) => (feed(c, BTC).thresholds.jumpBps = 1e300),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found 1e+300"],
    ],
    [
      "threshold as text",
      (c) => (feed(c, BTC).thresholds.jumpBps = "300"),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found another text"],
    ],
    [
      "threshold null",
      (c) => (feed(c, BTC).thresholds.jumpBps = null),
      ["feeds[0].thresholds.jumpBps: expected a whole number from 10 to 10000, found nothing"],
    ],
    [
      "rule that cannot be raised",
      (c) => (feed(c, BTC).thresholds.liquidateNone = ["stale"]),
      [
        'feeds[0].thresholds.liquidateNone[0]: expected one of jump, dispersion, divergence, thin, congestion, peg, gap, found "stale"',
      ],
    ],
    [
      "upper-case address",
      (c) => (member(c, 1).address = `0x${"AB".repeat(20)}`),
      [`committee[1].address: ${ADDRESS}, found another text`],
    ],
    [
      "address that YAML read as a number",
      (c) => (member(c, 1).address = 0x1111),
      [`committee[1].address: ${ADDRESS}, found 4369`],
    ],
    ["short address", (c) => (member(c, 1).address = "0x11"), [`committee[1].address: ${ADDRESS}, found another text`]],
    [
      "network's name",
      (c) => (c.network = "Main Net"),
      ["network: expected 1 to 32 of a-z, 0-9, '.' and '-', found another text"],
    ],
    [
      "lower-case feed",
      (c) => (feed(c, SOL).feed = "sol/usd"),
      ["feeds[2].feed: expected BASE/QUOTE, each of A-Z, 0-9 and '.', found another text"],
    ],
    ["feed as number", (c) => (feed(c, SOL).feed = 5), ["feeds[2].feed: expected BASE/QUOTE, found 5"]],
    [
      "leg of no kind",
      (c) => (source(c, WSTETH).convert = [{ add: "A/B" }]),
      ["feeds[4].sources[0].convert[0]: expected { multiply: FEED } or { divide: FEED }, found keys with values"],
    ],
    [
      "leg of both kinds",
      (c) => (source(c, WSTETH).convert = [{ multiply: "A/B", divide: "C/D" }]),
      ["feeds[4].sources[0].convert[0]: expected { multiply: FEED } or { divide: FEED }, found keys with values"],
    ],
    [
      "five legs",
      (c) => (source(c, WSTETH).convert = Array(5).fill({ multiply: "A/B" })),
      ["feeds[4].sources[0].convert: expected at most 4 items, found a list of 5"],
    ],
    [
      "weight zero",
      (c) => (source(c, ETH).weight = 0),
      ["feeds[1].sources[0].weight: expected a whole number from 1 to 1000000, found 0"],
    ],
    ["no sources", (c) => (feed(c, ETH).sources = []), ["feeds[1].sources: expected at least 1 items, found a list of 0"]],
    [
      "65 sources",
      (c) => (feed(c, ETH).sources = Array(65).fill(source(c, ETH))),
      ["feeds[1].sources: expected at most 64 items, found a list of 65"],
    ],
    ["no feeds", (c) => (c.feeds = []), ["feeds: expected at least 1 items, found a list of 0"]],
    ["feeds by name", (c) => ((c as Plain).feeds = {}), ["feeds: expected a list, found keys with values"]],
    ["member as text", (c) => ((c as Plain).committee = ["a"]), ["committee[0]: expected keys with values, found another text"]],
    [
      "129 members",
      (c) => (c.committee = Array(129).fill(member(c, 0))),
      ["committee: expected at most 128 items, found a list of 129"],
    ],
    [
      "chain's name",
      (c) => (c.chains = [{ chain: "eth", blockMs: 1_000 }]),
      ["chains[0].chain: expected 1 to 20 of A-Z and 0-9, found another text"],
    ],
    ["round of 50 ms", (c) => (c.roundMs = 50), ["roundMs: expected a whole number from 100 to 60000, found 50"]],
    [
      "lease above two minutes",
      (c) => (c.leaseMs = 120_001),
      ["leaseMs: expected a whole number from 1000 to 120000, found 120001"],
    ],
    [
      "several at once",
      (c) => Object.assign(c, { f: 1, roundMs: 0 }),
      ["roundMs: expected a whole number from 100 to 60000, found 0", "f: expected no such key"],
    ],
  ])("%s", (_, edit, faults) => {
    expect(faultsOf(edited(edit))).toEqual(faults);
  });

  test.each([
    [undefined, "missing: expected keys with values"],
    [null, "expected keys with values, found nothing"],
    [[], "expected keys with values, found a list of 0"],
    ["network: test", "expected keys with values, found another text"],
    [5, "expected keys with values, found 5"],
  ])("%j is no config", (input, expected) => {
    expect(faultsOf(input)).toEqual([`(top level): ${expected}`]);
  });
});
