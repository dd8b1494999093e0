import { decimal, everywhere, line } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const ETH = "ETH/USD";
const VENUES = ["coinbase", "kraken", "binance", "okx", "bitstamp", "gemini"];
const BACK = 14_400;
/** The nodes are back before their first answers are. */
const FRESH = BACK + 5;
const TRUTH = line([
  [0, "1800"],
  [BACK, "1440"],
]);

/** Four hours without a round, the market a fifth lower afterwards, and nodes that begin with what they knew. */
export const OUTAGE: Scenario = {
  name: "outage-4h",
  title: "A four-hour outage, a restart on old data, then 20 % lower",
  sources: [
    {
      title: "Aave, PriceOracleSentinel",
      url: "https://calnix.gitbook.io/aave-book/contracts/l2/priceoraclesentinel",
      says: "after a sequencer's downtime feeds are not up to date, and liquidations need a grace period",
    },
  ],
  figures: [],
  assumed: ["made up: four hours, −20 %, five seconds until the first fresh quotes"],
  startAt: Date.UTC(2026, 0, 10, 12),
  until: BACK + 1_200,
  feeds: [{ feed: ETH, preset: "major", sources: equalSources(VENUES, ETH) }],
  quotes: Object.fromEntries(
    Object.entries(everywhere(VENUES, ETH, TRUTH)).map(([source, script]) => [
      source,
      { ...script, frozen: [{ from: 0, to: FRESH }] },
    ]),
  ),
  truth: { [ETH]: TRUTH },
  down: [{ from: 0, to: BACK }],
  expected: [
    {
      feed: ETH,
      from: BACK,
      to: FRESH,
      state: ["open"],
      liquidate: ["none"],
      borrow: false,
      carried: true,
      rules: ["stale", "restart"],
      because: "P9: never resume on old data; fresh quotes come first",
    },
    {
      feed: ETH,
      from: FRESH,
      to: FRESH + 59,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      carried: false,
      rules: ["jump"],
      without: ["gap", "stale", "restart"],
      highAtLeast: "1790",
      because:
        "gap's band grows with the time since the last price; what remains is a jump, on its hull for confirmMs (60 rounds)",
    },
    {
      feed: ETH,
      from: FRESH + 62,
      to: FRESH + 355,
      state: ["half-open"],
      liquidate: ["any"],
      borrow: false,
      because: "B5: a step that the groups agree on is believed after confirmMs",
    },
    { feed: ETH, from: FRESH + 370, to: BACK + 1_200, state: ["closed"], because: "B6: closed after probeMs of agreement" },
  ],
  loans: [
    {
      name: "under water before and after",
      loan: loanOf("1500"),
      seize: ["ETH"],
      repay: ["USD"],
      expected: [
        { from: BACK, to: FRESH, answers: ["refused"], because: "P9: nothing is fresh yet" },
        { from: FRESH, to: BACK + 1_200, answers: ["right"], because: "P5: insolvent at both ends is never held back" },
      ],
    },
    {
      name: "under water at the new price alone",
      loan: loanOf("1300"),
      seize: ["ETH"],
      repay: ["USD"],
      expected: [
        { from: FRESH, to: FRESH + 59, answers: ["refused"], because: "disputed: healthy at the price before" },
        { from: FRESH + 62, to: FRESH + 355, answers: ["bucket", "right"], because: "half-open: through the bucket at least" },
        { from: FRESH + 370, to: BACK + 1_200, answers: ["right"], because: "closed" },
      ],
    },
  ],
};

/** One ether at 80 % against so many dollars. */
function loanOf(debt: string) {
  return {
    numeraire: "USD",
    collateral: [{ asset: "ETH", amount: decimal("1"), thresholdBps: 8_000 }],
    debt: [{ asset: "USD", amount: decimal(debt) }],
  };
}
