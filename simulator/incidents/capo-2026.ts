import type { FeedConfig } from "../../protocol/config.ts";
import { decimal, everywhere, flat } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const WSTETH = "WSTETH/ETH";
const VENUES = ["curve", "uniswap", "balancer", "bybit", "gate"];
const RATE = "1.228";
/** 2.85 % below the rate. */
const CAP = "1.193002";
const ZERO = Date.UTC(2026, 2, 10, 12);
const CORRECTED = 1_800;
const HOUR = 3_600;

/** A cap whose ratio is old and whose time is new: the guard itself is 2.85 % off, at every source alike. */
export const CAPO_2026: Scenario = {
  name: "capo-2026",
  title: "Aave CAPO: the guard itself 2.85 % off, $26 M",
  sources: [
    {
      title: "Capo, an external oracle solution used by Aave, triggered around $27 million in liquidations",
      url: "https://xbt.market/?p=131938",
      says: "10,938 wstETH, $27.1 M, at a rate 2.85 % below the market's",
    },
    {
      title: "Aave users lose $26M after wstETH oracle misconfiguration triggers liquidations",
      url: "https://todayonchain.com/news/article/01KKDGYCHJAKDJTTEDQADGF9V2/",
      says: "snapshot ratio and timestamp did not belong together; 34 accounts; 499 ETH of bonuses",
    },
    {
      title: "Aave oracle glitch triggers $26M in wstETH liquidations",
      url: "https://alphawire.xyz/news/ethereum/aave-oracle-glitch-triggers-26m-in-wsteth-liquidations/",
      says: "about 1.19 ETH for about 1.23",
    },
  ],
  figures: ["2.85 % below", "1.19 against 1.23"],
  assumed: ["the moment of the day", "half an hour until it is corrected", "an E-Mode threshold of 95 %"],
  startAt: ZERO,
  until: 3 * HOUR,
  feeds: [{ feed: WSTETH, preset: "staked", peg: { rate: "wsteth" }, sources: equalSources(VENUES, WSTETH) }],
  network: {
    chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
    references: [
      {
        name: "wsteth",
        chain: "ETHEREUM",
        market: "WSTETH/STETH",
        read: {
          kind: "exchange-rate",
          contract: "0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0",
          method: "stEthPerToken",
          decimals: 18,
        },
      },
    ],
  },
  gauges: { "rate.wsteth": () => decimal(RATE) },
  quotes: everywhere(VENUES, WSTETH, flat(RATE)),
  truth: { [WSTETH]: flat(RATE) },
  patches: [{ from: 0, to: CORRECTED, feeds: withBadCap }],
  expected: [
    {
      feed: WSTETH,
      from: 0,
      to: CORRECTED,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap", "jump", "peg"],
      price: ["1.192", "1.1931"],
      highAtLeast: "1.2279",
      because: "the breaker never replaces the price; it only narrows what may be done with it",
    },
    {
      feed: WSTETH,
      from: CORRECTED,
      to: 3 * HOUR,
      without: ["gap"],
      price: ["1.2275", "1.2285"],
      because: "the price returns and the latch is released",
    },
    { feed: WSTETH, from: CORRECTED + HOUR, to: 3 * HOUR, state: ["closed"], because: "quiet time and half an hour of probing" },
  ],
  loans: [
    {
      name: "looped wstETH in E-Mode",
      loan: {
        numeraire: "ETH",
        collateral: [{ asset: "WSTETH", amount: decimal("1000"), thresholdBps: 9_500 }],
        debt: [{ asset: "ETH", amount: decimal("1155") }],
      },
      seize: ["WSTETH"],
      repay: ["ETH"],
      expected: [{ from: 0, to: 3 * HOUR, answers: ["refused"], because: "healthy at the high end, which is the price before" }],
    },
    {
      name: "wstETH under water at either end",
      loan: {
        numeraire: "ETH",
        collateral: [{ asset: "WSTETH", amount: decimal("1000"), thresholdBps: 9_500 }],
        debt: [{ asset: "ETH", amount: decimal("1180") }],
      },
      seize: ["WSTETH"],
      repay: ["ETH"],
      expected: [{ from: 0, to: 3 * HOUR, answers: ["right"], because: "P5: insolvent at both ends is never held back" }],
    },
  ],
};

function withBadCap(feeds: readonly FeedConfig[]): readonly FeedConfig[] {
  const cap = { value: CAP, at: ZERO, growthBps: 968 };
  return feeds.map((feed) => ({ ...feed, sources: feed.sources.map((source) => ({ ...source, cap })) }));
}
