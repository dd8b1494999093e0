import { compareBigint } from "../../protocol/bytes.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { at, listOf, malformed } from "../fields.ts";
import type { Json } from "../json.ts";
import { type Probe, quantityOf, type RpcAnswer } from "./json-rpc.ts";

/** Blocks whose tips are looked at. */
const BLOCKS = 4;
/** The percentile of gas at which a block's tip is taken: half of its gas paid no more. */
const TIP_PERCENTILE = 50;
/** An answer about more blocks than were asked for is none. */
const MAX_FEES = BLOCKS + 1;
/** In wei: far above what anybody could pay, and within an amount when written in gwei. */
const MAX_BASE_FEE = 2n ** 128n;
/** 10⁻¹⁸ gwei in a wei. */
const GWEI_UNITS_PER_WEI = 10n ** 9n;

/** What a transaction has to bid, in wei per gas. */
export type Fees = {
  /** Of the block after the newest, which EIP-1559 fixes in advance. */
  readonly baseFee: bigint;
  /** The median tip of the last blocks that were not empty; 0 where all were. */
  readonly tip: bigint;
};

/**
 * Execution API `eth_feeHistory`: `baseFeePerGas` holds one more entry than blocks were asked for, the last being that of the block
 * after the newest; `reward[i][0]` is block i's tip at the percentile asked for, `gasUsedRatio[i]` how full it was.
 */
export const feeHistoryProbe: Probe<Fees> = {
  calls: [{ method: "eth_feeHistory", params: [`0x${BLOCKS.toString(16)}`, "latest", [TIP_PERCENTILE]] }],
  read: ([answer]) => readFees(answer),
};

function readFees(answer: RpcAnswer | undefined): Result<Fees, Fault> {
  if (answer === undefined) return malformed("no answer");
  if (!answer.ok) return answer;
  const fees = listOf(at(answer.value, "baseFeePerGas"));
  if (fees === undefined || fees.length < 2 || fees.length > MAX_FEES)
    return malformed(`baseFeePerGas: expected a list of 2 to ${MAX_FEES}`);
  const baseFee = quantityOf(fees.at(-1));
  if (baseFee === undefined || baseFee > MAX_BASE_FEE) return malformed("baseFeePerGas: expected quantities of at most 128 bits");
  const tip = medianTip(answer.value, fees.length - 1);
  return tip === undefined ? malformed("reward: expected a quantity a block") : ok({ baseFee, tip });
}

/** An empty block's tip is written as 0 and was nobody's. */
function medianTip(history: Json, blocks: number): bigint | undefined {
  const tips: bigint[] = [];
  for (let block = 0; block < blocks; block++) {
    const tip = quantityOf(at(history, "reward", block, 0).value);
    if (tip === undefined) return undefined;
    if (!isEmptyBlock(at(history, "gasUsedRatio", block).value)) tips.push(tip);
  }
  return tips.sort(compareBigint)[tips.length >> 1] ?? 0n;
}

function isEmptyBlock(ratio: Json | undefined): boolean {
  return typeof ratio === "object" && ratio !== null && "number" in ratio && /^0(?:\.0*)?(?:e[-+]?\d+)?$/i.test(ratio.number);
}

/** @example gweiOf(30_000_000_000n); // 30000000000000000000n: 30 gwei in units of 10⁻¹⁸ */
export function gweiOf(wei: bigint): bigint {
  return wei * GWEI_UNITS_PER_WEI;
}
