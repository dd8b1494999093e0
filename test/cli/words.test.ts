import { describe, expect, it } from "vitest";
import { formatTable } from "../../cli/table.ts";
import { cutDigest, formatCount, formatWidth, sayReason } from "../../cli/words.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { RULES } from "../../protocol/report.ts";

describe("words", () => {
  it.each([
    [0, "0.0 s"],
    [999, "0.9 s"],
    [59_999, "59.9 s"],
    [60_000, "1 min"],
    [65_999, "1 min 5 s"],
    [3_599_999, "59 min 59 s"],
    [3_600_000, "1 h"],
    [3_725_000, "1 h 2 min"],
    [86_400_000, "1 d"],
    [90_000_000, "1 d 1 h"],
    [40 * 86_400_000, "40 d"],
  ])("%i ms is %s", (ms, expected) => expect(formatDuration(ms)).toBe(expected));

  it.each([
    [{ rule: "jump", measuredBps: 420, limitBps: 300 }, "jump: moved off its average, 420 bps (limit 300 bps)"],
    [{ rule: "stale", measuredMs: 65_000, limitMs: 60_000 }, "stale: data too old, 1 min 5 s (limit 1 min)"],
    [
      { rule: "restart", measuredRounds: 1, limitRounds: 3 },
      "restart: first rounds after a start or an outage, 1 round (limit 3 rounds)",
    ],
    [{ rule: "thin", measuredGroups: 2, limitGroups: 4 }, "thin: thinly sourced, 2 groups (limit 4 groups)"],
    [{ rule: "thin", measuredBps: 6_200, limitBps: 5_000 }, "thin: one group too heavy, 6200 bps (limit 5000 bps)"],
    [{ rule: "jump", measuredBps: 80, limitBps: 300 }, "jump: moved off its average, now 80 bps (limit 300 bps), quiet time"],
    [{ rule: "thin", measuredGroups: 4, limitGroups: 4 }, "thin: thinly sourced, now 4 groups (limit 4 groups), quiet time"],
    [{ rule: "manual", measuredMs: 540_000, limitMs: 0 }, "manual: paused by hand, for another 9 min"],
    [{ rule: "manual", measuredMs: 1, limitMs: 0 }, "manual: paused by hand, for another 0.0 s"],
    [{ rule: "manual", measuredMs: 0, limitMs: 0 }, "manual: paused by hand, ended, quiet time"],
  ] as const)("%o in words", (reason, expected) => expect(sayReason(reason)).toBe(expected));

  it("has words for every rule", () => {
    for (const rule of RULES) expect(sayReason({ rule, measuredBps: 2, limitBps: 1 })).toMatch(/^[a-z]+: [a-z' ]+, 2 bps/);
  });

  it.each([
    [{ price: "1800", low: "1799.1", high: "1800.9" }, "10.0"],
    [{ price: "3", low: "2.99999", high: "3" }, "0.0"],
    [{ price: "0", low: "0", high: "0" }, undefined],
  ])("the width of %o is %s bps", (interval, expected) => expect(formatWidth(interval)).toBe(expected));
});

describe("a table", () => {
  const columns = [
    { title: "feed", align: "left" },
    { title: "price", align: "right" },
    { title: "why", align: "left" },
  ] as const;
  const rows = [
    [{ text: "ETH/USD" }, { text: "1800.125", style: "red" }, { text: "" }],
    [{ text: "X/Y" }, { text: "1" }, { text: "because of this" }],
  ] as const;

  it("pads to the widest cell and leaves no blanks at a line's end", () => {
    expect(formatTable(columns, rows)).toEqual([
      "feed        price  why",
      "ETH/USD  1800.125",
      "X/Y             1  because of this",
    ]);
  });

  it("is as wide with colours as without, and cuts its last column to the window", () => {
    const lines = formatTable(columns, rows, { paint: (_, text) => `<${text}>`, width: 25 });
    expect(lines).toEqual(["feed        price  why", "ETH/USD  <1800.125>", "X/Y             1  becau…"]);
  });
});

it("cuts a digest to what tells two apart, and sets thousands apart", () => {
  expect(cutDigest(`0x5e12ab34${"0".repeat(56)}`)).toBe("0x5e12ab34…");
  expect([0, 999, 1_000, 86_400, 1_234_567].map(formatCount)).toEqual(["0", "999", "1 000", "86 400", "1 234 567"]);
});
