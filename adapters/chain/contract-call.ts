import { encodeWords, WORD } from "../../protocol/abi.ts";
import { type Address, concat, fromHex, type Hex, keccak, toHex, utf8 } from "../../protocol/bytes.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { malformed, unknownMarket } from "../fields.ts";
import { dataOf, type RpcAnswer, type RpcCall } from "./json-rpc.ts";

const SELECTOR_BYTES = 4;

/**
 * `eth_call` of a contract's view at the newest block. `args` are words: static arguments, or a dynamic one written out.
 *
 * @example
 * contractCall("0x7f39…2ca0", "stEthPerToken()"); // { method: "eth_call", params: [{ to: "0x7f39…2ca0", data: "0x035faf82" }, "latest"] }
 */
export function contractCall(to: Address, signature: string, args: readonly (bigint | number)[] = []): RpcCall {
  const data = toHex(concat(keccak(utf8(signature)).subarray(0, SELECTOR_BYTES), encodeWords(args)));
  return { method: "eth_call", params: [{ to, data }, "latest"] };
}

/**
 * The words that a view returned, as unsigned integers; at least `count` of them. An address without code answers with nothing, which
 * is `unknown-market`; anything else that is not whole words is `malformed`.
 */
export function readWords(answer: RpcAnswer | undefined, count: number): Result<readonly bigint[], Fault> {
  if (answer === undefined) return malformed("no answer");
  if (!answer.ok) return answer;
  const data = dataOf(answer.value);
  if (data === undefined) return malformed("result: expected data");
  if (data === "0x") return unknownMarket("this function: there is no contract at its address");
  const words = splitWords(data);
  if (words === undefined || words.length < count) return malformed(`result: expected at least ${count} words`);
  return ok(words);
}

function splitWords(data: Hex): readonly bigint[] | undefined {
  const bytes = fromHex(data);
  if (bytes.length % WORD !== 0) return undefined;
  const words: bigint[] = [];
  for (let offset = 0; offset < bytes.length; offset += WORD) words.push(BigInt(toHex(bytes.subarray(offset, offset + WORD))));
  return words;
}

/** A word as the two's complement it is where the type is signed. */
export function signedOf(word: bigint): bigint {
  return BigInt.asIntN(256, word);
}

/** A word that is an instant in Unix seconds, in ms; undefined beyond what an instant can be. */
export function instantOf(seconds: bigint): number | undefined {
  const ms = seconds * 1_000n;
  return ms > 0n && ms <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(ms) : undefined;
}
