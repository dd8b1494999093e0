import type { Address } from "../protocol/bytes.ts";
import type { RATE_METHODS } from "../protocol/config.ts";
import type { Preset, ThresholdOverrides } from "../protocol/thresholds.ts";

/** One source as `network.yaml` writes it. */
export type CatalogueSource = {
  readonly venue: string;
  readonly market: string;
  readonly weight: number;
  readonly convert?: readonly ({ readonly multiply: string } | { readonly divide: string })[];
};
export type CatalogueFeed = {
  readonly feed: string;
  readonly preset: Preset;
  readonly peg?: { readonly rate: string };
  readonly sources: readonly CatalogueSource[];
};

/** An exchange rate that a contract states, as `network.yaml` writes it. */
export type CatalogueReference = {
  readonly name: string;
  readonly chain: string;
  readonly market: string;
  readonly read: {
    readonly kind: "exchange-rate";
    readonly contract: Address;
    readonly method: (typeof RATE_METHODS)[number];
    readonly decimals: number;
  };
};

/**
 * The feeds that a new network starts with. Weights follow rough shares of spot turnover, no venue above 30 %; every feed has more
 * groups than it wants, dollar pairs are quoted in dollars on at least three venues, and tether and USDC pairs are converted.
 */
export const CATALOGUE: readonly CatalogueFeed[] = [
  ...["BTC", "ETH"].map((asset) => dollarFeed(asset, "major")),
  ...["SOL", "XRP", "DOGE", "LINK", "AVAX", "ADA", "LTC", "UNI", "AAVE"].map((asset) => dollarFeed(asset, "large")),
  {
    feed: "USDT/USD",
    preset: "stable",
    sources: [
      direct("coinbase", "USDT/USD", 4),
      direct("kraken", "USDT/USD", 4),
      direct("bitstamp", "USDT/USD", 3),
      direct("gemini", "USDT/USD", 2),
      direct("bitfinex", "USDT/USD", 3),
      direct("crypto.com", "USDT/USD", 2),
    ],
  },
  {
    feed: "USDC/USD",
    preset: "stable",
    sources: [
      direct("kraken", "USDC/USD", 4),
      direct("bitstamp", "USDC/USD", 3),
      direct("gemini", "USDC/USD", 2),
      direct("bitfinex", "USDC/USD", 3),
      direct("crypto.com", "USDC/USD", 3),
    ],
  },
  {
    feed: "WSTETH/ETH",
    preset: "staked",
    sources: ["gate", "kucoin", "bitget", "mexc", "htx"].map((venue) => ({
      venue,
      market: "WSTETH/USDT",
      weight: 2,
      convert: [{ multiply: "USDT/USD" }, { divide: "ETH/USD" }],
    })),
  },
  {
    feed: "CRV/USD",
    preset: "longtail",
    sources: [
      direct("coinbase", "CRV/USD", 3),
      direct("kraken", "CRV/USD", 2),
      tether("binance", "CRV", 3),
      tether("okx", "CRV", 2),
      tether("bitget", "CRV", 2),
      tether("gate", "CRV", 2),
    ],
  },
];

/** Lido's wstETH on Ethereum: how much stETH one of it is. */
export const WSTETH_RATE: CatalogueReference = {
  name: "wsteth-rate",
  chain: "ETHEREUM",
  market: "WSTETH/STETH",
  read: {
    kind: "exchange-rate",
    contract: "0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0",
    method: "stEthPerToken",
    decimals: 18,
  },
};

/** What the catalogue's staked assets are redeemable for, by the feed that is held against it. */
const RATES: ReadonlyMap<string, CatalogueReference> = new Map([["WSTETH/ETH", WSTETH_RATE]]);

/** The catalogue for a network that declares these chains: a staked asset has its peg where the chain that states its rate is one of them. */
export function catalogueOn(chains: readonly { readonly chain: string }[]): {
  readonly feeds: readonly CatalogueFeed[];
  readonly references: readonly CatalogueReference[];
} {
  const declared = [...RATES].filter(([, { chain }]) => chains.some((item) => item.chain === chain));
  const rates = new Map(declared);
  return {
    feeds: CATALOGUE.map(({ sources, ...feed }) => {
      const rate = rates.get(feed.feed);
      return { ...feed, ...(rate === undefined ? {} : { peg: { rate: rate.name } }), sources };
    }),
    references: declared.map(([, reference]) => reference),
  };
}

/** BREAKER.md B12's default basket. */
export const DEFAULT_BASKET = [
  { feed: "BTC/USD", weight: 30 },
  { feed: "ETH/USD", weight: 30 },
  { feed: "SOL/USD", weight: 12 },
  { feed: "XRP/USD", weight: 12 },
  { feed: "LINK/USD", weight: 8 },
  { feed: "DOGE/USD", weight: 8 },
];

/** A development network's times (DESIGN section 9): minutes become seconds, so that a person sees a whole pause. */
export const DEVELOPMENT_THRESHOLDS: ThresholdOverrides = {
  quoteMs: 5_000,
  staleMs: 20_000,
  confirmMs: 10_000,
  probeMs: 10_000,
  clearMs: 5_000,
  resetMs: 30_000,
  seasonMs: 5_000,
};
export const DEVELOPMENT_LEASE_MS = 15_000;
/** A change of a development network's config is seen through within a minute. */
export const DEVELOPMENT_GOVERNANCE = { timelockMs: 30_000, shadowMs: 10_000, replayRounds: 300 };

function dollarFeed(asset: string, preset: Preset): CatalogueFeed {
  return {
    feed: `${asset}/USD`,
    preset,
    sources: [
      direct("coinbase", `${asset}/USD`, 4),
      direct("kraken", `${asset}/USD`, 3),
      direct("bitstamp", `${asset}/USD`, 2),
      direct("gemini", `${asset}/USD`, 1),
      tether("binance", asset, 4),
      tether("okx", asset, 3),
      direct("crypto.com", `${asset}/USD`, 1),
      { venue: "bybit", market: `${asset}/USDC`, weight: 2, convert: [{ multiply: "USDC/USD" }] },
    ],
  };
}

function direct(venue: string, market: string, weight: number): CatalogueSource {
  return { venue, market, weight };
}

function tether(venue: string, asset: string, weight: number): CatalogueSource {
  return { venue, market: `${asset}/USDT`, weight, convert: [{ multiply: "USDT/USD" }] };
}
