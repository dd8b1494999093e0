import { decimal, everywhere, line } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const TOKEN = "SUI/USD";
const VENUES = ["coinbase", "kraken", "binance", "okx", "bybit", "gate"];
const TRUTH = line([
  [0, "3.5"],
  [60, "0.7"],
  [120, "0.7"],
  [150, "1.162"],
]);

/** A crash that is true, and its rebound: every venue together, −80 % in a minute, +66 % from there in half a minute. */
export const CRASH: Scenario = {
  name: "crash",
  title: "A true −80 %, then +66 %",
  sources: [
    {
      title: "The Technical Ghost Behind USDe's Depeg",
      url: "https://www.coinrank.io/crypto/the-technical-ghost-behind-usdes-depeg",
      says: "SUI fell by 87 % within minutes on 10 October 2025",
    },
  ],
  figures: [],
  assumed: ["made up: straight lines, all venues together, no basket to explain any of it"],
  startAt: Date.UTC(2025, 9, 10, 21, 15),
  until: 1_200,
  feeds: [{ feed: TOKEN, preset: "large", sources: equalSources(VENUES, TOKEN) }],
  quotes: everywhere(VENUES, TOKEN, TRUTH),
  truth: { [TOKEN]: TRUTH },
  expected: [
    {
      feed: TOKEN,
      from: 0,
      to: 1_200,
      liquidate: ["any", "robust"],
      without: ["gap", "stale", "thin", "divergence", "dispersion"],
      because: "a true crash must liquidate: nothing about it forbids every liquidation",
    },
    {
      feed: TOKEN,
      from: 5,
      to: 15,
      state: ["open"],
      rules: ["jump"],
      liquidate: ["robust"],
      because: "jump: more than 5 % from the mean, unexplained by any basket",
    },
    {
      feed: TOKEN,
      from: 25,
      to: 60,
      state: ["half-open"],
      liquidate: ["any"],
      because: "B5: the wait is weighted by the loss: Σ (move − stepMax) / L reaches 60 s after about 20 s of this slide",
    },
    {
      feed: TOKEN,
      from: 124,
      to: 135,
      state: ["open"],
      rules: ["jump"],
      because: "B6: a waived jump that turns round is unwaived once more; at 220 bps a second its wait is over after about 17 s",
    },
    { feed: TOKEN, from: 145, to: 420, state: ["half-open"], liquidate: ["any"], because: "believed, and probing" },
    { feed: TOKEN, from: 620, to: 1_200, state: ["closed"], because: "closed after probeMs of agreement" },
  ],
  loans: ["2.4", "2", "1.5", "1", "0.7"].map((debt) => ({
    name: `under water below ${debt} / 0.8`,
    loan: {
      numeraire: "USD",
      collateral: [{ asset: "SUI", amount: decimal("1"), thresholdBps: 8_000 }],
      debt: [{ asset: "USD", amount: decimal(debt) }],
    },
    seize: ["SUI"],
    repay: ["USD"],
    expected: [
      { from: 60, to: 120, answers: ["right" as const], because: "insolvent at both ends of the interval at the bottom" },
    ],
  })),
};
