import type { ReferenceConfig } from "../../protocol/config.ts";
import { aggregatorProbe } from "./aggregator-v3.ts";
import { exchangeRateProbe } from "./exchange-rate.ts";
import type { Probe } from "./json-rpc.ts";
import { spotProbe, twapProbe } from "./uniswap-v3.ts";

/** What a reference says, in units of 10⁻¹⁸ of the market's quote asset. */
export type ReferencePrice = {
  readonly price: bigint;
  /** The contract's own time of it, Unix ms; absent where it speaks of the newest block. */
  readonly at?: number;
};

/** The translator of each kind of reference; a new kind does not compile until it has one. */
const PROBES: { readonly [Kind in Read["kind"]]: (read: Extract<Read, { kind: Kind }>) => Probe<ReferencePrice> } = {
  chainlink: aggregatorProbe,
  "uniswap-v3-twap": twapProbe,
  "uniswap-v3-spot": spotProbe,
  "exchange-rate": exchangeRateProbe,
};
type Read = ReferenceConfig["read"];

export function referenceProbe<Kind extends Read["kind"]>(read: Extract<Read, { kind: Kind }>): Probe<ReferencePrice> {
  return PROBES[read.kind as Kind](read);
}

/** A market's price, which a feed may have for a source; an exchange rate is only ever a gauge (BREAKER.md B11). */
export function isPriceReference({ read }: ReferenceConfig): boolean {
  return read.kind !== "exchange-rate";
}
