import { describe, expect, it, test } from "vitest";
import { DROP_CODES } from "../../aggregator/source.ts";
import type { Reason } from "../../dashboard/data/api.ts";
import { sayDrop } from "../../dashboard/view/drops.ts";
import {
  barOf,
  measureOf,
  permitWords,
  RULE_WORDS,
  sayChainSentences,
  sayChange,
  sayClears,
  sayMeans,
  sayReason,
  saySentences,
  sayState,
} from "../../dashboard/view/words.ts";
import { clearCondition } from "../../protocol/clear-condition.ts";
import { RULES } from "../../protocol/report.ts";
import { resolveThresholds } from "../../protocol/thresholds.ts";

const REASONS: readonly (readonly [reason: Reason, says: string])[] = [
  [{ rule: "jump", measuredBps: 420, limitBps: 300 }, "Price moved off its average: 4.2 %, limit 3 %"],
  [{ rule: "jump", measuredBps: 80, limitBps: 300 }, "Price moved off its average: now 80 bps, limit 3 %; quiet time"],
  [{ rule: "dispersion", measuredBps: 150, limitBps: 100 }, "Nodes disagree: 1.5 %, limit 1 %"],
  [{ rule: "divergence", measuredBps: 5_000, limitBps: 3_000 }, "Venues disagree: 50 %, limit 30 %"],
  [{ rule: "thin", measuredGroups: 2, limitGroups: 4 }, "Thinly sourced: 2 groups of 4 wanted"],
  [{ rule: "thin", measuredGroups: 4, limitGroups: 4 }, "Thinly sourced: now 4 groups of 4 wanted; quiet time"],
  [{ rule: "thin", measuredBps: 6_000, limitBps: 5_000 }, "One source group too heavy: 60 %, limit 50 %"],
  [{ rule: "stale", measuredMs: 90_000, limitMs: 60_000 }, "Data too old: 1 min 30 s, limit 1 min"],
  [{ rule: "congestion", measuredPoints: 2, limitPoints: 2 }, "Chain congested: 2 points, limit 2 points"],
  [{ rule: "peg", measuredBps: 285, limitBps: 100 }, "Off its redemption rate: 2.85 %, limit 1 %"],
  [{ rule: "config", measuredBps: 150, limitBps: 100 }, "Pending config differs: 1.5 %, limit 1 %"],
  [{ rule: "restart", measuredRounds: 1, limitRounds: 3 }, "First rounds after a start or an outage: 1 of 3 rounds"],
  [{ rule: "restart", measuredMs: 25_000, limitMs: 0 }, "First rounds after a start or an outage: 25 s"],
  [{ rule: "manual", measuredMs: 540_000, limitMs: 0 }, "Paused by hand for another 9 min"],
  [{ rule: "manual", measuredMs: 0, limitMs: 0 }, "Paused by hand; ended, quiet time"],
  [{ rule: "gap", measuredBps: 9_000, limitBps: 1_500 }, "A step that no market makes: 90 %, limit 15 %"],
];

test.each(REASONS)("%o", (reason, says) => expect(sayReason(reason)).toBe(says));

it("every rule has a row above, and words", () => {
  expect(new Set(REASONS.map(([{ rule }]) => rule))).toEqual(new Set(RULES));
  expect(Object.keys(RULE_WORDS).sort()).toEqual([...RULES].sort());
});

it("every drop of a source has words of its own", () => {
  const words = DROP_CODES.map((code) => sayDrop({ code }));
  expect(new Set(words).size).toBe(DROP_CODES.length);
  for (const [index, code] of DROP_CODES.entries())
    if (code !== "stale" && code !== "outlier") expect(words[index]).not.toBe(code);
  expect(sayDrop({ code: "outlier", detail: "far off" })).toBe("outlier (far off)");
});

describe("clear conditions", () => {
  it.each(RULES)("of %s hold no bare milliseconds", (rule) => {
    const text = sayClears(clearCondition(rule, resolveThresholds("major")));
    expect(text).not.toMatch(/\d ms\b/);
    expect(text.length).toBeGreaterThan(10);
  });
  it("keep their numbers", () => {
    expect(sayClears("excess at most 150 bps for 30000 ms, or its cap")).toBe("excess at most 1.5 % for 30 s, or its cap");
  });
});

it("a bar shows what is beyond as beyond", () => {
  expect(barOf(measureOf({ rule: "jump", measuredBps: 400, limitBps: 200 }))).toEqual({ measured: 80, limit: 40 });
  expect(barOf(measureOf({ rule: "jump", measuredBps: 50, limitBps: 200 }))).toEqual({ measured: 20, limit: 80 });
  expect(barOf(measureOf({ rule: "manual", measuredMs: 0, limitMs: 0 }))).toEqual({ measured: 0, limit: 0 });
});

it("permits are said so that nobody takes a no for a yes", () => {
  expect(permitWords({ liquidate: "robust", borrow: false, budgetBps: 0 })).toEqual({
    liquidate: "robust only",
    borrow: "no",
    budget: "0 %",
  });
  expect(saySentences({ liquidate: "none", borrow: false, budgetBps: 0 })).toEqual([
    "Nobody may be liquidated on this price.",
    "Nothing that raises risk may use this price.",
    "Repaying and topping up are never blocked.",
  ]);
  expect(saySentences({ liquidate: "any", borrow: false, budgetBps: 1_900 }).join(" ")).toContain("19 %");
  expect(saySentences({ liquidate: "any", borrow: true, budgetBps: 10_000 }).join(" ")).not.toContain("%");
  expect(sayState({ state: "open" })).toBe("Paused, breaker open");
});

it("a chain speaks of the chain, and as clearly", () => {
  expect(sayChainSentences({ liquidate: "robust", borrow: false, budgetBps: 0 }).join(" ")).toMatch(
    /only loans under water.*Nothing that raises/,
  );
  expect(sayChainSentences({ liquidate: "any", borrow: true, budgetBps: 1_900 }).join(" ")).toContain("19 %");
  expect(sayChainSentences({ liquidate: "none", borrow: false, budgetBps: 0 })[0]).toContain("Nobody");
});

it("a pause by hand is not called a doubt about the price, nor is silence", () => {
  const manual: Reason = { rule: "manual", measuredMs: 1, limitMs: 0 };
  const stale: Reason = { rule: "stale", measuredMs: 90_000, limitMs: 60_000 };
  const jump: Reason = { rule: "jump", measuredBps: 420, limitBps: 300 };
  expect(sayMeans({ state: "open", reasons: [manual] })).toContain("People paused it");
  expect(sayMeans({ state: "open", reasons: [manual, stale] })).toContain("no fresh price");
  expect(sayMeans({ state: "open", reasons: [manual, jump] })).toContain("in doubt");
  expect(sayMeans({ state: "closed", reasons: [] })).toContain("undisputed");
});

it("a change without a rule says what it is", () => {
  expect(sayChange("half-open", [])).toContain("probe");
  expect(sayChange("closed", [])).toContain("proven");
  expect(sayChange("open", [{ rule: "stale", measuredMs: 90_000, limitMs: 60_000 }])).toContain("Data too old");
});
