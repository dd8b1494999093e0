import { BIT } from "../../../circuit-breaker/rules/rule.ts";
import { at, CALM, CLOSED, calm, DAY, type Example, jump, NARROWED, openFor, PROBED, points, SILENCED } from "./worked.ts";

/** The hard rules of B3, the meter's exemptions, and the leader's choice. */
export const HARD_EXAMPLES: readonly Example[] = [
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
