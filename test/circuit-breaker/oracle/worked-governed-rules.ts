import { BIT } from "../../../circuit-breaker/rules/rule.ts";
import { CARRIED_BIT } from "../../../protocol/report.ts";
import type { Reason } from "../../../protocol/round.ts";
import type { FeedSetup } from "../chain.ts";
import {
  at,
  CALM,
  CLOSED,
  calm,
  type Example,
  jump,
  NARROWED,
  openFor,
  PROBED,
  points,
  SILENCED,
  type Sibling,
} from "./worked.ts";

/**
 * The feed of the other examples, and its siblings: with its peg of 100 bps and jump and gap out of the way (400, 900), market-trusted
 * however long a rate might be; rate-trusted (staked: quotes for 60 s, cap 6 h, the rate for 6 h) with the same; seasoned after a second.
 */
export const SIBLINGS: Readonly<Record<Sibling, FeedSetup>> = {
  plain: { preset: "stable", thresholds: { pegBps: 1_000 } },
  peg: { preset: "stable", thresholds: { jumpBps: 400, gapBps: 900, pegHoldMs: 21_600_000 } },
  rate: { preset: "staked", thresholds: { jumpBps: 400, gapBps: 900 }, peg: { rate: "steth" } },
  seasoned: { preset: "stable", thresholds: { seasonMs: 1_000 } },
};

const peg = (measured: number): Reason => ({ rule: "peg", unit: "Bps", measured, limit: 100 });
const paused = (measured: number): Reason => ({ rule: "manual", unit: "Ms", measured, limit: 0 });
const HOUR = 3_600_000;
const PAR = { value: CALM, ageMs: 0 };

/** Rules 6, 7 and 9 of B3, and a gap that governors accept. */
export const GOVERNED_EXAMPLES: readonly Example[] = [
  // peg: 1/0.9900 − 1 = 101.01 bps of the smaller price, 1/0.9901 − 1 = 99.99; 1.0101 is 101, 1.0100 is 100.
  {
    row: "peg fires",
    name: "0.9900 against par: robust; the market is trusted, so par is not in the interval",
    of: "peg",
    scenes: [{ view: at(9_900) }],
    last: { report: { ...NARROWED, reasons: BIT.peg }, reasons: [peg(101)], spans: false },
  },
  { row: "peg fires", name: "1.0101 as well", of: "peg", scenes: [{ view: at(10_101) }], last: { reasons: [peg(101)] } },
  { row: "peg at its limit", name: "0.9901", of: "peg", scenes: [{ view: at(9_901) }], last: { report: CLOSED } },
  { row: "peg at its limit", name: "1.0100", of: "peg", scenes: [{ view: at(10_100) }], last: { report: CLOSED } },
  {
    row: "peg ends: quiet",
    name: "fired at 0, quiet at 30 is still open",
    of: "peg",
    scenes: [{ view: at(9_900) }, calm(30)],
    last: { report: { ...NARROWED, reasons: BIT.peg }, reasons: [peg(0)] },
  },
  {
    row: "peg ends: quiet",
    name: "and at 31 half-open, nothing held",
    of: "peg",
    scenes: [{ view: at(9_900) }, calm(31)],
    last: { report: { ...PROBED, reasons: 0 }, memory: { pegHeld: 0n } },
  },
  {
    row: "peg ends: quiet",
    name: "a carried price does not fire it again: only what follows the firing at 0 is its quiet time",
    of: "peg",
    scenes: [{ view: at(9_900) }, { for: 30 }, calm(1)],
    last: { report: { reasons: BIT.thin } },
  },
  // Held from the first round on: 1000 · max(100, 101 · 100/100) each.
  {
    row: "peg ends: cap",
    name: "at 1800 s: waived, half-open with its budget at a tenth, still told",
    of: "peg",
    scenes: [{ for: 1_801, view: at(9_900) }],
    last: {
      report: { ...PROBED, reasons: BIT.peg },
      memory: { waived: BIT.peg, agree: 0, openMs: openFor(6, 1_800_000), pegHeld: 1_801n * 101_000n, anchor: points(9_900) },
    },
  },
  {
    row: "peg ends: cap",
    name: "a second before it, open; and the averages have learnt nothing",
    of: "peg",
    scenes: [{ for: 1_800, view: at(9_900) }],
    last: { report: NARROWED, memory: { waived: 0, anchor: CALM, ema: CALM } },
  },
  {
    row: "peg's rate joins the interval",
    name: "0.9900 with a rate of 1.0000, which is trusted",
    of: "rate",
    scenes: [{ view: at(9_900), rate: PAR }],
    last: { report: { ...NARROWED, reasons: BIT.peg }, reasons: [peg(101)], spans: true, memory: { pegHeld: 101_000n } },
  },
  {
    row: "peg's rate joins the interval",
    name: "not while the peg holds: 0.9901",
    of: "rate",
    scenes: [{ view: at(9_901), rate: PAR }],
    last: { report: CLOSED, spans: false },
  },
  {
    row: "peg's rate joins the interval",
    name: "through the quiet time, and for a carried price",
    of: "rate",
    scenes: [{ view: at(9_900), rate: PAR }, { rate: PAR }],
    last: {
      report: { ...NARROWED, reasons: BIT.peg + BIT.thin + 2 ** CARRIED_BIT },
      spans: true,
      // thin under one leader: no time counts, and nothing begins again.
      memory: { pegHeld: 101_000n },
    },
  },
  {
    row: "peg's rate is fresh",
    name: "60 s and a round old it counts",
    of: "rate",
    scenes: [{ view: at(9_900), rate: { value: CALM, ageMs: 61_000 } }],
    last: { reasons: [peg(101)], spans: true },
  },
  {
    row: "peg's rate is fresh",
    name: "a millisecond more and it accuses nobody",
    of: "rate",
    scenes: [{ view: at(9_900), rate: { value: CALM, ageMs: 61_001 } }],
    last: { report: CLOSED, spans: false },
  },
  {
    row: "peg's rate is fresh",
    name: "a rate of nothing is none",
    of: "rate",
    scenes: [{ view: at(9_900), rate: { value: 0n, ageMs: 0 } }],
    last: { report: CLOSED },
  },
  {
    row: "peg's rate is fresh",
    name: "gone in the quiet time, it leaves the interval, and no time counts",
    of: "rate",
    scenes: [{ view: at(9_900), rate: PAR }, { view: at(9_900) }],
    last: { reasons: [peg(0)], spans: false, memory: { pegHeld: 101_000n } },
  },
  // Rounds of 5 s, each 5000 · 101: 4277 of them are 2 159 885 000, 4278 are 2 160 390 000; pegHoldMs is 100 · 21 600 000.
  {
    row: "peg's rate leaves at pegHoldMs",
    name: "4277 rounds of 5 s: still in the interval",
    of: "rate",
    scenes: [{ for: 4_277, apart: 5, view: at(9_900), rate: PAR }],
    last: { report: NARROWED, spans: true, memory: { pegHeld: 2_159_885_000n } },
  },
  {
    row: "peg's rate leaves at pegHoldMs",
    name: "4278: the market is believed, and still narrowed",
    of: "rate",
    scenes: [{ for: 4_278, apart: 5, view: at(9_900), rate: PAR }],
    last: { report: { ...NARROWED, reasons: BIT.peg }, spans: false, memory: { pegHeld: 2_160_390_000n } },
  },
  {
    row: "a disagreement about a peg",
    name: "one leader's lets no time count",
    of: "rate",
    scenes: [
      { for: 3, view: at(9_900), rate: PAR },
      { view: at(9_900, { outsideBps: 3_001 }), rate: PAR },
    ],
    last: { memory: { pegHeld: 303_000n } },
  },
  {
    row: "a disagreement about a peg",
    name: "two leaders' starts it again",
    of: "rate",
    scenes: [
      { for: 3, view: at(9_900), rate: PAR },
      { for: 2, view: at(9_900, { outsideBps: 3_001 }), rate: PAR },
    ],
    last: { memory: { pegHeld: 0n } },
  },
  // manual: governors may pause for up to a day.
  {
    row: "manual fires",
    name: "robust, in the round that takes it in, on the hull of price and anchor; 1.0050 alone would be closed",
    scenes: [{ view: at(10_050), pause: { action: "robust", forMs: 5_000 } }],
    last: { report: { ...NARROWED, reasons: BIT.manual }, reasons: [paused(5_000)], reaches: true },
  },
  {
    row: "manual fires",
    name: "none, without a hull",
    scenes: [{ view: at(10_050), pause: { action: "none", forMs: 5_000 } }],
    last: { report: { ...SILENCED, reasons: BIT.manual }, reasons: [paused(5_000)], reaches: false },
  },
  {
    row: "manual ends: until",
    name: "a second before it",
    scenes: [{ for: 5, view: { price: CALM }, pause: { action: "none", forMs: 5_000 } }],
    last: { report: SILENCED, reasons: [paused(1_000)] },
  },
  {
    row: "manual ends: until",
    name: "at it: half-open, with no quiet time and no trip",
    scenes: [{ for: 6, view: { price: CALM }, pause: { action: "none", forMs: 5_000 } }],
    last: { report: { ...PROBED, reasons: 0 }, memory: { trips: 0, manual: { action: 0, until: 0 } } },
  },
  {
    row: "manual ends: withdrawn",
    name: "at once",
    scenes: [
      { for: 3, view: { price: CALM }, pause: { action: "robust", forMs: HOUR } },
      { view: { price: CALM }, pause: { action: "withdraw", forMs: 0 } },
    ],
    last: { report: { ...PROBED, reasons: 0 } },
  },
  {
    row: "manual spends nothing",
    name: "three hours of it: no cap, no meter, nothing waived",
    scenes: [{ for: 2_159, apart: 5, view: at(10_050), pause: { action: "robust", forMs: 3 * HOUR } }],
    last: { report: { ...NARROWED, reasons: BIT.manual }, memory: { openMs: openFor(0, 0), waived: 0, spent: 0n } },
  },
  {
    row: "manual runs beside the others",
    name: "a jump under it corroborates, spends and is metered as ever; the level is the strictest",
    scenes: [{ for: 10, view: at(10_101), pause: { action: "none", forMs: HOUR } }],
    last: {
      report: { ...SILENCED, reasons: BIT.jump | BIT.manual },
      memory: { corrob: 1_000_000n, openMs: openFor(0, 9_000) },
      reaches: true,
    },
  },
  // config: configBps 30. 1/0.9969 − 1 = 31.09 bps; 1.0030 is 30.
  {
    row: "config fires",
    name: "a shadow 31 bps off: told, and nothing else; borrowing goes on",
    of: "seasoned",
    scenes: [{ view: { price: CALM }, shadow: points(9_969) }],
    last: {
      report: { ...CLOSED, borrow: true, reasons: BIT.config },
      reasons: [{ rule: "config", unit: "Bps", measured: 31, limit: 30 }],
    },
  },
  {
    row: "config at its limit",
    name: "30 bps",
    of: "seasoned",
    scenes: [{ view: { price: CALM }, shadow: points(10_030) }],
    last: { report: { ...CLOSED, borrow: true }, reasons: [] },
  },
  {
    row: "config beside an active rule",
    name: "both are told, in order of bit",
    scenes: [{ view: at(10_101), shadow: points(9_000) }],
    last: {
      report: { ...NARROWED, reasons: BIT.jump | BIT.config },
      reasons: [jump(101, 100), { rule: "config", unit: "Bps", measured: 1_223, limit: 30 }],
    },
  },
  {
    row: "gap ends: an accept",
    name: "of the governors: the price is the anchor, with nothing left of jump",
    scenes: [
      { for: 5, view: at(10_501) },
      { view: at(10_501), acceptGap: true },
    ],
    last: {
      report: { ...PROBED, reasons: 0 },
      memory: { gapAt: 0, anchor: points(10_501), corrob: 0n, waived: 0 },
      reaches: false,
    },
  },
  {
    row: "gap ends: an accept",
    name: "without a price in that round it is the carried one that is accepted",
    scenes: [{ for: 5, view: at(10_501) }, { acceptGap: true }],
    last: { report: { ...NARROWED, reasons: BIT.thin + 2 ** CARRIED_BIT }, memory: { gapAt: 0, anchor: points(10_501) } },
  },
  {
    row: "gap ends: an accept",
    name: "not in the round of another one: 1.0501 to 0.9800 are 715 bps, and that price was not what was accepted",
    scenes: [
      { for: 5, view: at(10_501) },
      { view: at(9_800), acceptGap: true },
    ],
    last: { report: { ...NARROWED, reasons: BIT.jump | BIT.gap }, memory: { anchor: CALM } },
  },
];
