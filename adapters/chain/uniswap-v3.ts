import { WORD } from "../../protocol/abi.ts";
import { ONE } from "../../protocol/amount.ts";
import type { ReferenceConfig } from "../../protocol/config.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { malformed } from "../fields.ts";
import { contractCall, readWords, signedOf } from "./contract-call.ts";
import type { Probe, RpcAnswer } from "./json-rpc.ts";
import type { ReferencePrice } from "./reference.ts";
import { boundedAmount } from "./scale.ts";
import { MAX_TICK, sqrtRatioAtTick } from "./tick-math.ts";

type TwapRead = Extract<ReferenceConfig["read"], { kind: "uniswap-v3-twap" }>;
type SpotRead = Extract<ReferenceConfig["read"], { kind: "uniswap-v3-spot" }>;
type Sides = Pick<SpotRead, "base" | "baseDecimals" | "quoteDecimals">;

const MAX_UINT160 = (1n << 160n) - 1n;

/**
 * A pool's time-weighted price over the last `windowMs`, whole seconds: `observe([seconds, 0])` → two tick cumulatives, whose difference
 * over the window is the mean tick, rounded towards negative infinity as Uniswap's OracleLibrary does. A pool that does not remember
 * that far back reverts ("OLD").
 * Source: uniswap/v3-periphery, contracts/libraries/OracleLibrary.sol, `consult`.
 */
export function twapProbe(read: TwapRead): Probe<ReferencePrice> {
  const seconds = Math.trunc(read.windowMs / 1_000);
  // One dynamic argument: its offset, its length and its two uint32.
  const args = [WORD, 2, seconds, 0];
  return { calls: [contractCall(read.pool, "observe(uint32[])", args)], read: ([answer]) => readTwap(answer, seconds, read) };
}

/** A pool's price at the newest block: `slot0()`, whose first word is the root of token1 per token0 in Q64.96. */
export function spotProbe(read: SpotRead): Probe<ReferencePrice> {
  return { calls: [contractCall(read.pool, "slot0()")], read: ([answer]) => readSpot(answer, read) };
}

function readTwap(answer: RpcAnswer | undefined, seconds: number, sides: Sides): Result<ReferencePrice, Fault> {
  const words = readWords(answer, 5);
  if (!words.ok) return words;
  const [offset = 0n] = words.value;
  if (offset % BigInt(WORD) !== 0n) return malformed("tickCumulatives: expected whole words");
  const at = Number(offset) / WORD;
  const [length, earlier, later] = words.value.slice(at, at + 3);
  if (length !== 2n || earlier === undefined || later === undefined) return malformed("tickCumulatives: expected two");
  const tick = meanTick({ earlier: signedOf(earlier), later: signedOf(later), seconds });
  if (tick < -MAX_TICK || tick > MAX_TICK) return malformed(`tickCumulatives: a mean tick beyond ${MAX_TICK}`);
  return priceAt(sqrtRatioAtTick(Number(tick)), sides);
}

function readSpot(answer: RpcAnswer | undefined, sides: Sides): Result<ReferencePrice, Fault> {
  const words = readWords(answer, 7);
  if (!words.ok) return words;
  const [root = 0n] = words.value;
  if (root === 0n) return fail({ code: "non-positive", detail: "sqrtPriceX96: the pool was never initialised" });
  return root > MAX_UINT160 ? malformed("sqrtPriceX96: expected a uint160") : priceAt(root, sides);
}

/** @example meanTick({ earlier: 0n, later: -7n, seconds: 2 }); // -4n: towards negative infinity */
export function meanTick({
  earlier,
  later,
  seconds,
}: {
  readonly earlier: bigint;
  readonly later: bigint;
  readonly seconds: number;
}): bigint {
  const delta = later - earlier;
  const window = BigInt(seconds);
  return delta / window - (delta < 0n && delta % window !== 0n ? 1n : 0n);
}

/**
 * The price of one whole base token in quote tokens, truncated once. The root's square is token1 per token0 in the tokens' smallest
 * units, Q128.192.
 *
 * @example
 * // USDC is token0 (6 decimals), WETH token1 (18); a root of √(10¹⁸ / (1800 · 10⁶)) · 2⁹⁶ is 1800 USDC a WETH.
 */
function priceAt(root: bigint, { base, baseDecimals, quoteDecimals }: Sides): Result<ReferencePrice, Fault> {
  const square = root * root;
  const unit = 1n << 192n;
  const baseUnits = ONE * 10n ** BigInt(baseDecimals);
  const quoteUnit = 10n ** BigInt(quoteDecimals);
  const price = base === "token0" ? (square * baseUnits) / (unit * quoteUnit) : (unit * baseUnits) / (square * quoteUnit);
  const bounded = boundedAmount(price);
  return bounded.ok ? ok({ price: bounded.value }) : bounded;
}
