import { decimal, flat } from "./quotes.ts";
import type { Scenario } from "./scenario.ts";

const WRSETH = "WRSETH/ETH";
const TRUTH = flat("1.057");
const DEAD = flat("1700000");
const SPELL = { from: 0, to: 1_200 };
/** A pool and an aggregator that reads the same pool are one group. */
const POOL = "balancer";

/** A pool without liquidity that most nodes still read, and nothing else left for them to compare it with. */
export const WRSETH_2025: Scenario = {
  name: "wrseth-2025",
  title: "Moonwell wrsETH: most nodes shared one dead pool",
  sources: [
    {
      title: "Omer Goldberg on the wrsETH price, 4 November 2025 (copy)",
      url: "https://www.ouyigw.org/ar-ae/feed/post/59609520429312",
      says: "1.7 million instead of 1.057 at 05:45 UTC; pools depleted after the Balancer exploit; most nodes inflated, a minority right",
    },
    {
      title: "Moonwell falls to oracle error, $1 M",
      url: "https://coinalertnews.com/news/2025/11/04/44c1e1928276306821576b5250726d65",
      says: "0.02 wrsETH as collateral for 20 wstETH; 295 ETH lost",
    },
  ],
  figures: ["1.057 against 1 700 000", "three nodes of four wrong"],
  assumed: ["which pools had gone silent", "twenty minutes"],
  startAt: Date.UTC(2025, 10, 4, 5, 45),
  until: 5_400,
  feeds: [
    {
      feed: WRSETH,
      preset: "staked",
      sources: [
        { venue: "balancer-pool", market: WRSETH, weight: 1, group: POOL },
        { venue: "balancer-aggregator", market: WRSETH, weight: 1, group: POOL },
        { venue: "uniswap", market: WRSETH, weight: 1 },
        { venue: "aerodrome", market: WRSETH, weight: 1 },
        { venue: "velodrome", market: WRSETH, weight: 1 },
      ],
    },
  ],
  quotes: Object.fromEntries(
    ["balancer-pool", "balancer-aggregator", "uniswap", "aerodrome", "velodrome"].map((venue) => [
      `${venue} ${WRSETH}`,
      { mid: TRUTH },
    ]),
  ),
  patches: [
    {
      ...SPELL,
      nodes: [0, 1, 2],
      quotes: {
        [`balancer-pool ${WRSETH}`]: { mid: DEAD },
        [`balancer-aggregator ${WRSETH}`]: { mid: DEAD },
        [`aerodrome ${WRSETH}`]: { mid: TRUTH, silent: [SPELL] },
        [`velodrome ${WRSETH}`]: { mid: TRUTH, silent: [SPELL] },
      },
    },
    {
      ...SPELL,
      nodes: [3],
      quotes: {
        [`balancer-pool ${WRSETH}`]: { mid: TRUTH, silent: [SPELL] },
        [`balancer-aggregator ${WRSETH}`]: { mid: TRUTH, silent: [SPELL] },
      },
    },
  ],
  truth: { [WRSETH]: TRUTH },
  expected: [
    {
      feed: WRSETH,
      from: 0,
      to: 298,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["thin"],
      carried: true,
      price: ["1.056", "1.058"],
      because: "thin: too few provenance groups; the wrong price is nobody's price",
    },
    {
      feed: WRSETH,
      from: 302,
      to: 1_200,
      liquidate: ["none"],
      borrow: false,
      rules: ["stale", "thin"],
      price: ["1.056", "1.058"],
      because: "stale: absence has no cap and ends when data returns",
    },
    { feed: WRSETH, from: 0, to: 5_400, price: ["1.056", "1.058"], because: "P1: never a price that no group confirms" },
    { feed: WRSETH, from: 3_600, to: 5_400, state: ["closed"], because: "data is back for half an hour of probing" },
  ],
  loans: [
    {
      name: "owes wrsETH",
      loan: {
        numeraire: "ETH",
        collateral: [{ asset: "ETH", amount: decimal("1200"), thresholdBps: 9_000 }],
        debt: [{ asset: "WRSETH", amount: decimal("1000") }],
      },
      seize: ["ETH"],
      repay: ["WRSETH"],
      expected: [{ from: 0, to: 5_400, answers: ["refused"], because: "healthy at 1.057" }],
    },
  ],
  borrowers: [
    {
      name: "0.02 wrsETH for 20 ETH",
      loan: {
        numeraire: "ETH",
        collateral: [{ asset: "WRSETH", amount: decimal("0.02"), thresholdBps: 9_000 }],
        debt: [{ asset: "ETH", amount: decimal("20") }],
      },
      takes: "ETH",
      expected: [{ from: 0, to: 5_400, allowed: false, because: "nothing was ever certified at that price" }],
    },
  ],
};
