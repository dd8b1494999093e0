import type { FeedEntry } from "../../protocol/observation.ts";
import { decimal, during, everywhere, flat, times } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";

const BTC = "BTC/USD";
const TRUTH = flat("41000");
const PUBLISHERS = ["publisher-a", "publisher-b", "publisher-c", "publisher-d", "publisher-e", "publisher-f"];
const SPELL = { from: 0, to: 120 };
const EXPONENT = 100_000_000n;

/** Two publishers near zero for two minutes; and, worse than it was, one node with the same mistake in its own arithmetic. */
export const PYTH_2021: Scenario = {
  name: "pyth-2021",
  title: "Pyth BTC/USD: two publishers with decimal errors, aggregate −87 %",
  sources: [
    {
      title: "Pyth Root Cause Analysis",
      url: "https://pyth.network/blog/pyth-root-cause-analysis",
      says: "12:21 to 12:23 UTC; one publisher sent 0, one used exponent 10⁰ for 10⁻⁸; the aggregate fell to $5402 and was liquidated on",
    },
    {
      title: "How Bitcoin prices briefly crashed to $5,000 due to a bug",
      url: "https://www.cnbctv18.com/cryptocurrency/how-bitcoin-prices-briefly-crashed-to-5000-due-to-a-bug-10852832.htm",
      says: "about $41,000 on the large exchanges at the time",
    },
  ],
  figures: ["two publishers near zero for two minutes", "$41,000 elsewhere"],
  assumed: ["six publishers of equal weight, each a group of its own", "one of four nodes with the exponent error as well"],
  startAt: Date.UTC(2021, 8, 20, 12, 21),
  until: 600,
  feeds: [{ feed: BTC, preset: "major", sources: equalSources(PUBLISHERS, BTC) }],
  quotes: {
    ...everywhere(PUBLISHERS, BTC, TRUTH),
    "publisher-a BTC/USD": { mid: during(SPELL, () => 0n, TRUTH) },
    "publisher-b BTC/USD": { mid: during(SPELL, times(TRUTH, 1n, EXPONENT), TRUTH) },
  },
  truth: { [BTC]: TRUTH },
  patches: [{ ...SPELL, nodes: [3], entry: misread }],
  expected: [
    {
      feed: BTC,
      from: 0,
      to: 600,
      state: ["closed"],
      liquidate: ["any"],
      price: ["40950", "41050"],
      lowAtLeast: "40000",
      highAtMost: "42000",
      because: "P1: the price lies between honest values; 1 of 5 present sources outside passes, and zero is no price",
    },
    {
      feed: BTC,
      ...SPELL,
      drops: { source: "publisher-b BTC/USD", code: "outlier" },
      because: "section 4: beyond max(4 MAD, floorBps) of the median is dropped and named",
    },
    {
      feed: BTC,
      ...SPELL,
      drops: { source: "publisher-a BTC/USD", code: "missing" },
      because: "section 3: zero is a fault, not a price",
    },
  ],
  loans: [
    {
      name: "long bitcoin",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "BTC", amount: decimal("1"), thresholdBps: 8_000 }],
        debt: [{ asset: "USD", amount: decimal("30000") }],
      },
      seize: ["BTC"],
      repay: ["USD"],
      expected: [{ from: 0, to: 600, answers: ["refused"], because: "it is healthy at the price that is certified" }],
    },
  ],
};

function misread(entry: FeedEntry): FeedEntry {
  const { price, low, high } = entry;
  return { ...entry, price: price / EXPONENT, low: low / EXPONENT, high: high / EXPONENT };
}
