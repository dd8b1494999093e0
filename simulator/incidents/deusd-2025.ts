import { decimal, during, everywhere, flat } from "./quotes.ts";
import type { Scenario } from "./scenario.ts";

const DEUSD = "DEUSD/USD";
const TRUTH = flat("1");
const SPIKE = { from: 0, to: 180 };
/** What the incident would have been had the price been everybody's: what its oracle reported, on every venue. */
const EVERYWHERE = { from: 3_600, to: 3_780 };
const OTHERS = ["uniswap", "fraxswap", "gate"];

/** A pool of thin trading spikes for three minutes; an hour later, for the sake of argument, every market does. */
export const DEUSD_2025: Scenario = {
  name: "deusd-2025",
  title: "deUSD: three minutes at $1.028, $500 000 liquidated",
  sources: [
    {
      title: "Trader Loses $500K After Illiquid deUSD Market Triggers VWAP Spike",
      url: "https://unchainedcrypto.com/trader-loses-500k-after-illiquid-deusd-market-triggers-vwap-spike",
      says: "large trades on the Curve pool deUSD/USDT pushed a volume-weighted feed above its peg",
    },
    {
      title: "Euler user loses $500,000 due to temporary deUSD spike on Avalanche",
      url: "https://forklog.com/en/news/euler-user-loses-500000-due-to-temporary-deusd-spike-on-avalanche/amp",
      says: "$1.028 for three minutes; one trade of $210,000",
    },
    {
      title: "Chainlink Oracle Mishap Triggers $500K DeFi Liquidation",
      url: "https://staging-crowdfundinsider.kinsta.cloud/2025/06/240883-chainlink-oracle-mishap-triggers-500k-defi-liquidation-sparks-debate",
      says: "210,000 USDT for 202,000 deUSD; $1.0283 reported; loans at 92.5 %",
    },
  ],
  figures: ["1.0283 reported; 210 / 202 = 1.0396 paid in the pool", "180 s", "loans at 92.5 %"],
  assumed: ["three further groups", "the second spell, on every venue, which did not happen"],
  startAt: Date.UTC(2025, 4, 29, 12),
  until: 6_000,
  feeds: [
    {
      feed: DEUSD,
      preset: "stable",
      sources: [
        { venue: "curve-usdt", market: DEUSD, weight: 2, group: "curve" },
        { venue: "curve-usdc", market: DEUSD, weight: 1, group: "curve" },
        ...OTHERS.map((venue) => ({ venue, market: DEUSD, weight: 1 })),
      ],
    },
  ],
  quotes: {
    ...everywhere(OTHERS, DEUSD, during(EVERYWHERE, flat("1.0283"), TRUTH)),
    [`curve-usdt ${DEUSD}`]: { mid: during(SPIKE, flat("1.0396"), during(EVERYWHERE, flat("1.0283"), TRUTH)) },
    [`curve-usdc ${DEUSD}`]: { mid: during(SPIKE, flat("1.0283"), during(EVERYWHERE, flat("1.0283"), TRUTH)) },
  },
  truth: { [DEUSD]: TRUTH },
  expected: [
    {
      feed: DEUSD,
      ...SPIKE,
      price: ["0.999", "1.001"],
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["divergence"],
      because: "one group holds at most a third of the weight and does not set the price; its dissent is divergence",
    },
    { feed: DEUSD, from: 1_800, to: 3_600, state: ["closed"], because: "quiet time and a quarter of an hour of probing" },
    {
      feed: DEUSD,
      ...EVERYWHERE,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["jump", "peg"],
      lowAtMost: "1.001",
      because: "jump holds for confirmMs, ten minutes for a stable; deUSD lasted three",
    },
  ],
  loans: [
    {
      name: "owes deUSD at 92.5 %",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("1090"), thresholdBps: 9_250 }],
        debt: [{ asset: "DEUSD", amount: decimal("1000") }],
      },
      seize: ["USD"],
      repay: ["DEUSD"],
      expected: [{ from: 0, to: 6_000, answers: ["refused"], because: "debt at the low end, which is the price before" }],
    },
  ],
};
