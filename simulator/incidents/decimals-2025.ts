import { decimal, during, everywhere, flat, times } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const LINK = "LINK/USD";
const VENUES = ["coinbase", "kraken", "binance", "okx", "bitstamp", "gemini"];
const TRUTH = flat("13.8");
const TEN_DIGITS = 10_000_000_000n;
const DOWN = { from: 0, to: 600 };
const UP = { from: 2_400, to: 3_000 };

/** Eight decimals read as eighteen, then eighteen read as eight, at every node at once. */
export const DECIMALS_2025: Scenario = {
  name: "decimals-2025",
  title: "Decimals: 8 against 18, as at Ribbon",
  sources: [
    {
      title: "Aevo (Ribbon): The Legacy Vault Oracle Upgrade Exploit",
      url: "https://clawditor-docs.vercel.app/docs/research/2025-12-14-aevo-ribbon-oracle-mismatch",
      says: "an upgrade gave stETH, PAXG, LINK and AAVE 18 decimals while others kept 8; ten orders of magnitude; $2.7 M",
    },
  ],
  figures: ["a factor of 10¹⁰"],
  assumed: ["every source of one feed at once, ten minutes, first down and later up", "LINK at $13.80"],
  startAt: Date.UTC(2025, 11, 12, 12),
  until: 4_800,
  feeds: [{ feed: LINK, preset: "large", sources: equalSources(VENUES, LINK) }],
  quotes: everywhere(VENUES, LINK, during(DOWN, times(TRUTH, 1n, TEN_DIGITS), during(UP, times(TRUTH, TEN_DIGITS, 1n), TRUTH))),
  truth: { [LINK]: TRUTH },
  expected: [
    {
      feed: LINK,
      ...DOWN,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap"],
      highAtLeast: "13.7",
      because: "gap: a one-round discontinuity no market makes, hull in the first round",
    },
    {
      feed: LINK,
      ...UP,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap"],
      lowAtMost: "13.9",
      because: "gap: the same, upwards",
    },
    { feed: LINK, from: 1_500, to: 2_400, state: ["closed"], because: "the price returned; quiet time, probe, closed" },
  ],
  loans: [
    {
      name: "long LINK",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "LINK", amount: decimal("1000"), thresholdBps: 7_500 }],
        debt: [{ asset: "USD", amount: decimal("9000") }],
      },
      seize: ["LINK"],
      repay: ["USD"],
      expected: [{ from: 0, to: 4_800, answers: ["refused"], because: "healthy at the end that is true" }],
    },
    {
      name: "owes LINK",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("20000"), thresholdBps: 8_000 }],
        debt: [{ asset: "LINK", amount: decimal("1000") }],
      },
      seize: ["USD"],
      repay: ["LINK"],
      expected: [{ from: 0, to: 4_800, answers: ["refused"], because: "healthy at the end that is true" }],
    },
  ],
  borrowers: [
    {
      name: "a LINK for ten billion dollars",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "LINK", amount: decimal("1"), thresholdBps: 7_500 }],
        debt: [{ asset: "USD", amount: decimal("1000000") }],
      },
      takes: "USD",
      expected: [{ from: 0, to: 4_800, allowed: false, because: "a feed without borrow counts nothing as collateral" }],
    },
  ],
};
