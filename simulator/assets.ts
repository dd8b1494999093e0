import { ONE } from "../protocol/amount.ts";

/** How one asset behaves. `feed` names what the walk moves: a price in USD, or a ratio to another asset. */
export type Asset = {
  readonly asset: string;
  /** `BASE/QUOTE`; USD, or the asset that a ratio is against. */
  readonly feed: string;
  /** Where the walk starts, 1e18. */
  readonly price: bigint;
  /** Standard deviation of one second's return, in 10⁻⁹. 107 000 is 60 % a year: 0.6 / √31 557 600. */
  readonly walkNano: bigint;
  /** Drawn back to where it was last set; else free. */
  readonly pegged: boolean;
  /** Half the quoted spread, in 10⁻⁹ of the price. */
  readonly halfSpreadNano: bigint;
  /** Standard deviation of one venue's stray from the true price, in 10⁻⁹. */
  readonly noiseNano: bigint;
  /** A venue's 24 h volume in USD. */
  readonly volumeUsd: bigint;
};

type Class = Pick<Asset, "pegged" | "halfSpreadNano" | "noiseNano">;

const MAJOR: Class = { pegged: false, halfSpreadNano: 50_000n, noiseNano: 100_000n };
const LARGE: Class = { pegged: false, halfSpreadNano: 150_000n, noiseNano: 200_000n };
const STABLE: Class = { pegged: true, halfSpreadNano: 30_000n, noiseNano: 40_000n };
const STAKED: Class = { pegged: true, halfSpreadNano: 200_000n, noiseNano: 200_000n };
const LONGTAIL: Class = { pegged: false, halfSpreadNano: 700_000n, noiseNano: 500_000n };

function usd(asset: string, cents: bigint, walkNano: bigint, volumeUsd: bigint, of: Class): Asset {
  return { asset, feed: `${asset}/USD`, price: (cents * ONE) / 100n, walkNano, volumeUsd, ...of };
}

/** The world's assets. Quiet enough that no breaker rule fires by itself, lively enough that every price moves every second. */
export const ASSETS: readonly Asset[] = [
  usd("BTC", 6_000_000n, 80_000n, 900_000_000n, MAJOR),
  usd("ETH", 180_000n, 100_000n, 600_000_000n, MAJOR),
  usd("SOL", 9_000n, 130_000n, 200_000_000n, LARGE),
  usd("XRP", 120n, 130_000n, 150_000_000n, LARGE),
  usd("BNB", 55_000n, 100_000n, 90_000_000n, LARGE),
  usd("DOGE", 11n, 150_000n, 80_000_000n, LARGE),
  usd("LINK", 950n, 140_000n, 40_000_000n, LARGE),
  usd("AVAX", 1_250n, 150_000n, 30_000_000n, LARGE),
  usd("ADA", 42n, 140_000n, 40_000_000n, LARGE),
  usd("LTC", 6_800n, 120_000n, 30_000_000n, LARGE),
  usd("UNI", 480n, 150_000n, 15_000_000n, LARGE),
  usd("AAVE", 13_000n, 150_000n, 12_000_000n, LARGE),
  usd("CRV", 38n, 200_000n, 2_000_000n, LONGTAIL),
  usd("ENA", 21n, 220_000n, 2_500_000n, LONGTAIL),
  usd("USDT", 100n, 5_000n, 300_000_000n, STABLE),
  usd("USDC", 100n, 5_000n, 200_000_000n, STABLE),
  usd("DAI", 100n, 6_000n, 10_000_000n, STABLE),
  { asset: "WSTETH", feed: "WSTETH/ETH", price: (12n * ONE) / 10n, walkNano: 8_000n, volumeUsd: 3_000_000n, ...STAKED },
];
