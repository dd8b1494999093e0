import { decimal, during, everywhere, flat } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const WON = "KRW/USD";
const TRUTH = flat("0.000864");
const WRONG = flat("0.864");
const FIRST = { from: 2_400, to: 2_460 };
const SECOND = { from: 2_520, to: 2_580 };
const PROVIDERS = ["provider-a", "provider-b", "provider-c", "provider-d"];

/** Two of four providers are out for long, then one of the other two says a thousand times too much, now and then. */
export const SKRW_2019: Scenario = {
  name: "skrw-2019",
  title: "Synthetix sKRW: one of two remaining providers off by 1000",
  sources: [
    {
      title: "Synthetix Response to Oracle Incident",
      url: "https://blog.synthetix.io/response-to-oracle-incident/",
      says: "one API intermittently 1000 times too high; two APIs left after an earlier outage that nobody noticed; the average was published",
    },
  ],
  figures: ["a factor of 1000", "two providers left", "intermittent"],
  assumed: ["1157 won to the dollar", "four providers", "two spells of a minute, 40 minutes after the outage"],
  startAt: Date.UTC(2019, 5, 24, 16, 20),
  until: 4_200,
  feeds: [{ feed: WON, preset: "longtail", sources: equalSources(PROVIDERS, WON) }],
  quotes: {
    ...everywhere(PROVIDERS, WON, TRUTH),
    "provider-b KRW/USD": { mid: TRUTH, silent: [{ from: 0, to: 4_300 }] },
    "provider-c KRW/USD": { mid: TRUTH, silent: [{ from: 0, to: 4_300 }] },
    "provider-d KRW/USD": { mid: during(FIRST, WRONG, during(SECOND, WRONG, TRUTH)) },
  },
  truth: { [WON]: TRUTH },
  expected: [
    {
      feed: WON,
      from: 0,
      to: 1_790,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["thin"],
      because: "thin: fewer groups than wanted, in the round that shows it",
    },
    {
      feed: WON,
      from: 1_810,
      to: 2_400,
      state: ["half-open"],
      borrow: false,
      rules: ["thin"],
      because: "B6: thin is waived at its cap of 30 minutes, holds half-open down and frees liquidation only",
    },
    {
      feed: WON,
      ...FIRST,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap", "thin"],
      lowAtMost: "0.000864",
      because: "gap: no market makes a step of 1000; hull of old and new price from the first round on",
    },
    {
      feed: WON,
      ...SECOND,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap"],
      lowAtMost: "0.000864",
      because: "gap: the same again",
    },
    { feed: WON, from: 2_400, to: 4_200, borrow: false, because: "B9: no borrowing unless closed" },
  ],
  loans: [
    {
      name: "owes won",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("1500"), thresholdBps: 8_000 }],
        debt: [{ asset: "KRW", amount: decimal("1000000") }],
      },
      seize: ["USD"],
      repay: ["KRW"],
      expected: [{ from: 0, to: 4_200, answers: ["refused"], because: "B11: debt at the low end, which is the true price" }],
    },
  ],
  borrowers: [
    {
      name: "1000 times on won",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "KRW", amount: decimal("1000000"), thresholdBps: 8_000 }],
        debt: [{ asset: "USD", amount: decimal("500000") }],
      },
      takes: "USD",
      expected: [{ from: 0, to: 4_200, allowed: false, because: "B11: a feed without borrow counts nothing as collateral" }],
    },
  ],
};
