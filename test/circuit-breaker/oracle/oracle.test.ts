import { describe, expect, test } from "vitest";
import { stepBreaker } from "../../../circuit-breaker/breaker.ts";
import { EMPTY_MEMORY, type FeedMemory } from "../../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import type { Report } from "../../../protocol/report.ts";
import type { FeedVerdict } from "../../../protocol/round.ts";
import { resolveThresholds } from "../../../protocol/thresholds.ts";
import { quiet, viewAt } from "../chain.ts";
import { type Coverage, MUST_SEE } from "./coverage.ts";
import { describeCase, minimise } from "./minimise.ts";
import type { Breaker } from "./play.ts";
import { longestSoftPauseMs, PROPERTIES, type Seen, survivesEncoding, violated } from "./properties.ts";
import { runStory } from "./run.ts";

/** Of the long run (`npm run oracle`) the first stories: as many as see everything that must be seen. */
const ROUNDS = 10_000;
const PATIENCE_MS = 240_000;

test("production and oracle agree on every memory and every verdict, and no property is hurt", { timeout: PATIENCE_MS }, () => {
  const coverage: Coverage = new Map();
  for (let played = 0, seed = 1; played < ROUNDS; seed++) {
    const story = runStory(seed, coverage, { limit: ROUNDS - played });
    if (story.failure !== undefined) expect.fail(`seed ${seed}:\n${describeCase(minimise(story.failure))}`);
    played += story.played;
  }
  expect(MUST_SEE.filter((label) => !coverage.has(label))).toEqual([]);
});

describe("a breaker that is wrong in one thing is found, and its story made small", () => {
  const change =
    (
      lie: (
        memory: FeedMemory,
        verdict: FeedVerdict,
      ) => { readonly memory?: Partial<FeedMemory>; readonly report?: Partial<Report> },
    ): Breaker =>
    (input) => {
      const { memory, feeds, intake } = stepBreaker(input);
      const lies = memory.feeds.map((own, index) => lie(own, feeds[index] as FeedVerdict));
      return {
        intake,
        memory: { ...memory, feeds: memory.feeds.map((own, index) => ({ ...own, ...lies[index]?.memory })) },
        feeds: feeds.map((verdict, index) => ({ ...verdict, report: { ...verdict.report, ...lies[index]?.report } })),
      };
    };

  test.each([
    [
      "a corroboration that is forgotten",
      ({ corrob }: FeedMemory) => ({ memory: corrob > 0n ? { corrob: corrob - 1n } : {} }),
      /memory\.corrob/,
    ],
    ["a trip too few", ({ trips }: FeedMemory) => ({ memory: trips > 1 ? { trips: trips - 1 } : {} }), /memory\.trips/],
    ["a waiver too many", ({ state }: FeedMemory) => ({ memory: state === "half-open" ? { waived: 15 } : {} }), /memory\.waived/],
    [
      "an end of the interval",
      (_: FeedMemory, { report }: FeedVerdict) => ({ report: report.state === "open" ? { low: report.low + 1n } : {} }),
      /report\.low/,
    ],
    [
      "a permission",
      (_: FeedMemory, { report }: FeedVerdict) => ({ report: report.reasons > 8 ? { borrow: true } : {} }),
      /report\.borrow/,
    ],
    [
      "a pause that ends a millisecond early",
      ({ manual }: FeedMemory) => ({ memory: manual.action > 0 ? { manual: { ...manual, until: manual.until - 1 } } : {} }),
      /memory\.manual/,
    ],
    [
      "a peg that is agreed on too soon",
      ({ pegHeld }: FeedMemory) => ({ memory: pegHeld > 0n ? { pegHeld: pegHeld + 1n } : {} }),
      /memory\.pegHeld/,
    ],
    [
      "a chain's average that learns from a wave of fees",
      ({ feed, ema, price }: FeedMemory) => ({ memory: feed.startsWith("CHAIN/") && price > 3n * ema ? { ema: ema + 1n } : {} }),
      /memory\.ema/,
    ],
  ])("%s", { timeout: PATIENCE_MS }, (_name, lie, field) => {
    const breaker = change(lie);
    const { failure } = Array.from({ length: 20 }, (_, seed) => seed).reduce(
      (found: ReturnType<typeof runStory>, seed) =>
        found.failure === undefined ? runStory(seed, new Map(), { breaker, limit: 300 }) : found,
      { played: 0 },
    );
    if (failure === undefined) throw new Error("nothing was found");
    expect(failure.finding.lines.join()).toMatch(field);
    const small = minimise(failure, breaker);
    expect(small.rounds.length).toBeLessThan(30);
    expect(small.rounds.length).toBeLessThanOrEqual(failure.rounds.length);
    expect(describeCase(small)).toMatch(field);
  });

  test("so is one that throws", () => {
    const breaker: Breaker = () => {
      throw new Error("planted");
    };
    expect(runStory(1, new Map(), { breaker }).failure?.finding.lines[0]).toContain("planted");
  });
});

describe("each property can fail", () => {
  const memory = quiet();
  const thresholds = resolveThresholds("major");
  const now = memory.pricedAt;
  const { price } = viewAt(now, memory.price);
  const report = {
    feed: memory.feed,
    price,
    low: price,
    high: price,
    ema: price,
    volatility: 1n,
    observedAt: now,
    state: "closed",
  };
  const calm = { ...report, liquidate: "any", borrow: true, budgetBps: 10_000, reasons: 0, since: 0 } as Report;
  const verdictOf = (overrides: Partial<Report>, ...rules: readonly FeedVerdict["reasons"][number]["rule"][]): FeedVerdict => ({
    report: { ...calm, ...overrides },
    reasons: rules.map((rule) => ({ rule, unit: "Bps", measured: 2, limit: 1 })),
  });
  const base: Seen = {
    ...{ before: memory, after: memory, verdict: verdictOf({}), previous: verdictOf({}), thresholds, roundMs: 1_000 },
    ...{ timestamp: now, dt: 1_000, priced: true, event: { openings: 1, softOpenMs: 0 } },
  };
  const inState = (state: FeedMemory["state"], overrides: Partial<FeedMemory> = {}) => ({ ...memory, state, ...overrides });
  const open = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
  const probe = { state: "half-open", borrow: false, budgetBps: 2_000 } as const;

  const LIES: Readonly<Record<keyof typeof PROPERTIES, Partial<Seen>>> = {
    "low ≤ price ≤ high, within the leaf's fields": { verdict: verdictOf({ high: MAX_AMOUNT + 1n }) },
    "the reasons name the leaf's bits": { verdict: verdictOf({ ...open, reasons: 2 }, "jump") },
    "closed only when nothing is active": { verdict: verdictOf({ reasons: 1 }, "jump") },
    "closed only by way of half-open": { before: inState("open") },
    "half-open only by way of open": { after: inState("half-open"), verdict: verdictOf(probe) },
    "a closed feed opens in the round in which a rule is active": { after: inState("open"), verdict: verdictOf(open) },
    "a waived rule never opens again": {
      ...{ before: inState("half-open"), after: inState("open", { waived: 2 }) },
      verdict: verdictOf({ ...open, reasons: 2 }, "dispersion"),
    },
    "a carried price is at most robust and never to borrow on": { priced: false },
    "stale and restart permit nothing": {
      before: inState("open"),
      after: inState("open"),
      verdict: verdictOf({ ...open, reasons: 16 }, "stale"),
    },
    "a budget only with `any`, all of it only when closed": { verdict: verdictOf({ budgetBps: 9_999 }) },
    "the budget of an undisturbed probe never falls": {
      ...{ before: inState("half-open"), after: inState("half-open") },
      ...{ verdict: verdictOf(probe), previous: verdictOf({ ...probe, budgetBps: 2_001 }) },
    },
    "each rule's open time ends within a round of its cap": { after: { ...memory, openMs: [thresholds.maxOpenMs + 5_000] } },
    "a pause on fresh data ends": { event: { openings: 1, softOpenMs: longestSoftPauseMs(thresholds, 1_000, 1) + 1 } },
    "information narrows nothing": { verdict: verdictOf({ liquidate: "robust", budgetBps: 0, reasons: 128 }, "config") },
    "a pause to none permits nothing": {
      ...{ before: inState("open"), after: inState("open", { manual: { action: 2, until: now + 1 } }) },
      verdict: verdictOf({ ...open, reasons: 512 }, "manual"),
    },
    "a pause ends at the time it named, a day ahead at most": {
      ...{ before: inState("open"), after: inState("open", { manual: { action: 1, until: now } }) },
      verdict: verdictOf({ ...open, reasons: 512 }, "manual"),
    },
    "nothing is held of a peg that is not active": { after: { ...memory, pegHeld: 1n } },
    "an agreement ends the hold": { after: { ...memory, corrob: 100n * BigInt(thresholds.confirmMs) } },
    "a probe ends": { after: { ...memory, agree: thresholds.probeMs } },
    "the meter overflows by one round at most": {
      after: { ...memory, spent: BigInt(thresholds.pauseBudgetMs + 5_000) * 86_400_000n },
    },
    "a gap ends after gapHoldMs": { after: { ...memory, gapAt: now - thresholds.gapHoldMs - 1 } },
  };

  test("none does in a calm round", () => expect(violated(base)).toBeUndefined());
  test.each(Object.keys(PROPERTIES))("%s", (name) => expect(violated({ ...base, ...LIES[name] })).toBe(name));
  test("a memory that its encoding does not bring back", () => {
    expect(survivesEncoding({ ...EMPTY_MEMORY, feeds: [memory] })).toBe(true);
    expect(survivesEncoding({ ...EMPTY_MEMORY, feeds: [{ ...memory, dir: 2 }] })).toBe(false);
  });
});
