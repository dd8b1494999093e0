import type { RATE_METHODS, ReferenceConfig } from "../../protocol/config.ts";
import type { Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { contractCall, readWords } from "./contract-call.ts";
import type { Probe, RpcAnswer } from "./json-rpc.ts";
import type { ReferencePrice } from "./reference.ts";
import { amountOf } from "./scale.ts";

type RateRead = Extract<ReferenceConfig["read"], { kind: "exchange-rate" }>;

/**
 * The function of each method, and whether it is asked for an amount of shares: Lido's wstETH `stEthPerToken`, Rocket Pool's rETH
 * `getExchangeRate`, Coinbase's cbETH `exchangeRate`, any ERC-4626 vault's `convertToAssets`, Balancer rate providers' `getRate`.
 */
const METHODS: Readonly<Record<(typeof RATE_METHODS)[number], { readonly signature: string; readonly ofShares: boolean }>> = {
  stEthPerToken: { signature: "stEthPerToken()", ofShares: false },
  getExchangeRate: { signature: "getExchangeRate()", ofShares: false },
  exchangeRate: { signature: "exchangeRate()", ofShares: false },
  convertToAssets: { signature: "convertToAssets(uint256)", ofShares: true },
  getRate: { signature: "getRate()", ofShares: false },
};

/** What one whole share is redeemable for by its own contract, as of the newest block. */
export function exchangeRateProbe({ contract, method, decimals, shareDecimals }: RateRead): Probe<ReferencePrice> {
  const { signature, ofShares } = METHODS[method];
  const args = ofShares ? [10n ** BigInt(shareDecimals)] : [];
  return { calls: [contractCall(contract, signature, args)], read: ([answer]) => readRate(answer, decimals) };
}

function readRate(answer: RpcAnswer | undefined, decimals: number): Result<ReferencePrice, Fault> {
  const words = readWords(answer, 1);
  if (!words.ok) return words;
  const [value = 0n] = words.value;
  const price = amountOf({ value, decimals });
  return price.ok ? { ok: true, value: { price: price.value } } : price;
}
