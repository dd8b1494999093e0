import { type Hex, isHex } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { at, listOf, malformed } from "../fields.ts";
import type { Json } from "../json.ts";
import type { Fees } from "./fee-history.ts";
import { type Probe, quantityOf, type RpcAnswer } from "./json-rpc.ts";

/** Transactions of one pending block that are looked at; a block of a million is a stranger's joke. */
const MAX_LISTED = 5_000;
/** New ones taken into the sample from one pending block. */
const MAX_NEW = 4;
/** Waiting ones followed at once; each costs a call a poll. */
export const MAX_FOLLOWED = 16;
/** Included ones that still count, for so long: what waited minutes ago says nothing of now. */
const MAX_INCLUDED = 64;
const INCLUDED_MS = 60_000;

/** A pending transaction, and the most that it would pay a gas: its cap, and its tip. */
export type PendingTransaction = { readonly hash: Hex; readonly cap: bigint; readonly tip: bigint };
export type PendingBlock = { readonly number: bigint; readonly transactions: readonly PendingTransaction[] };

/**
 * Execution API `eth_getBlockByNumber("pending", true)`: what the endpoint would put into the next block. A transaction bids
 * `maxFeePerGas` and `maxPriorityFeePerGas` (EIP-1559), or `gasPrice` for both. One that does not read is left out.
 */
export const pendingProbe: Probe<PendingBlock> = {
  calls: [{ method: "eth_getBlockByNumber", params: ["pending", true] }],
  read: ([answer]) => readPending(answer),
};

function readPending(answer: RpcAnswer | undefined): Result<PendingBlock, Fault> {
  if (answer === undefined) return malformed("no answer");
  if (!answer.ok) return answer;
  const number = quantityOf(at(answer.value, "number").value);
  const listed = listOf(at(answer.value, "transactions"));
  if (number === undefined || listed === undefined) return malformed("pending block: expected number and transactions");
  return ok({ number, transactions: listed.slice(0, MAX_LISTED).flatMap(readTransaction) });
}

function readTransaction(transaction: Json): readonly PendingTransaction[] {
  const hash = at(transaction, "hash").value;
  const price = quantityOf(at(transaction, "gasPrice").value);
  const cap = quantityOf(at(transaction, "maxFeePerGas").value) ?? price;
  const tip = quantityOf(at(transaction, "maxPriorityFeePerGas").value) ?? price;
  return isHex(hash, 32) && cap !== undefined && tip !== undefined ? [{ hash, cap, tip }] : [];
}

/** Where a followed transaction stands: `gone` is replaced or dropped, so that nobody waits for it. */
export type Standing = "waiting" | "included" | "gone";

/** Execution API `eth_getTransactionByHash`: null once it is neither in the pool nor in a block; `blockNumber` is null in the pool. */
export function standingProbe(hash: Hex): Probe<Standing> {
  return { calls: [{ method: "eth_getTransactionByHash", params: [hash] }], read: ([answer]) => readStanding(answer) };
}

function readStanding(answer: RpcAnswer | undefined): Result<Standing, Fault> {
  if (answer === undefined) return malformed("no answer");
  if (!answer.ok) return answer;
  if (answer.value === null) return ok("gone");
  const block = at(answer.value, "blockNumber");
  if (block.misplaced === true) return malformed("transaction: expected an object or null");
  if (block.value === undefined || block.value === null) return ok("waiting");
  return quantityOf(block.value) === undefined ? malformed("blockNumber: expected a quantity") : ok("included");
}

/** How long transactions that pay what they have to wait for a block, as one endpoint shows it. Instants and waits in ms. */
export type PendingTracker = {
  /** Takes a few new ones out of a pending block that bid at least base fee and tip. `newest` is the newest block's number. */
  readonly sample: (block: PendingBlock, seen: { readonly fees: Fees; readonly newest: number; readonly at: number }) => void;
  /** What became of a followed one. */
  readonly settle: (hash: Hex, standing: Standing, at: number) => void;
  /** The ones that are still waited for, oldest first. */
  readonly following: () => readonly Hex[];
  /** Median wait of those included in the last minute and of those still waiting; undefined without any. */
  readonly medianWaitMs: (at: number) => number | undefined;
};

/**
 * Which of a block's new transactions are followed is decided by their hashes, so that neither their place nor their bid favours them.
 * Those still waiting count with the time they have waited so far: else the median would be that of the lucky ones.
 */
export function createPendingTracker(): PendingTracker {
  const firstSeen = new Map<Hex, number>();
  const included: { readonly hash: Hex; readonly waitMs: number; readonly at: number }[] = [];

  return {
    sample: ({ number, transactions }, { fees, newest, at: now }) => {
      // Some endpoints answer with the newest block when asked for the pending one: its transactions wait for nothing.
      if (number <= BigInt(newest)) return;
      const floor = fees.baseFee + fees.tip;
      const fresh = transactions
        .filter(({ hash, cap, tip }) => cap >= floor && tip >= fees.tip && !firstSeen.has(hash))
        .sort((a, b) => compareText(a.hash, b.hash));
      for (const { hash } of fresh.slice(0, Math.min(MAX_NEW, MAX_FOLLOWED - firstSeen.size))) firstSeen.set(hash, now);
    },
    settle: (hash, standing, now) => {
      const since = firstSeen.get(hash);
      if (since === undefined || standing === "waiting") return;
      firstSeen.delete(hash);
      if (standing === "gone") return;
      included.push({ hash, waitMs: Math.max(0, now - since), at: now });
      if (included.length > MAX_INCLUDED) included.shift();
    },
    following: () => [...firstSeen.keys()],
    medianWaitMs: (now) => {
      const waits = [
        ...included.filter(({ at: then }) => now - then <= INCLUDED_MS).map(({ waitMs }) => waitMs),
        ...[...firstSeen.values()].map((since) => Math.max(0, now - since)),
      ].sort((a, b) => a - b);
      return waits[waits.length >> 1];
    },
  };
}
