import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { BREAKER_STATES, type Report, RULES, type RuleName } from "../../protocol/report.ts";
import { createChain, ETH, networkWith } from "./chain.ts";

/**
 * One life of a feed through every row of BREAKER.md B6, by hand and second by second: preset `stable` at 1.0000 (quiet time 30 s doubled
 * by trips, probe 900 s, reset 3600 s, cap 1800 s because β is 0), n = 4 and f = 1, so two of four consecutive rounds make a firing of
 * the rules 1–3 hold. Its first round is second 0. Of the hard rules it meets restart, of the soft ones jump, divergence and thin; the
 * same ways through manual, peg and congestion are in worked-governed-rules.ts and chain-leaf.test.ts.
 */

const CALM = 10n ** 18n;
const POINT = 10n ** 14n;
const calm = { price: CALM };
const split = { price: CALM, outsideBps: 3_001 };
const thin = { price: CALM, groups: 2 };
const jumped = { price: CALM + 101n * POINT };

type Moment = {
  /** The rows of B6 that this moment is an example of. */
  readonly rows?: readonly string[];
  readonly why: string;
  /** The round of this second sees this; those since the moment before are calm, see the same, or are lost. */
  readonly second: number;
  readonly view: Partial<QuorumView>;
  readonly before?: "same" | "lost";
  readonly report: Partial<Report>;
  readonly memory?: Partial<FeedMemory>;
  /** Rules of which memory knows no firing that holds. */
  readonly unfired?: readonly RuleName[];
};

const spent = (rule: number, seconds: number) => Array.from({ length: 11 }, (_, bit) => (bit === rule ? seconds * 1_000 : 0));
const active = (...rules: readonly RuleName[]) => rules.reduce((bits, rule) => bits | BIT[rule], 0);
const OPEN = { state: "open", borrow: false, budgetBps: 0 } as const;
const PROBE = { state: "half-open", borrow: false } as const;
const ALL = { state: "closed", liquidate: "any", budgetBps: 10_000, reasons: 0 } as const;

const LIFE: readonly Moment[] = [
  {
    rows: ["– → open: genesis"],
    why: "genesis: restart is firing",
    second: 0,
    view: calm,
    report: { ...OPEN, liquidate: "none", reasons: active("restart") },
    memory: { rounds: 1, trips: 0, closedAt: 0, anchor: CALM, ema: CALM },
  },
  {
    rows: ["open → open: hard"],
    why: "rounds 2 and 3 of restartRounds 3",
    second: 2,
    view: calm,
    report: { ...OPEN, liquidate: "none", reasons: active("restart") },
    memory: { rounds: 3 },
  },
  {
    rows: ["open → half-open"],
    why: "nothing holds it: the probe begins at a tenth",
    second: 3,
    view: calm,
    report: { ...PROBE, liquidate: "any", budgetBps: 1_000, reasons: 0 },
    memory: { agree: 0, anchor: CALM },
  },
  {
    rows: ["half-open → half-open: agreeing"],
    why: "one second of it: 1000 + 9000/900",
    second: 4,
    view: calm,
    report: { ...PROBE, liquidate: "any", budgetBps: 1_010 },
    memory: { agree: 1_000 },
  },
  {
    why: "899 s: 1000 + 8990",
    second: 902,
    view: calm,
    report: { ...PROBE, liquidate: "any", budgetBps: 9_990 },
    memory: { agree: 899_000 },
  },
  {
    rows: ["half-open → closed"],
    why: "899 + 1 ≥ 900; no borrowing in the first day",
    second: 903,
    view: calm,
    report: { ...ALL, borrow: false },
    memory: { waived: 0 },
  },
  {
    rows: ["closed → open: same round"],
    why: "one leader's firing is enough to tighten, and holds nothing",
    second: 1_000,
    view: split,
    report: { ...OPEN, liquidate: "robust", reasons: active("divergence") },
    memory: { waived: 0, trips: 0 },
    unfired: ["divergence"],
  },
  {
    why: "so the next round is a probe",
    second: 1_001,
    view: calm,
    report: { ...PROBE, liquidate: "any", reasons: 0 },
    memory: { agree: 0 },
  },
  { why: "two seconds of it", second: 1_003, view: calm, report: { ...PROBE, budgetBps: 1_020 }, memory: { agree: 2_000 } },
  {
    rows: ["half-open → half-open: a firing below f+1 leaders"],
    why: "1004 alone of 1001 … 1004: narrowed, and state, agree and trips stay",
    second: 1_004,
    view: split,
    report: { ...PROBE, liquidate: "robust", budgetBps: 0, reasons: active("divergence") },
    memory: { agree: 2_000, trips: 0 },
  },
  {
    rows: ["half-open → open: fresh"],
    why: "1004 and 1005: two leaders, trips 1; the quiet time is 60 s now",
    second: 1_005,
    view: split,
    report: { ...OPEN, liquidate: "robust", reasons: active("divergence") },
    memory: { trips: 1, openMs: spent(2, 0) },
  },
  {
    rows: ["open → open: fresh"],
    why: "the quiet time of the firing at 1005 ends with 1065: 60 s of its own, from 1006 on",
    second: 1_065,
    view: calm,
    report: { ...OPEN, liquidate: "robust", reasons: active("divergence") },
    memory: { openMs: spent(2, 60) },
  },
  {
    why: "then the probe",
    second: 1_066,
    view: calm,
    report: { ...PROBE, liquidate: "any", budgetBps: 1_000 },
    memory: { trips: 1 },
  },
  { why: "all 900 s of it", second: 1_966, view: calm, report: ALL, memory: { trips: 1, openMs: spent(2, 60) } },
  {
    rows: ["closed → open: before resetMs"],
    why: "closed for 34 s: trips and open time stay",
    second: 2_000,
    view: jumped,
    report: { ...OPEN, liquidate: "robust", reasons: active("jump") },
    memory: { trips: 1, openMs: spent(2, 60) },
  },
  {
    rows: ["open → half-open: re-anchored"],
    why: "quiet for 60 s at 1.0020, 61 s after its firing: the anchor is the price, nothing is left of jump",
    second: 2_061,
    view: { price: CALM + 20n * POINT },
    report: { ...PROBE, liquidate: "any", budgetBps: 1_000, reasons: 0 },
    memory: { anchor: CALM + 20n * POINT, corrob: 0n, stepMax: 0 },
    unfired: ["jump"],
  },
  {
    why: "closed at 2961, and so for 3599 s",
    second: 6_560,
    view: { price: CALM + 20n * POINT },
    report: ALL,
    memory: { trips: 1 },
  },
  {
    rows: ["closed → open: after resetMs"],
    why: "for 3600 s: trips and open time begin again; the quiet time is 30 s",
    second: 6_561,
    view: thin,
    report: { ...OPEN, liquidate: "robust", reasons: active("thin") },
    memory: { trips: 0, openMs: spent(3, 0), waived: 0 },
  },
  {
    why: "1799 s of thin",
    second: 8_360,
    view: thin,
    before: "same",
    report: { ...OPEN, liquidate: "robust" },
    memory: { openMs: spent(3, 1_799), waived: 0 },
  },
  {
    rows: ["open → half-open: at the cap"],
    why: "1800 s: waived, and nothing else holds it",
    second: 8_361,
    view: thin,
    report: { ...PROBE, liquidate: "any", budgetBps: 1_000, reasons: active("thin") },
    memory: { openMs: spent(3, 1_800), waived: BIT.thin, trips: 0 },
  },
  {
    rows: ["half-open → half-open: waived"],
    why: "a waived rule keeps the budget at a tenth and opens nothing",
    second: 8_400,
    view: thin,
    before: "same",
    report: { ...PROBE, liquidate: "any", budgetBps: 1_000, reasons: active("thin") },
    memory: { agree: 0, trips: 0, waived: BIT.thin },
  },
  {
    why: "nor does its quiet time, to 8430",
    second: 8_430,
    view: calm,
    report: { ...PROBE, budgetBps: 1_000, reasons: active("thin") },
    memory: { agree: 0 },
  },
  {
    why: "then the probe runs",
    second: 8_431,
    view: calm,
    report: { ...PROBE, budgetBps: 1_010, reasons: 0 },
    memory: { agree: 1_000 },
  },
  {
    rows: ["half-open → closed: waived = 0"],
    why: "8430 + 900",
    second: 9_330,
    view: calm,
    report: ALL,
    memory: { waived: 0, openMs: spent(3, 1_800) },
  },
  {
    rows: ["closed → open: hard"],
    why: "61 s without a round are more than the lease",
    second: 9_461,
    view: calm,
    before: "lost",
    report: { ...OPEN, liquidate: "none", reasons: active("restart") },
    memory: { rounds: 1, trips: 0, openMs: spent(3, 1_800) },
  },
  { why: "three rounds later the probe", second: 9_464, view: calm, report: { ...PROBE, liquidate: "any", budgetBps: 1_000 } },
  { why: "six seconds of it", second: 9_470, view: calm, report: { ...PROBE, budgetBps: 1_060 }, memory: { agree: 6_000 } },
  {
    rows: ["half-open → open: hard"],
    why: "and another outage",
    second: 9_531,
    view: calm,
    before: "lost",
    report: { ...OPEN, liquidate: "none", reasons: active("restart") },
    memory: { trips: 1 },
  },
  {
    why: "the probe begins again from nothing",
    second: 9_534,
    view: calm,
    report: { ...PROBE, budgetBps: 1_000 },
    memory: { agree: 0, trips: 1 },
  },
  {
    rows: ["closed → closed"],
    why: "closed at 10 434, seasoned a day after its first round: borrowing too",
    second: 86_400,
    view: calm,
    report: { ...ALL, borrow: true },
  },
];

/** B6 row by row: from, condition, and what stands in its last column. */
const ROWS = [
  ...[
    "– → open: genesis",
    "closed → closed",
    "closed → open: same round",
    "closed → open: before resetMs",
    "closed → open: after resetMs",
  ],
  ...["closed → open: hard", "open → open: hard", "open → open: fresh", "open → half-open", "open → half-open: re-anchored"],
  ...["open → half-open: at the cap", "half-open → open: hard", "half-open → open: fresh", "half-open → half-open: waived"],
  ...["half-open → half-open: a firing below f+1 leaders", "half-open → half-open: agreeing", "half-open → closed"],
  ...["half-open → closed: waived = 0", "waived jump turns round", "trips saturate"],
];

/** Examples that need a memory no short life reaches, by their names in the file beside. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, name: string]>> = {
  "waived jump turns round": ["timers.test.ts", "on the other side counts again"],
  "trips saturate": ["state-machine.test.ts", "half-open, trips at their bound → open"],
};

test("a feed's life through every row of B6", () => {
  const chain = createChain(networkWith({ [ETH]: { preset: "stable", thresholds: { pegBps: 1_000 } } }));
  let second = -1;
  let state: string | undefined;
  let changedAt = 0;
  for (const { why, view, before, report, memory, unfired = [], second: until } of LIFE) {
    let verdict: ReturnType<typeof chain.eth> | undefined;
    while (second < until) {
      const missed = before === "lost" ? until - second - 1 : 0;
      const quiet = before === undefined && second + 1 < until;
      verdict = chain.eth(quiet ? calm : view, missed);
      second += 1 + missed;
      if (verdict.report.state !== state) changedAt = chain.timestamp();
      state = verdict.report.state;
    }
    const where = `second ${until}: ${why}`;
    expect(verdict?.report, where).toMatchObject(report);
    expect(verdict?.report.since, where).toBe(changedAt);
    expect(chain.memoryOf(), where).toMatchObject(memory ?? {});
    for (const rule of unfired) expect(chain.memoryOf().fired[RULES.indexOf(rule)], `${where}, ${rule}`).toBe(0);
  }
});

test("every row has an example, here or where it says", () => {
  const known = [...LIFE.flatMap(({ rows }) => rows ?? []), ...Object.keys(ELSEWHERE)];
  expect([...new Set(known)].sort()).toEqual([...ROWS].sort());
  for (const [file, name] of Object.values(ELSEWHERE)) {
    expect(readFileSync(new URL(file, import.meta.url), "utf8"), file).toContain(`"${name}"`);
  }
});

test("every transition that B6 has is among the rows, and none that it has not", () => {
  const allowed = ["closed → closed", "closed → open", "open → open", "open → half-open"];
  allowed.push("half-open → open", "half-open → half-open", "half-open → closed");
  const named = new Set(ROWS.filter((row) => row.includes("→") && !row.startsWith("–")).map((row) => row.split(":")[0]));
  expect([...named].sort()).toEqual([...allowed].sort());
  expect(allowed).toHaveLength(BREAKER_STATES.length ** 2 - 2);
});
