import { decimal, everywhere, flat, line } from "./quotes.ts";
import type { Scenario } from "./scenario.ts";

const USDE = "USDE/USD";
const TRUTH = flat("0.998");
/** 21:54 UTC. */
const LOW = 1_080;
const DIP = { from: 1_000, to: 1_060 };

/** One venue, a quarter of the weight, falls by a third; a second one dips for a minute. */
export const USDE_2025: Scenario = {
  name: "usde-2025",
  title: "USDe at $0.65 on one venue",
  sources: [
    {
      title: "Why did the Ethena stablecoin drop in price only on Binance",
      url: "https://usheadlinenews.com/2025/10/13/why-did-the-ethena-stablecoin-drop-in-price-only-on-binance",
      says: "$0.65 on Binance between 21:36 and 22:16 UTC; less than 0.3 % off on Curve, Fluid and Uniswap",
    },
    {
      title: "Full Restoration of the USDe Decoupling Incident",
      url: "https://gdgz.link/en/article/492841",
      says: "0.92 on Bybit for a moment; Kraken and OKX hardly affected",
    },
  ],
  figures: ["$0.65 at 21:54, over at 22:16", "0.92 on Bybit", "0.3 % elsewhere"],
  assumed: [
    "straight lines between those points; Bybit's dip lasts a minute",
    "weights: Binance 3 of 12, Curve 3, Bybit and Uniswap 2",
  ],
  startAt: Date.UTC(2025, 9, 10, 21, 36),
  until: 4_200,
  feeds: [
    {
      feed: USDE,
      preset: "stable",
      sources: [
        { venue: "binance", market: USDE, weight: 3 },
        { venue: "curve", market: USDE, weight: 3 },
        { venue: "bybit", market: USDE, weight: 2 },
        { venue: "uniswap", market: USDE, weight: 2 },
        { venue: "kraken", market: USDE, weight: 1 },
        { venue: "okx", market: USDE, weight: 1 },
      ],
    },
  ],
  quotes: {
    ...everywhere(["curve", "uniswap", "kraken", "okx"], USDE, TRUTH),
    [`binance ${USDE}`]: {
      mid: line([
        [0, "0.998"],
        [600, "0.9"],
        [LOW, "0.65"],
        [1_800, "0.92"],
        [2_400, "0.998"],
      ]),
    },
    [`bybit ${USDE}`]: {
      mid: line([
        [DIP.from - 1, "0.998"],
        [DIP.from, "0.92"],
        [DIP.to - 1, "0.92"],
        [DIP.to, "0.998"],
      ]),
    },
  },
  truth: { [USDE]: TRUTH },
  expected: [
    {
      feed: USDE,
      from: 0,
      to: 4_200,
      price: ["0.995", "1.001"],
      without: ["jump", "gap", "peg"],
      because: "median unmoved: no venue sets the price",
    },
    {
      feed: USDE,
      from: 120,
      to: DIP.from,
      state: ["closed"],
      drops: { source: `binance ${USDE}`, code: "outlier" },
      because: "the one group is dropped and named; a quarter of the weight outside passes",
    },
    {
      feed: USDE,
      ...DIP,
      state: ["open"],
      liquidate: ["robust"],
      rules: ["divergence"],
      price: ["0.995", "1.001"],
      lowAtMost: "0.7",
      because:
        "divergence: five twelfths of the weight outside tolerance; the interval reaches to the dissenters' median, Binance's",
    },
    { feed: USDE, from: 3_000, to: 4_200, state: ["closed"], because: "quiet time and a quarter of an hour of probing" },
  ],
  loans: [
    {
      name: "looped USDe",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USDE", amount: decimal("1000"), thresholdBps: 9_300 }],
        debt: [{ asset: "USD", amount: decimal("900") }],
      },
      seize: ["USDE"],
      repay: ["USD"],
      expected: [{ from: 0, to: 4_200, answers: ["refused"], because: "healthy at what USDe was worth everywhere else" }],
    },
  ],
};
