import type { FeedConfig } from "../../protocol/config.ts";
import { GUARDIAN } from "./network.ts";
import { decimal, everywhere, flat, times } from "./quotes.ts";
import { equalSources, type Scenario, type ScenarioFeed } from "./scenario.ts";

const CBETH = "CBETH/USD";
const ETH = "ETH/USD";
const RATIO = "CBETH/ETH";
const VENUES = ["coinbase", "uniswap", "curve", "balancer", "aerodrome", "kraken"];
const DOLLARS = flat("1964");
const HOUR = 3_600;
const ZERO = Date.UTC(2026, 1, 15, 18, 1);
const FOUND = 240;
const ROLLED_BACK = 1_500;
/** The guardian names half an hour, the most that one may. */
const UNTIL = 2_000;

/** cbETH in dollars through its ratio, with the leg and without it. */
function throughRatio(convert: NonNullable<ScenarioFeed["sources"][number]["convert"]>): ScenarioFeed {
  return {
    feed: CBETH,
    preset: "large",
    sources: VENUES.map((venue) => ({ venue, market: RATIO, weight: 1, convert })),
  };
}

const DOLLAR_FEED: ScenarioFeed = { feed: ETH, preset: "major", sources: equalSources(VENUES, ETH) };

/** A new definition without its dollar leg, forced past every gate; a guardian at the fourth minute; a roll-back after 25. */
export const CBETH_2026: Scenario = {
  name: "cbeth-2026",
  title: "Moonwell cbETH: a leg missing in a new config, price ÷ 1964",
  sources: [
    {
      title: "MIP-X43 cbETH Oracle Incident Summary",
      url: "https://forum.moonwell.fi/t/mip-x43-cbeth-oracle-incident-summary/2068",
      says: "18:01 UTC, $1.12 for about $2200; found at 18:05; correcting it took a 5-day vote and timelock; 1096 cbETH seized, $1.78 M bad debt",
    },
    {
      title: "A Single Misconfigured Oracle Valued cbETH at $1.12 Instead of $2,200",
      url: "https://www.spendnode.io/blog/moonwell-cbeth-oracle-misconfiguration-1-78m-bad-debt-chainlink-oev-ai-code",
      says: "a factor of 1964",
    },
  ],
  figures: ["1.12 instead of 1.12 × 1964", "found after 4 minutes"],
  assumed: ["six venues for the ratio and for ether", "the guardian acts when it was found; governors roll back 25 minutes in"],
  startAt: ZERO,
  until: 2 * HOUR,
  feeds: [throughRatio([{ multiply: ETH }]), DOLLAR_FEED],
  quotes: { ...everywhere(VENUES, RATIO, flat("1.12")), ...everywhere(VENUES, ETH, DOLLARS) },
  truth: { [CBETH]: times(DOLLARS, 112n, 100n), [ETH]: DOLLARS },
  patches: [{ from: 0, to: ROLLED_BACK, feeds: dropLeg }],
  refusedConfigs: [
    {
      what: "the ratio without its dollar leg",
      feeds: [throughRatio([]), DOLLAR_FEED],
      path: `feeds[${CBETH}].sources[0]`,
    },
  ],
  documents: [
    {
      at: FOUND,
      document: {
        kind: "pause",
        feed: CBETH as FeedConfig["feed"],
        action: "none",
        until: ZERO + UNTIL * 1_000,
        approvals: [{ keyholder: GUARDIAN, nonce: 1, signature: "0x" }],
      },
    },
  ],
  expected: [
    {
      feed: CBETH,
      from: 0,
      to: FOUND,
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["gap"],
      price: ["1.1", "1.14"],
      highAtLeast: "2190",
      because: "gap: robust on the hull of old and new price, in the first round",
    },
    {
      feed: CBETH,
      from: FOUND + 2,
      to: UNTIL,
      liquidate: ["none"],
      borrow: false,
      rules: ["manual"],
      because: "a guardian pauses at once: in force within two rounds",
    },
    {
      feed: CBETH,
      from: FOUND + 2,
      to: ROLLED_BACK,
      rules: ["gap", "manual"],
      because: "gap lasts until the price returns, governors accept it, or 24 hours",
    },
    {
      feed: CBETH,
      from: ROLLED_BACK,
      to: 2 * HOUR,
      price: ["2195", "2205"],
      without: ["gap"],
      because: "the price returns and the latch is released",
    },
    { feed: CBETH, from: UNTIL + 1, to: 2 * HOUR, without: ["manual"], because: "a pause ends by itself" },
    { feed: CBETH, from: UNTIL + 600, to: 2 * HOUR, state: ["closed"], because: "half-open, then closed" },
    { feed: ETH, from: 0, to: 2 * HOUR, state: ["closed"], because: "P8: one bad feed is alone" },
  ],
  loans: [
    {
      name: "long cbETH",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "CBETH", amount: decimal("10"), thresholdBps: 8_000 }],
        debt: [{ asset: "USD", amount: decimal("15000") }],
      },
      seize: ["CBETH"],
      repay: ["USD"],
      expected: [{ from: 0, to: 2 * HOUR, answers: ["refused"], because: "healthy at the high end, which is the price before" }],
    },
  ],
  borrowers: [
    {
      name: "borrows cbETH at a dollar",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("10000"), thresholdBps: 8_000 }],
        debt: [{ asset: "CBETH", amount: decimal("1000") }],
      },
      takes: "CBETH",
      expected: [{ from: 0, to: 2 * HOUR, allowed: false, because: "the borrowed asset's own borrow must be true" }],
    },
  ],
};

function dropLeg(feeds: readonly FeedConfig[]): readonly FeedConfig[] {
  return feeds.map((feed) =>
    feed.feed === CBETH ? { ...feed, sources: feed.sources.map((source) => ({ ...source, convert: [] })) } : feed,
  );
}
