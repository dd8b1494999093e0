import { ONE } from "../../protocol/amount.ts";
import { ok, type Result } from "../../protocol/result.ts";
import { decimal, type Path, type Quotes, times } from "./quotes.ts";
import { equalSources, type LoanAtStake, type Scenario } from "./scenario.ts";
import { barPath, closePath, type DataFiles, quotient, readBars, SERIES_ROUND_MS, type SeriesScenario } from "./series.ts";

const USDC = "USDC/USD";
const FOLDER = "history/2023-03-usdc-depeg";
const FILES = {
  usdc: `${FOLDER}/kraken-USDCUSD-1m.csv`,
  usdcTether: `${FOLDER}/kraken-USDCUSDT-1m.csv`,
  tether: `${FOLDER}/kraken-USDTUSD-1m.csv`,
  krakenBtc: `${FOLDER}/kraken-BTCUSD-1m.csv`,
  bybit: `${FOLDER}/bybit-BTCUSDC-1m.csv`,
  binanceBtc: `${FOLDER}/binanceus-BTCUSD-1m.csv`,
  binance: `${FOLDER}/binanceus-BTCUSDC-1m.csv`,
} as const;
/** Ten hours before the first price under 0.99. */
const START = Date.UTC(2023, 2, 10, 17);
const DAY = 86_400;
/** 11 March 03:10 to 12 March 22:38: Kraken's closes under 0.99, never back for more than ten minutes. */
const UNDER = { from: second(11, 3, 12), to: second(12, 22, 38) };
const RECOVERED = second(13, 17, 0);

/** A stable coin that truly left its peg, by 13 %, for two days. */
export const USDC_2023: SeriesScenario = {
  name: "usdc-2023",
  title: "USDC at $0.87: a peg that truly broke",
  files: Object.values(FILES),
  build,
};

type Name = keyof typeof FILES;

function build(files: DataFiles): Result<Scenario, string> {
  const paths = new Map<Name, { readonly corners: Path; readonly closes: Path }>();
  for (const [name, file] of Object.entries(FILES) as [Name, string][]) {
    const bars = readBars(files, file);
    if (!bars.ok) return bars;
    const span = { barMs: 60_000, startAt: START };
    paths.set(name, { corners: barPath(bars.value, span), closes: closePath(bars.value, span) });
  }
  const closes = (name: Name): Path => paths.get(name)?.closes ?? (() => undefined);
  const direct = paths.get("usdc")?.corners ?? (() => undefined);
  const quotes: Quotes = {
    [`kraken ${USDC}`]: { mid: direct },
    [`kraken-usdt ${USDC}`]: { mid: product(closes("usdcTether"), closes("tether")) },
    [`kraken-bitcoin ${USDC}`]: { mid: quotient(closes("krakenBtc"), closes("bybit"), ONE) },
    [`binanceus ${USDC}`]: { mid: quotient(closes("binanceBtc"), closes("binance"), ONE) },
    [`kraken-last ${USDC}`]: { mid: closes("usdc") },
  };
  return ok({
    name: USDC_2023.name,
    title: USDC_2023.title,
    ...ACCOUNT,
    startAt: START,
    roundMs: SERIES_ROUND_MS,
    until: 4 * DAY,
    feeds: [
      {
        feed: USDC,
        preset: "stable",
        sources: equalSources(
          Object.keys(quotes).map((key) => key.slice(0, key.indexOf(" "))),
          USDC,
        ),
      },
    ],
    quotes,
    truth: { [USDC]: middleOf(Object.values(quotes).map(({ mid }) => mid)) },
    expected: EXPECTED,
    loans: LOANS,
  });
}

function product(a: Path, b: Path): Path {
  return (at) => {
    const second = b(at);
    return second === undefined ? undefined : times(a, second, ONE)(at);
  };
}

/** The middle one of what the sources say: what the market thought, as far as this data knows. */
function middleOf(paths: readonly Path[]): Path {
  return (at) => {
    const known = paths.flatMap((path) => path(at) ?? []).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return known[known.length >> 1];
  };
}

/** From the scenario's zero to an instant of March 2023, UTC. */
function second(day: number, hour: number, minute: number): number {
  return (Date.UTC(2023, 2, day, hour, minute) - START) / 1_000;
}

const ACCOUNT = {
  sources: [
    {
      title: "Nansen, USDC de-peg: what happened on chain",
      url: "https://research.nansen.ai/article/690/usdc-de-peg-what-happened-on-chain",
      says: "$3.3 bn of $40 bn at SVB; lows of $0.88; redemptions closed over the weekend; $1 again by 16 March",
    },
    {
      title: "Kraken, Bybit and Binance.US minute bars of 9 to 14 March 2023",
      url: "https://support.kraken.com/hc/en-us/articles/360047124832",
      says: "the prices, read at run time; Kraken's low is 0.874 on 11 March 07:15",
    },
  ],
  figures: ["every minute from 10 March 17:00 to 14 March 17:00"],
  assumed: [
    "five groups: Kraken's pair, Kraken's pair through tether, Kraken's last minute, and what bitcoin in USDC implies at Binance.US and at Bybit against Kraken",
    "a missing minute holds the last close",
  ],
};

const EXPECTED: Scenario["expected"] = [
  { feed: USDC, from: 0, to: second(11, 0, 0), price: ["0.99", "1.01"], because: "quiet until the news" },
  {
    feed: USDC,
    ...UNDER,
    state: ["open", "half-open"],
    liquidate: ["any", "robust"],
    borrow: false,
    because: "peg: a market-trusted stable follows its market, and nothing is borrowed on it until it is back",
  },
  {
    feed: USDC,
    from: second(11, 5, 0),
    to: second(11, 12, 0),
    rules: ["peg"],
    price: ["0.85", "0.97"],
    because: "peg: more than 1 % off; the price is the market's",
  },
  {
    feed: USDC,
    from: RECOVERED,
    to: 4 * DAY,
    liquidate: ["any", "robust"],
    price: ["0.985", "1.01"],
    because: "back at a dollar",
  },
  { feed: USDC, from: 0, to: 4 * DAY, without: ["gap", "stale"], because: "no single step that a market does not make" },
];

/** A thousand USDC at 98 % against so many dollars. */
const LOANS: readonly LoanAtStake[] = ["970", "950", "900", "840"].map((debt) => ({
  name: `${debt} dollars on 1000 USDC`,
  loan: {
    numeraire: "USD",
    collateral: [{ asset: "USDC", amount: decimal("1000"), thresholdBps: 9_800 }],
    debt: [{ asset: "USD", amount: decimal(debt) }],
  },
  seize: ["USDC"],
  repay: ["USD"],
  expected: [],
}));
