import { ok, type Result } from "../../protocol/result.ts";
import { feeAt, parseGas } from "../backtest/gas-series.ts";
import { decimal, everywhere } from "./quotes.ts";
import { type ExpectedAnswer, equalSources, type LoanAtStake, type Scenario } from "./scenario.ts";
import { barPath, type DataFiles, readBars, SERIES_ROUND_MS, type SeriesScenario } from "./series.ts";

const ETH = "ETH/USD";
const CHAIN = "CHAIN/ETHEREUM";
const VENUES = ["venue-a", "venue-b", "venue-c", "venue-d", "venue-e"];
const PRICES = "history/2020-03-12-black-thursday/coinapi-unnamed-venue-ETHUSD-10m.csv";
const GAS = "gas/ethereum-gasprice-10m-2020-03-12.csv";
const START = Date.UTC(2020, 2, 12);
const WINDOW_MS = 600_000;
/** A block of proof of work, and how old the newest one usually is. */
const BLOCK_MS = 13_000;
const HEAD_AGE_MS = 6_000;
/** What a transaction that is outbid waits: more than three blocks; one that is not: one. */
const OUTBID_MS = 5 * BLOCK_MS;

/** The day on which the price was true and nobody could reach the chain. */
export const BLACK_THURSDAY: SeriesScenario = {
  name: "black-thursday",
  title: "Black Thursday: ETH −45 % in a day, auctions nobody could bid in",
  files: [PRICES, GAS],
  build,
};

function build(files: DataFiles): Result<Scenario, string> {
  const bars = readBars(files, PRICES);
  if (!bars.ok) return bars;
  const gas = parseGas(files.get(GAS) ?? "");
  if (!gas.ok) return { ok: false, error: `${GAS}: ${gas.error}` };
  const fees = gas.value;
  const outbid = outbidWindows(files.get(GAS) ?? "");
  const price = barPath(bars.value, { barMs: WINDOW_MS, startAt: START });
  return ok({
    name: BLACK_THURSDAY.name,
    title: BLACK_THURSDAY.title,
    ...ACCOUNT,
    startAt: START,
    roundMs: SERIES_ROUND_MS,
    until: 86_385,
    feeds: [{ feed: ETH, preset: "major", sources: equalSources(VENUES, ETH) }],
    network: { leaseMs: 75_000, chains: [{ chain: "ETHEREUM", blockMs: BLOCK_MS }] },
    quotes: everywhere(VENUES, ETH, price),
    gauges: {
      "fee.ETHEREUM": (at) => feeAt(fees, Math.max(at, START)),
      "head.ETHEREUM": (at) => BigInt(at - HEAD_AGE_MS),
      "wait.ETHEREUM": (at) => BigInt(outbid.has(windowOf(at)) ? OUTBID_MS : BLOCK_MS),
    },
    truth: { [ETH]: price },
    expected: EXPECTED,
    longestPauseMs: { [ETH]: 684_000 },
    loans: LOANS,
  });
}

/**
 * Ten-minute windows in which even the cheapest third of what was mined (p30) paid more than two thirds had paid in the window before
 * (p60): who had bid like most, ten minutes ago, is outbid now.
 */
function outbidWindows(text: string): ReadonlySet<number> {
  const [header = "", ...lines] = text.trim().split("\n");
  const names = header.split(",");
  const field = (line: string, name: string) => line.split(",")[names.indexOf(name)] ?? "0";
  const outbid = new Set<number>();
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    if (before !== undefined && BigInt(field(line, "p30_wei")) > BigInt(field(before, "p60_wei"))) {
      outbid.add(Number(field(line, "timestamp_ms")));
    }
  });
  return outbid;
}

function windowOf(at: number): number {
  return at - (at % WINDOW_MS);
}

function clock(hours: number, minutes: number): number {
  return hours * 3_600 + minutes * 60;
}

const ACCOUNT = {
  sources: [
    {
      title: "How one bot claimed $8.32M of ETH on MakerDAO's Black Thursday",
      url: "https://theweal.com/2026/03/07/makerdao-black-thursday-how-one-bot-claimed-8-32m-eth/",
      says: "congestion, gas prices and zero bids; about $8.32 M of ETH for nothing",
    },
    {
      title: "What happened at MakerDAO on 12-13 Mar 2020?",
      url: "https://www.blockstockandbarrel.com/post/what-happened-at-makerdao-on-12-13-mar-2020",
      says: "keepers' transactions were late; gas prices rose to six times and more",
    },
    {
      title: "CoinAPI ETH/USD, 10 minutes, and mainnet gas prices, 10 minutes (BerkeleyBlockchain/stablesims)",
      url: "https://github.com/BerkeleyBlockchain/stablesims",
      says: "both series, read at run time",
    },
  ],
  figures: ["every price and gas price of the day"],
  assumed: [
    "five groups at one venue's price; each ten-minute bar along its corners; no basket, so nothing explains the fall",
    "the base fee is what 30 % of the transactions did not exceed: there was no base fee yet",
    "an inclusion wait of five blocks in the windows whose cheapest third paid more than two thirds had paid in the window before",
    "blocks came in time: of 13 s, the newest 6 s old",
  ],
};

const EXPECTED: Scenario["expected"] = [
  {
    feed: CHAIN,
    from: clock(9, 5),
    to: clock(9, 59),
    state: ["closed"],
    without: ["congestion"],
    because: "B13: the fee point alone, here six times the mean for hours, must never act",
  },
  {
    feed: CHAIN,
    from: clock(10, 40) + 15,
    to: clock(11, 0),
    state: ["open"],
    liquidate: ["robust"],
    borrow: false,
    rules: ["congestion"],
    because: "congestion: price true, but late, and bidders could not reach the chain",
  },
  {
    feed: CHAIN,
    from: clock(11, 30) + 15,
    to: clock(11, 40),
    state: ["open"],
    rules: ["congestion"],
    because: "congestion: fee and inclusion wait",
  },
  {
    feed: ETH,
    from: 0,
    to: 86_400,
    liquidate: ["any", "robust"],
    without: ["gap", "stale", "thin", "congestion"],
    because: "a true crash must liquidate; congestion is the chain's leaf",
  },
];

const ANSWERS: Readonly<Record<string, readonly ExpectedAnswer[]>> = {
  "140": [
    {
      from: clock(10, 41),
      to: clock(11, 0),
      answers: ["right"],
      because: "P5: insolvent at both ends is never held back, on a congested chain either",
    },
  ],
  "70": [{ from: 0, to: 86_400, answers: ["refused"], because: "healthy at the day's lowest price, 101" }],
};

/** One ether at 80 % against so many dollars. */
const LOANS: readonly LoanAtStake[] = ["140", "120", "100", "70"].map((debt) => ({
  name: `${debt} dollars on an ether`,
  chain: CHAIN,
  loan: {
    numeraire: "USD",
    collateral: [{ asset: "ETH", amount: decimal("1"), thresholdBps: 8_000 }],
    debt: [{ asset: "USD", amount: decimal(debt) }],
  },
  seize: ["ETH"],
  repay: ["USD"],
  expected: ANSWERS[debt] ?? [],
}));
