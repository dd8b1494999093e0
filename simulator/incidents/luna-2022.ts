import { decimal, everywhere, line } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const LUNA = "LUNA/USD";
const VENUES = ["binance", "okx", "kucoin", "gate", "bybit", "huobi"];
const HOUR = 3_600;
/** 2022-05-13 00:40 UTC. */
const HALT = 15 * HOUR + 40 * 60;

/** Opening prices of each hour on Binance, 12 May 09:00 to the halt. */
const TRUTH = line([
  [0, "0.0758"],
  [HOUR, "0.026"],
  [2 * HOUR, "0.0869"],
  [3 * HOUR, "0.0324"],
  [4 * HOUR, "0.02018"],
  [5 * HOUR, "0.0113"],
  [6 * HOUR, "0.00656"],
  [7 * HOUR, "0.00888"],
  [8 * HOUR, "0.01428"],
  [9 * HOUR, "0.02002"],
  [10 * HOUR, "0.02229"],
  [11 * HOUR, "0.0382"],
  [12 * HOUR, "0.02754"],
  [13 * HOUR, "0.00409"],
  [14 * HOUR, "0.00241"],
  [15 * HOUR, "0.00032"],
  [HALT, "0.00005"],
]);

/** A token that falls through every floor, and then has no market at all. */
export const LUNA_2022: Scenario = {
  name: "luna-2022",
  title: "LUNA: a feed that stopped at its floor, then venues that stop",
  sources: [
    {
      title: "DeFi Protocols Report Significant Losses Amid Luna Price Exploit",
      url: "https://cryptonews.com.au/news/defi-protocols-report-significant-losses-amid-luna-price-exploit-94780/",
      says: "the feed stood at $0.107 while the market was at $0.01; Venus lost $11.2 M",
    },
    {
      title: "Explained: The Luna Price Dip Exploits",
      url: "https://halborn.com/explained-the-luna-price-dip-exploits-may-2022/",
      says: "Blizz lost $8.28 M",
    },
    {
      title: "data.binance.vision, LUNAUSDT 1m, May 2022",
      url: "https://data.binance.vision/",
      says: "the hourly prices of 12 May and the end of trading on 13 May about 00:40 UTC",
    },
  ],
  figures: ["hourly prices", "the halt of 13 May", "a floor of $0.107 elsewhere"],
  assumed: ["straight lines within an hour", "every venue halts when Binance did", "books that freeze rather than vanish"],
  startAt: Date.UTC(2022, 4, 12, 9),
  roundMs: 15_000,
  until: 17 * HOUR,
  feeds: [{ feed: LUNA, preset: "large", sources: equalSources(VENUES, LUNA) }],
  quotes: Object.fromEntries(
    Object.entries(everywhere(VENUES, LUNA, TRUTH)).map(([source, script]) => [
      source,
      { ...script, frozen: [{ from: HALT, to: 18 * HOUR }] },
    ]),
  ),
  truth: { [LUNA]: (second) => (second < HALT ? TRUTH(second) : undefined) },
  expected: [
    {
      feed: LUNA,
      from: 5 * HOUR,
      to: 5 * HOUR + 60,
      price: ["0.0110", "0.0116"],
      liquidate: ["any", "robust"],
      because: "there is no floor: the price follows the market down",
    },
    {
      feed: LUNA,
      from: 15 * HOUR,
      to: 15 * HOUR + 60,
      price: ["0.0003", "0.00034"],
      liquidate: ["any", "robust"],
      because: "there is no floor: the price follows the market down",
    },
    { feed: LUNA, from: 0, to: HALT, without: ["gap", "stale"], because: "a slide that every venue follows is no discontinuity" },
    {
      feed: LUNA,
      from: HALT + 45,
      to: HALT + 60,
      carried: true,
      borrow: false,
      liquidate: ["robust"],
      rules: ["thin"],
      because: "P3: a feed that is not priced afresh permits less at once",
    },
    {
      feed: LUNA,
      from: HALT + 75,
      to: 17 * HOUR,
      carried: true,
      liquidate: ["none"],
      borrow: false,
      rules: ["stale"],
      because: "stale: silence is never permission, and has no cap",
    },
  ],
  loans: [
    {
      name: "under water at every price of the day",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "LUNA", amount: decimal("1000"), thresholdBps: 6_000 }],
        debt: [{ asset: "USD", amount: decimal("60") }],
      },
      seize: ["LUNA"],
      repay: ["USD"],
      expected: [
        { from: 0, to: HALT, answers: ["right"], because: "P5: insolvent at both ends is never held back while data is fresh" },
        {
          from: HALT + 75,
          to: 17 * HOUR,
          answers: ["refused"],
          because: "without a market nothing may be seized on an old price",
        },
      ],
    },
  ],
  borrowers: [
    {
      name: "deposits LUNA at the floor's price",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "LUNA", amount: decimal("1000000"), thresholdBps: 5_500 }],
        debt: [{ asset: "USD", amount: decimal("50000") }],
      },
      takes: "USD",
      expected: [
        { from: 0, to: 17 * HOUR, allowed: false, because: "collateral counts at the lower of its low and its slow mean" },
      ],
    },
  ],
};
