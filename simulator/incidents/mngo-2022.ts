import { decimal, line } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const MNGO = "MNGO/USD";
/** 22:25 UTC the positions, 22:26 the first purchases, 22:45 the last price of note. */
const FIRST_PURCHASE = 60;
/** Two of five venues are then more than 3 % from the median: (0.7 − 0.38) · x² > 3 % of 0.038, x = 68 s of 1140. */
const PARTED = 130;
const PEAK = 1_200;
const OVER = 1_800;

/** A thin token bought up on the very venues that price it. */
export const MNGO_2022: Scenario = {
  name: "mngo-2022",
  title: "Mango Markets: MNGO from $0.038 to $0.91",
  sources: [
    {
      title: "Solidus Labs, The Mango Markets Exploit: An Order Book Analysis",
      url: "https://www.soliduslabs.com/post/mango-hack",
      says: "18:25 to 18:45 local time; $4 M bought on Mango, AscendEX and FTX; +2300 %",
    },
    {
      title: "ForkLog, Sam Bankman-Fried comments on Mango Markets hack",
      url: "https://forklog.com/en/news/sam-bankman-fried-comments-on-mango-markets-hack/amp",
      says: "$0.038 to $0.91; about +100 % on FTX, +900 % for a moment on others",
    },
    {
      title: "redpen, How Avraham Eisenberg Drained $115M from Mango Markets",
      url: "https://www.redpen.sh/blog/mango-markets-115m-hack",
      says: "back to $0.02 minutes later",
    },
  ],
  figures: ["$0.038, $0.91, +100 % and +900 % by venue, $0.02 afterwards", "twenty minutes"],
  assumed: [
    "the shape of the rise; a fifth venue between FTX and AscendEX",
    "the loan is against MNGO itself; at Mango it was against a perpetual's gain",
  ],
  startAt: Date.UTC(2022, 9, 11, 22, 25),
  until: 4_800,
  feeds: [{ feed: MNGO, preset: "longtail", sources: equalSources(["mango", "ascendex", "ftx", "gate", "raydium"], MNGO) }],
  quotes: {
    "mango MNGO/USD": { mid: pump("0.91") },
    "ascendex MNGO/USD": { mid: pump("0.38") },
    "ftx MNGO/USD": { mid: pump("0.076") },
    "gate MNGO/USD": { mid: pump("0.2") },
    "raydium MNGO/USD": { mid: pump("0.7") },
  },
  truth: {
    [MNGO]: line([
      [0, "0.038"],
      [PEAK, "0.038"],
      [OVER, "0.02"],
    ]),
  },
  expected: [
    { feed: MNGO, from: 0, to: FIRST_PURCHASE, state: ["closed"], borrow: true, because: "quiet before" },
    {
      feed: MNGO,
      from: PARTED,
      to: PEAK + 60,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["divergence"],
      lowAtMost: "0.2",
      because: "divergence: two of five venues outside tolerance, in the round that shows it, and nothing may be borrowed",
    },
    { feed: MNGO, from: PARTED, to: OVER, borrow: false, because: "B9: no borrowing unless closed" },
  ],
  loans: [
    {
      name: "owes MNGO",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("80000"), thresholdBps: 8_000 }],
        debt: [{ asset: "MNGO", amount: decimal("1000000") }],
      },
      seize: ["USD"],
      repay: ["MNGO"],
      expected: [{ from: 0, to: 900, answers: ["refused"], because: "B11: the hull's low end is the price before" }],
    },
  ],
  borrowers: [
    {
      name: "483 million MNGO as collateral",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "MNGO", amount: decimal("483000000"), thresholdBps: 8_000 }],
        debt: [{ asset: "USD", amount: decimal("116000000") }],
      },
      takes: "USD",
      expected: [
        { from: 0, to: 4_800, allowed: false, because: "borrow = false counts nothing as collateral; the slow mean is of a day" },
      ],
    },
  ],
};

/** From the first purchase to the peak, each step as large in proportion as the last, then down to $0.02. */
function pump(peak: string) {
  const base = decimal("0.038");
  const top = decimal(peak);
  const squared = (top - base) / 16n;
  return (second: number): bigint => {
    if (second < FIRST_PURCHASE) return base;
    if (second >= OVER) return decimal("0.02");
    if (second >= PEAK) return top - ((top - decimal("0.02")) * BigInt(second - PEAK)) / BigInt(OVER - PEAK);
    // Slow in the first quarter of the time, as far again in each of the others.
    const progress = BigInt(second - FIRST_PURCHASE);
    const whole = BigInt(PEAK - FIRST_PURCHASE);
    return base + (squared * 16n * progress * progress) / (whole * whole);
  };
}
