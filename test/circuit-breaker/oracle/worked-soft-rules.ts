import { BIT } from "../../../circuit-breaker/rules/rule.ts";
import { CARRIED_BIT } from "../../../protocol/report.ts";
import { at, CALM, CLOSED, calm, type Example, jump, NARROWED, openFor, PROBED, points, UNIT, wide } from "./worked.ts";

/** The soft rules of B3, and B5: fires, just does not, and each end of it. */
export const SOFT_EXAMPLES: readonly Example[] = [
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
];
