import type { Address } from "../../protocol/bytes.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { malformed } from "../fields.ts";
import { contractCall, instantOf, readWords } from "./contract-call.ts";
import type { Probe, RpcAnswer } from "./json-rpc.ts";

export type Uptime = {
  readonly up: boolean;
  /** Since when, Unix ms. */
  readonly since: number;
};

/**
 * Chainlink's L2 sequencer uptime feed, `latestRoundData()`: `answer` 0 says that the sequencer is up, 1 that it is down; `startedAt` is
 * when that began, and 0 before the feed was initialised.
 * Source: docs.chain.link/data-feeds/l2-sequencer-feeds.
 */
export function uptimeProbe(feed: Address): Probe<Uptime> {
  return { calls: [contractCall(feed, "latestRoundData()")], read: ([answer]) => readUptime(answer) };
}

function readUptime(answer: RpcAnswer | undefined): Result<Uptime, Fault> {
  const words = readWords(answer, 5);
  if (!words.ok) return words;
  const [, status, startedAt = 0n] = words.value;
  if (status !== 0n && status !== 1n) return malformed("answer: expected 0 (up) or 1 (down)");
  const since = instantOf(startedAt);
  return since === undefined ? malformed("startedAt: the feed has no status yet") : ok({ up: status === 0n, since });
}
