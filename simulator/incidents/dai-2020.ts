import { decimal, line } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const DAI = "DAI/USD";
const KRAKEN = line([
  [0, "1.003"],
  [1_500, "1.008"],
  [3_600, "1.004"],
]);

/** A premium of 30 % on one venue, a smaller one on the pool that was to guard it, nothing much elsewhere. */
export const DAI_2020: Scenario = {
  name: "dai-2020",
  title: "Compound: DAI at $1.30 on Coinbase, $85 M liquidated",
  sources: [
    {
      title: "Compound forum, DAI Liquidation Event",
      url: "https://www.comp.xyz/t/dai-liquidation-event/642/88",
      says: "DAI rose to $1.30 on Coinbase Pro; 85.2 M DAI were liquidated",
    },
    {
      title: "Quadriga Initiative, Compound price feed error",
      url: "https://www.quadrigainitiative.com/casestudy/compoundpricefeederror.php",
      says: "from about 7 to 8 am UTC; anchored to within 20 % of Uniswap's average",
    },
    {
      title: "Increased Dai price allowed Compound liquidator to earn $4 million",
      url: "https://www.cryptocurrencynewscast.online/2020/11/increased-dai-price-allowed-compound.html",
      says: "only Coinbase and Uniswap; Kraken and Bitfinex stayed stable",
    },
  ],
  figures: [
    "$1.30 on Coinbase between 7 and 8 am UTC",
    "Uniswap higher than normal, at least 1.30 / 1.2",
    "Kraken and Bitfinex stable",
  ],
  assumed: ["the shape of the hour: a slow start, the peak after 25 minutes", "Kraken up to 1.008", "equal weights"],
  startAt: Date.UTC(2020, 10, 26, 7),
  until: 5_400,
  feeds: [{ feed: DAI, preset: "stable", sources: equalSources(["coinbase", "uniswap", "kraken", "bitfinex"], DAI) }],
  quotes: {
    "coinbase DAI/USD": {
      mid: line([
        [0, "1.003"],
        [600, "1.02"],
        [1_200, "1.06"],
        [1_500, "1.3"],
        [1_560, "1.3"],
        [1_800, "1.1"],
        [2_400, "1.01"],
        [3_600, "1.004"],
      ]),
    },
    "uniswap DAI/USD": {
      mid: line([
        [0, "1.003"],
        [900, "1.008"],
        [1_500, "1.09"],
        [1_560, "1.09"],
        [2_400, "1.008"],
        [3_600, "1.004"],
      ]),
    },
    "kraken DAI/USD": { mid: KRAKEN },
    "bitfinex DAI/USD": {
      mid: line([
        [0, "1.003"],
        [1_500, "1.006"],
        [3_600, "1.004"],
      ]),
    },
  },
  truth: { [DAI]: KRAKEN },
  expected: [
    {
      feed: DAI,
      from: 300,
      to: 900,
      state: ["closed"],
      price: ["1.003", "1.008"],
      drops: { source: "coinbase DAI/USD", code: "outlier" },
      because: "divergence: 1 of 4 passes; the median does not move and the one venue is dropped and named",
    },
    {
      feed: DAI,
      from: 1_000,
      to: 2_100,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["divergence"],
      lowAtMost: "1.008",
      because: "divergence: one provenance group after another against the rest; the split shows in the interval",
    },
  ],
  loans: [
    {
      name: "owes DAI, healthy",
      loan: owes("1.17"),
      seize: ["USD"],
      repay: ["DAI"],
      expected: [
        { from: 0, to: 5_400, answers: ["refused"], because: "nobody is liquidated on a price that one end contradicts" },
      ],
    },
    {
      name: "owes DAI, under water before and after",
      loan: owes("1.05"),
      seize: ["USD"],
      repay: ["DAI"],
      expected: [{ from: 0, to: 5_400, answers: ["right"], because: "P5: insolvent at both ends is never held back" }],
    },
  ],
};

/** 1000 DAI against so many dollars each, at 90 %. */
function owes(each: string) {
  return {
    numeraire: "USD",
    collateral: [{ asset: "USD", amount: decimal(each) * 1_000n, thresholdBps: 9_000 }],
    debt: [{ asset: "DAI", amount: decimal("1000") }],
  };
}
