import { ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { at, malformed } from "../fields.ts";
import { instantOf } from "./contract-call.ts";
import { type Probe, quantityOf, type RpcAnswer } from "./json-rpc.ts";

/** The newest block that an endpoint knows. */
export type Head = {
  readonly number: number;
  /** The block's own time, Unix ms; chains write seconds. */
  readonly at: number;
};

/** Execution API `eth_getBlockByNumber("latest", false)`: `number` and `timestamp`, quantities. */
export const headProbe: Probe<Head> = {
  calls: [{ method: "eth_getBlockByNumber", params: ["latest", false] }],
  read: ([answer]) => readHead(answer),
};

function readHead(answer: RpcAnswer | undefined): Result<Head, Fault> {
  if (answer === undefined) return malformed("no answer");
  if (!answer.ok) return answer;
  const number = quantityOf(at(answer.value, "number").value);
  const seconds = quantityOf(at(answer.value, "timestamp").value);
  if (number === undefined || number > BigInt(Number.MAX_SAFE_INTEGER)) return malformed("number: expected a block's number");
  const instant = seconds === undefined ? undefined : instantOf(seconds);
  if (instant === undefined) return malformed("timestamp: expected Unix seconds");
  return ok({ number: Number(number), at: instant });
}

/**
 * Mean time between the blocks from one head to a later one, in ms, truncated; undefined unless the chain went on.
 *
 * @example
 * blockGapMs({ number: 100, at: 1_000_000 }, { number: 102, at: 1_036_000 }); // 18000: one slot of three was missed
 */
export function blockGapMs(earlier: Head, later: Head): number | undefined {
  const blocks = later.number - earlier.number;
  return blocks > 0 ? Math.trunc((later.at - earlier.at) / blocks) : undefined;
}
