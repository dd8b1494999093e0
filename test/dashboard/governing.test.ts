import { describe, expect, it } from "vitest";
import { groupTerms, progressOf, sayKind, thresholdRows } from "../../dashboard/view/governing.ts";
import { resolveThresholds, THRESHOLDS } from "../../protocol/thresholds.ts";

describe("thresholds", () => {
  it("stand each beside its preset's and its bounds", () => {
    const rows = thresholdRows(resolveThresholds("major", { jumpBps: 250 }), "major");
    expect(rows).toHaveLength(Object.keys(THRESHOLDS).length);
    expect(rows.find(({ name }) => name === "jumpBps")).toEqual({
      name: "jumpBps",
      value: 250,
      preset: 300,
      floor: 10,
      ceiling: 10_000,
    });
    expect(rows.filter(({ value, preset }) => value !== preset)).toHaveLength(1);
  });

  it("are shown once for all feeds that share them", () => {
    const major = resolveThresholds("major");
    const groups = groupTerms([
      { feed: "ETH/USD", preset: "major", thresholds: major },
      { feed: "LINK/USD", preset: "large", thresholds: resolveThresholds("large") },
      { feed: "BTC/USD", preset: "major", thresholds: major },
      { feed: "WBTC/USD", preset: "major", thresholds: resolveThresholds("major", { dispersionBps: 150 }) },
    ]);
    expect(groups.map(({ preset, feeds, changed }) => [preset, feeds, changed])).toEqual([
      ["large", ["LINK/USD"], 0],
      ["major", ["BTC/USD", "ETH/USD"], 0],
      ["major", ["WBTC/USD"], 1],
    ]);
  });
});

it("a pending config's way is its timelock, and then agreement of every changed feed", () => {
  const pending = {
    activation: 50_000,
    feeds: [
      { feed: "A/USD", agreedAt: 0, accepted: false },
      { feed: "B/USD", agreedAt: 39_000, accepted: false },
      { feed: "C/USD", agreedAt: 30_000, accepted: false },
      { feed: "D/USD", agreedAt: 0, accepted: true },
    ],
  };
  const { timelockLeftMs, agreeing } = progressOf(pending, { now: 40_000, shadowMs: 10_000 });
  expect(timelockLeftMs).toBe(10_000);
  expect(agreeing.map(({ state }) => state)).toEqual(["apart", "agreeing", "agreed", "accepted"]);
  expect(agreeing[1]?.agreedMs).toBe(1_000);
  expect(progressOf(pending, { now: 60_000, shadowMs: 10_000 }).timelockLeftMs).toBe(0);
});

it("a kind of document is named, an unknown one by itself", () => {
  expect([sayKind("pause"), sayKind("new-kind")]).toEqual(["Pause", "new-kind"]);
});
