import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import { RULE_TABLE } from "../../circuit-breaker/rules.ts";
import { CARRIED_BIT, type Report } from "../../protocol/report.ts";
import type { Reason } from "../../protocol/round.ts";
import { closedChain, ETH, networkWith } from "./chain.ts";

/**
 * Worked examples of BREAKER.md B3, B5 and B8, by hand. One feed of preset `stable`, closed at 1.0000 for an hour and longer, n = 4
 * (f = 1: two leaders make a firing hold), rounds of 1 s, lease 60 s. Its limits: jump 100 bps over refTau 1 h, β 0, gap 500 bps,
 * dispersion 50, divergence 3000, want 3 groups, top 5000, stale 180 s, confirm 600 s, cap = maxOpen 1800 s (β 0), quiet time 30 s,
 * probe 900 s, gap hold 24 h, meter 3600 s a day. Every number expected below was worked out from the text and not by the code.
 *
 * Not built yet, so without an example: rules 5 (congestion), 6 (peg), 7 (config), 9 (manual).
 */

/** 1.0000 is `points(10_000)`. */
const points = (value: number) => BigInt(value) * 10n ** 14n;
const CALM = points(10_000);
const UNIT = 1n;
const DAY = 86_400_000n;

/** `for` rounds of one second (or of `apart` seconds) that see the same; without a view the feed is not priced. */
type Scene = {
  readonly for?: number;
  readonly apart?: number;
  readonly view?: Partial<QuorumView> & { readonly ageMs?: number };
};
type Expected = {
  readonly report?: Partial<Report>;
  /** The reason that this rule gives; undefined if it is silent. */
  readonly reasons?: readonly Reason[];
  readonly memory?: Partial<FeedMemory>;
  /** Whether the interval reaches down to what was the price before. */
  readonly reaches?: boolean;
};
type Example = { readonly row: string; readonly name: string; readonly scenes: readonly Scene[]; readonly last: Expected };

const jump = (measured: number, limit: number): Reason => ({ rule: "jump", unit: "Bps", measured, limit });
const at = (value: number, overrides: Partial<QuorumView> = {}) => ({ price: points(value), ...overrides });
const NARROWED = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
const CLOSED = { state: "closed", liquidate: "any", budgetBps: 10_000, reasons: 0 } as const;
const PROBED = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 } as const;
const SILENCED = { state: "open", liquidate: "none", borrow: false, budgetBps: 0 } as const;
const wide = (width: bigint) => ({ price: CALM, rawLow: CALM - points(20), rawHigh: CALM - points(20) + width });
const calm = (seconds: number): Scene => ({ for: seconds, view: { price: CALM } });
const openFor = (rule: number, ms: number) => Array.from({ length: 11 }, (_, index) => (index === rule ? ms : 0));

const EXAMPLES: readonly Example[] = [
  // jump: (1.0101 − 1.0000)/1.0000 = 101 bps; 1.0100 is exactly 100. Down, the smaller price divides: 1/0.9900 − 1 = 101.01, 1/0.9901 − 1 = 99.99.
  {
    row: "jump fires",
    name: "1.0101 is 101 bps up: robust, on the hull of both prices",
    scenes: [{ view: at(10_101) }],
    last: { report: { ...NARROWED, reasons: BIT.jump }, reasons: [jump(101, 100)], reaches: true },
  },
  {
    row: "jump fires",
    name: "0.9900 is 101 bps down, of the smaller price",
    scenes: [{ view: at(9_900) }],
    last: { report: NARROWED, reasons: [jump(101, 100)] },
  },
  { row: "jump at its limit", name: "1.0100 is 100 bps", scenes: [{ view: at(10_100) }], last: { report: CLOSED } },
  { row: "jump at its limit", name: "0.9901 is 99 bps", scenes: [{ view: at(9_901) }], last: { report: CLOSED } },
  {
    row: "jump half limit when thin",
    name: "two groups of three: 1.0051 is beyond 100/2",
    scenes: [{ view: at(10_051, { groups: 2 }) }],
    last: { reasons: [jump(51, 50), { rule: "thin", unit: "Groups", measured: 2, limit: 3 }] },
  },
  {
    row: "jump half limit when thin",
    name: "1.0050 is not",
    scenes: [{ view: at(10_050, { groups: 2 }) }],
    last: { report: { ...NARROWED, reasons: BIT.thin } },
  },
  {
    row: "jump half limit within clearMs",
    name: "30 s after its firing 2 · 51 > 100",
    scenes: [{ view: at(10_101) }, { for: 29, view: at(10_050) }, { view: at(10_051) }],
    last: { reasons: [jump(51, 50)], memory: { anchor: CALM } },
  },
  {
    row: "jump half limit within clearMs",
    name: "31 s after it, not: quiet, so half-open there",
    scenes: [{ view: at(10_101) }, { for: 30, view: at(10_050) }, { view: at(10_051) }],
    last: { report: { ...PROBED, reasons: 0 }, memory: { anchor: points(10_051) } },
  },
  {
    row: "jump ends: quiet",
    name: "fired at 0, quiet at 30 is still open",
    scenes: [{ view: at(10_101) }, calm(30)],
    last: { report: { ...NARROWED, reasons: BIT.jump } },
  },
  {
    row: "jump ends: quiet",
    name: "and at 31 half-open, never closed",
    scenes: [{ view: at(10_101) }, calm(31)],
    last: { report: { ...PROBED, reasons: 0 }, memory: { trips: 0 } },
  },
  // A step: each second counts 1000 · max(100, (101 − 101) · 100/100) = 100 000 of 100 · 600 000. The first one is its own firing.
  {
    row: "jump ends: corroborated",
    name: "599 s of a step have not confirmed it",
    scenes: [{ for: 599, view: at(10_101) }],
    last: { report: NARROWED, memory: { corrob: 59_900_000n, stepMax: 101, anchor: CALM } },
  },
  {
    row: "jump ends: corroborated",
    name: "600 s have: waived with its direction, re-anchored",
    scenes: [{ for: 600, view: at(10_101) }],
    last: { report: PROBED, memory: { corrob: 0n, waived: BIT.jump, dir: 1, anchor: points(10_101) }, reaches: false },
  },
  // While thin nobody corroborates; L is 50. Open from round 0, which spends nothing yet: 1800 s are spent in round 1800.
  {
    row: "jump ends: cap",
    name: "1799 s of it spent",
    scenes: [{ for: 1_800, view: at(10_101, { groups: 2 }) }],
    last: {
      report: NARROWED,
      memory: { waived: 0, corrob: 0n, openMs: openFor(0, 1_799_000).map((ms, i) => (i === 3 ? 1_799_000 : ms)) },
    },
  },
  {
    row: "jump ends: cap",
    name: "at 1800 s waived, re-anchored, half-open",
    scenes: [{ for: 1_801, view: at(10_101, { groups: 2 }) }],
    last: { report: PROBED, memory: { waived: BIT.jump | BIT.thin, dir: 1, anchor: points(10_101) }, reaches: false },
  },
  // dispersion: width · 10000 > 1.0000 · 50, so wider than 0.0050.
  {
    row: "dispersion fires",
    name: "one unit beyond 0.0050",
    scenes: [{ view: wide(points(50) + UNIT) }],
    last: {
      report: { ...NARROWED, reasons: BIT.dispersion },
      reasons: [{ rule: "dispersion", unit: "Bps", measured: 51, limit: 50 }],
    },
  },
  { row: "dispersion at its limit", name: "0.0050", scenes: [{ view: wide(points(50)) }], last: { report: CLOSED } },
  {
    row: "dispersion ends: quiet",
    name: "one leader's round holds nothing: half-open in the next",
    scenes: [{ view: wide(points(60)) }, calm(1)],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "dispersion ends: quiet",
    name: "two leaders' hold for 30 s",
    scenes: [{ for: 2, view: wide(points(60)) }, calm(30)],
    last: { report: { ...NARROWED, reasons: BIT.dispersion } },
  },
  {
    row: "dispersion ends: quiet",
    name: "and not for 31",
    scenes: [{ for: 2, view: wide(points(60)) }, calm(31)],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "dispersion ends: cap",
    name: "half-open at 1800 s of it, its budget held at a tenth",
    scenes: [{ for: 1_850, view: wide(points(60)) }],
    last: {
      report: { ...PROBED, reasons: BIT.dispersion },
      memory: { waived: BIT.dispersion, agree: 0, openMs: openFor(1, 1_800_000) },
    },
  },
  {
    row: "divergence fires",
    name: "3001 of 10000 outside",
    scenes: [{ view: { price: CALM, outsideBps: 3_001 } }],
    last: { report: { ...NARROWED, reasons: BIT.divergence } },
  },
  {
    row: "divergence at its limit",
    name: "3000",
    scenes: [{ view: { price: CALM, outsideBps: 3_000 } }],
    last: { report: CLOSED },
  },
  {
    row: "divergence ends: quiet",
    name: "two leaders' hold for 30 s, then half-open",
    scenes: [{ for: 2, view: { price: CALM, outsideBps: 3_001 } }, calm(31)],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "divergence ends: cap",
    name: "at 1800 s",
    scenes: [{ for: 1_801, view: { price: CALM, outsideBps: 3_001 } }],
    last: { report: PROBED, memory: { waived: BIT.divergence, openMs: openFor(2, 1_800_000) } },
  },
  {
    row: "thin fires",
    name: "two groups of three",
    scenes: [{ view: { price: CALM, groups: 2 } }],
    last: { report: NARROWED, reasons: [{ rule: "thin", unit: "Groups", measured: 2, limit: 3 }] },
  },
  {
    row: "thin fires",
    name: "one group above half of the weight",
    scenes: [{ view: { price: CALM, topBps: 5_001 } }],
    last: { report: NARROWED, reasons: [{ rule: "thin", unit: "Bps", measured: 5_001, limit: 5_000 }] },
  },
  {
    row: "thin fires",
    name: "not priced: the carried price is robust, from the first round",
    scenes: [{}],
    last: { report: { ...NARROWED, price: CALM, reasons: BIT.thin + 2 ** CARRIED_BIT } },
  },
  {
    row: "thin at its limit",
    name: "three groups, half",
    scenes: [{ view: { price: CALM, groups: 3, topBps: 5_000 } }],
    last: { report: CLOSED },
  },
  {
    row: "thin ends: quiet",
    name: "two rounds hold for 30 s, then half-open",
    scenes: [{ for: 2, view: { price: CALM, groups: 2 } }, calm(31)],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "thin ends: cap",
    name: "at 1800 s",
    scenes: [{ for: 1_801, view: { price: CALM, groups: 2 } }],
    last: { report: PROBED, memory: { waived: BIT.thin, openMs: openFor(3, 1_800_000) } },
  },
  {
    row: "stale fires",
    name: "observed 180.001 s ago: none",
    scenes: [{ view: { price: CALM, ageMs: 180_001 } }],
    last: {
      report: { ...SILENCED, reasons: BIT.stale },
      reasons: [{ rule: "stale", unit: "Ms", measured: 180_001, limit: 180_000 }],
    },
  },
  { row: "stale at its limit", name: "180 s ago", scenes: [{ view: { price: CALM, ageMs: 180_000 } }], last: { report: CLOSED } },
  {
    row: "stale ends: fresh quorum",
    name: "in that round, without a quiet time",
    scenes: [{ for: 9, view: { price: CALM, ageMs: 180_001 } }, calm(1)],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "stale has no cap",
    name: "three hours of silence permit nothing",
    scenes: [{ for: 2_160, apart: 5, view: { price: CALM, ageMs: 180_001 } }],
    last: { report: SILENCED, memory: { openMs: openFor(4, 0), waived: 0 } },
  },
  {
    row: "restart fires",
    name: "61 s after the last round: none",
    scenes: [{ apart: 61, view: { price: CALM } }],
    last: {
      report: { ...SILENCED, reasons: BIT.restart },
      reasons: [{ rule: "restart", unit: "Rounds", measured: 1, limit: 3 }],
    },
  },
  {
    row: "restart at its limit",
    name: "60 s is within the lease",
    scenes: [{ apart: 60, view: { price: CALM } }],
    last: { report: CLOSED },
  },
  {
    row: "restart ends: 3 fresh rounds",
    name: "the third is still none",
    scenes: [{ apart: 61, view: { price: CALM } }, calm(2)],
    last: { report: SILENCED, memory: { rounds: 3 } },
  },
  {
    row: "restart ends: 3 fresh rounds",
    name: "the fourth is half-open",
    scenes: [{ apart: 61, view: { price: CALM } }, calm(3)],
    last: { report: PROBED, memory: { rounds: 4, trips: 0 } },
  },
  {
    row: "restart ends: 3 fresh rounds",
    name: "quotes from before the outage are not fresh: 20 s later, 21 s old",
    scenes: [{ apart: 61, view: { price: CALM } }, calm(19), { view: { price: CALM, ageMs: 21_000 } }],
    last: { report: SILENCED, reasons: [{ rule: "restart", unit: "Ms", measured: 1_000, limit: 0 }] },
  },
  // gap: step · 60000 > 500 · 60000 up to 10 s after the last price.
  {
    row: "gap fires",
    name: "1.0501 in one round is 501 bps: robust, on the hull, outside the meter",
    scenes: [{ view: at(10_501) }],
    last: {
      report: { ...NARROWED, reasons: BIT.jump | BIT.gap },
      reasons: [jump(501, 100), { rule: "gap", unit: "Bps", measured: 501, limit: 500 }],
      memory: { spent: 0n },
      reaches: true,
    },
  },
  {
    row: "gap at its limit",
    name: "1.0500 is a jump and metered: 1 s · a day",
    scenes: [{ view: at(10_500) }],
    last: { report: { ...NARROWED, reasons: BIT.jump }, memory: { gapAt: 0, spent: 1_000n * DAY } },
  },
  {
    row: "gap's band grows",
    name: "40 s without a round: 500 · (60000 + 30000)/60000 = 750; 1.0750 is within",
    scenes: [{ apart: 40, view: at(10_750) }],
    last: { report: { reasons: BIT.jump } },
  },
  {
    row: "gap's band grows",
    name: "1.0751 is not",
    scenes: [{ apart: 40, view: at(10_751) }],
    last: { reasons: [jump(751, 100), { rule: "gap", unit: "Bps", measured: 751, limit: 750 }] },
  },
  {
    row: "gap's band grows",
    name: "it counts from the last price, not from the last round: 40 rounds without one",
    scenes: [{ for: 39 }, { view: at(10_751) }],
    last: { report: { reasons: BIT.jump | BIT.thin | BIT.gap } },
  },
  {
    row: "gap ends: move ≤ L",
    name: "1.0101 is not back: 101 > 100",
    scenes: [{ for: 5, view: at(10_501) }, { view: at(10_101) }],
    last: { report: { reasons: BIT.jump | BIT.gap } },
  },
  {
    row: "gap ends: move ≤ L",
    name: "1.0100 is: what remains is jump, by half its limit",
    scenes: [{ for: 5, view: at(10_501) }, { view: at(10_100) }],
    last: { report: { ...NARROWED, reasons: BIT.jump }, memory: { gapAt: 0, anchor: CALM } },
  },
  // Rounds of 60 s: the latch is set in the first, 1440 later 86 400 s have passed.
  {
    row: "gap ends: gapHoldMs",
    name: "24 h to the millisecond hold it, whatever the caps of soft rules",
    scenes: [{ view: at(10_501) }, { for: 1_440, apart: 60, view: at(10_501) }],
    last: { report: { ...NARROWED, reasons: BIT.jump | BIT.gap }, memory: { openMs: openFor(0, 0) }, reaches: true },
  },
  {
    row: "gap ends: gapHoldMs",
    name: "a second more and the price is the anchor, with nothing left of jump",
    scenes: [{ view: at(10_501) }, { for: 1_440, apart: 60, view: at(10_501) }, { view: at(10_501) }],
    last: {
      report: { ...PROBED, reasons: 0 },
      memory: { gapAt: 0, anchor: points(10_501), corrob: 0n, waived: 0 },
      reaches: false,
    },
  },
  // B5 and the leader's choice: rounds 0 and 1 are wide (two leaders: held), round 5 alone among rounds 2–5 is one leader's.
  {
    row: "a disagreement of one leader",
    name: "lets no time count and starts nothing again, in the quiet time of an earlier one as well",
    scenes: [
      { for: 2, view: at(10_101, { rawLow: CALM }) },
      { for: 3, view: at(10_101) },
      { view: at(10_101, { rawLow: CALM }) },
    ],
    last: { memory: { corrob: 300_000n } },
  },
  {
    row: "a disagreement of one leader",
    name: "a second leader's makes it hold",
    scenes: [
      { for: 2, view: at(10_101, { rawLow: CALM }) },
      { for: 3, view: at(10_101) },
      { for: 2, view: at(10_101, { rawLow: CALM }) },
    ],
    last: { memory: { corrob: 0n } },
  },
];

/** Rows whose examples stand elsewhere, by the names they have there. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, name: string]>> = {
  "jump explained by the basket": ["rules.test.ts", "β times the basket's move, counted by its nearer end"],
  "jump explained only by a move of its sign": ["rules.test.ts", "a move the other way explains nothing"],
  "jump explained up to sysCapBps": ["rules.test.ts", "at most sysCapBps of it"],
  "jump waived turns round": ["timers.test.ts", "on the other side counts again"],
  "the action governance raised": [
    "verdict.test.ts",
    "a raised rule permits nothing while it is active, through its quiet time too",
  ],
  "a slide is believed sooner": ["scenarios.test.ts", "a slide alone is believed sooner than a step of the same depth"],
};

/** Fires, just does not, ends by each of its ends; and what B3 says of a rule beyond that. */
const ROWS: Readonly<Record<keyof typeof RULE_TABLE, readonly string[]>> = {
  jump: [
    ...["fires", "at its limit", "half limit when thin", "half limit within clearMs", "explained by the basket"],
    ...[
      "explained only by a move of its sign",
      "explained up to sysCapBps",
      "ends: quiet",
      "ends: corroborated",
      "ends: cap",
      "waived turns round",
    ],
  ],
  dispersion: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  divergence: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  thin: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  stale: ["fires", "at its limit", "ends: fresh quorum", "has no cap"],
  restart: ["fires", "at its limit", "ends: 3 fresh rounds"],
  gap: ["fires", "at its limit", "ends: move ≤ L", "ends: gapHoldMs"],
};
const GENERAL = [
  "gap's band grows",
  "a disagreement of one leader",
  "the action governance raised",
  "a slide is believed sooner",
];

const NETWORK = networkWith({ [ETH]: { preset: "stable" } });

function play(scenes: readonly Scene[]) {
  const chain = closedChain(NETWORK, { price: CALM });
  let verdict: ReturnType<typeof chain.eth> | undefined;
  for (const { for: rounds = 1, apart = 1, view } of scenes) {
    for (let round = 0; round < rounds; round++) {
      const { ageMs = 300, ...seen } = view ?? {};
      const observedAt = chain.timestamp() + apart * 1_000 - ageMs;
      verdict = chain.eth(view === undefined ? undefined : { observedAt, ...seen }, apart - 1);
    }
  }
  if (verdict === undefined) throw new Error("an example has a round");
  return { ...verdict, memory: chain.memoryOf() };
}

describe("B3 by hand", () => {
  test.each(EXAMPLES.map((example) => [`${example.row} — ${example.name}`, example] as const))(
    "%s",
    (_name, { scenes, last }) => {
      const { report, reasons, memory } = play(scenes);
      if (last.report !== undefined) expect(report).toMatchObject(last.report);
      if (last.reasons !== undefined) expect(reasons).toEqual(last.reasons);
      if (last.memory !== undefined) expect(memory).toMatchObject(last.memory);
      if (last.reaches !== undefined) expect(report.low <= CALM).toBe(last.reaches);
    },
  );
});

test("every row of the table has an example, here or where it says", () => {
  const rows = [...Object.entries(ROWS).flatMap(([rule, aspects]) => aspects.map((aspect) => `${rule} ${aspect}`)), ...GENERAL];
  expect(Object.keys(ROWS)).toEqual(Object.keys(RULE_TABLE));
  const known = new Set([...EXAMPLES.map(({ row }) => row), ...Object.keys(ELSEWHERE)]);
  expect([...known].sort()).toEqual([...rows].sort());
  for (const [file, name] of Object.values(ELSEWHERE)) {
    expect(readFileSync(new URL(file, import.meta.url), "utf8"), file).toContain(`"${name}"`);
  }
});
