import type { ReferenceConfig } from "../../protocol/config.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { malformed } from "../fields.ts";
import { contractCall, instantOf, readWords, signedOf } from "./contract-call.ts";
import type { Probe, RpcAnswer } from "./json-rpc.ts";
import type { ReferencePrice } from "./reference.ts";
import { amountOf } from "./scale.ts";

type ChainlinkRead = Extract<ReferenceConfig["read"], { kind: "chainlink" }>;

/** No token or feed has more; the ABI's uint8 would allow 255. */
const MAX_DECIMALS = 36n;

/**
 * Chainlink's AggregatorV3Interface: `decimals()` and `latestRoundData()` → (roundId, answer, startedAt, updatedAt, answeredInRound).
 * The answer is as old as its `updatedAt`: whether that is too old is for the feed's `quoteMs` to say.
 * Faults: `malformed` for a round that is not complete (`updatedAt` 0) or whose answer was carried over from an earlier one
 * (`answeredInRound` below `roundId`), `non-positive` for an answer of zero or less.
 * Source: docs.chain.link/data-feeds/api-reference.
 */
export function aggregatorProbe({ contract }: ChainlinkRead): Probe<ReferencePrice> {
  return {
    calls: [contractCall(contract, "decimals()"), contractCall(contract, "latestRoundData()")],
    read: ([decimals, round]) => readRound(decimals, round),
  };
}

function readRound(decimalsAnswer: RpcAnswer | undefined, roundAnswer: RpcAnswer | undefined): Result<ReferencePrice, Fault> {
  const scale = readWords(decimalsAnswer, 1);
  if (!scale.ok) return scale;
  const words = readWords(roundAnswer, 5);
  if (!words.ok) return words;
  const [decimals = 0n] = scale.value;
  if (decimals > MAX_DECIMALS) return malformed(`decimals: expected at most ${MAX_DECIMALS}`);
  const [roundId = 0n, answer = 0n, , updatedAt = 0n, answeredInRound = 0n] = words.value;
  const at = instantOf(updatedAt);
  if (at === undefined) return malformed("updatedAt: the round is not complete");
  if (answeredInRound < roundId) return malformed("answeredInRound: the answer is an earlier round's");
  if (signedOf(answer) <= 0n) return fail({ code: "non-positive", detail: "answer: expected more than zero" });
  const price = amountOf({ value: answer, decimals: Number(decimals) });
  return price.ok ? ok({ price: price.value, at }) : price;
}
