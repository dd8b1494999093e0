import { type RoundFacts, readFacts } from "../../aggregator/replay/facts.ts";
import type { FeedMemory } from "../../circuit-breaker/memory.ts";
import type { ReadStore } from "../../node/io/store.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { RoundBody } from "../../protocol/round.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";

/** Round numbers opened at a time: some 10 ms, in which nothing else is answered. */
const BATCH = 20;
/** The newest rounds of the walk are read again each time: one of them may have turned out an orphan. */
const UNSETTLED = 8;

export type RoundsStore = Pick<ReadStore, "bodies" | "countRounds" | "firstBody" | "newestRound" | "transitions">;

export type FactsBook = {
  /**
   * One step on the way to everything from round `from` to the newest; false when there is nothing left to do.
   *
   * @throws OperationalError as the store
   */
  readonly step: (from: number) => boolean;
  /** Rounds from `from` on that are opened, ascending. */
  readonly since: (from: number) => readonly RoundFacts[];
  /** Round numbers that were looked at. */
  readonly extent: () => { readonly from: number; readonly to: number } | undefined;
  readonly memoryBefore: (round: number) => FeedMemory | undefined;
};

export type FactsBookOptions = {
  readonly store: RoundsStore;
  readonly feed: FeedId;
  readonly network: Network;
  readonly scheme: Secp256k1;
  /** Rounds further back than this from the newest are forgotten. */
  readonly maxRounds: number;
};

/** One feed's facts of a node's stored rounds, opened from the newest backwards and kept, because opening takes a hundred times as long as judging. */
export function createFactsBook({ store, maxRounds, ...terms }: FactsBookOptions): FactsBook {
  // Descending and ascending from where the book was begun: both ends grow by a push.
  const older: RoundFacts[] = [];
  const newer: RoundFacts[] = [];
  let looked: { readonly from: number; readonly to: number } | undefined;
  const read = (body: RoundBody) => readFacts(body, { ...terms, bytesOf });
  const open = (from: number, to: number): readonly RoundFacts[] =>
    store.bodies({ from, to, limit: to - from + 1 }).flatMap((body) => {
      const opened = read(body);
      return opened.ok && opened.value !== undefined ? [opened.value.facts] : [];
    });
  const unsettle = (newest: number): void => {
    if (looked === undefined || newest <= looked.to) return;
    const settled = Math.max(looked.from - 1, looked.to - UNSETTLED);
    while ((newer.at(-1)?.round ?? 0) > settled) newer.pop();
    while (newer.length === 0 && (older[0]?.round ?? 0) > settled) older.shift();
    looked = { from: looked.from, to: settled };
  };
  const forget = (newest: number): void => {
    const oldest = newest - maxRounds;
    while ((older.at(-1)?.round ?? oldest) < oldest) older.pop();
    if (older.length > 0 || (newer[0]?.round ?? oldest) >= oldest) return;
    newer.splice(
      0,
      newer.findIndex(({ round }) => round >= oldest),
    );
  };
  let target = -1;
  return {
    step: (from) => {
      const newest = store.newestRound();
      if (newest === undefined) return false;
      if (looked === undefined) looked = { from: newest + 1, to: newest };
      if (newest > target && looked.to >= target) {
        unsettle(newest);
        target = newest;
      }
      if (looked.to < target) {
        const to = Math.min(target, looked.to + BATCH);
        newer.push(...open(looked.to + 1, to).toReversed());
        looked = { from: Math.min(looked.from, looked.to + 1), to };
        forget(newest);
        return true;
      }
      const begin = Math.max(from, store.firstBody() ?? from, newest - maxRounds);
      if (looked.from <= begin) return false;
      const next = Math.max(begin, looked.from - BATCH);
      older.push(...open(next, looked.from - 1));
      looked = { from: next, to: looked.to };
      return true;
    },
    since: (from) => [...older.toReversed(), ...newer].filter(({ round }) => round >= from),
    extent: () => looked,
    memoryBefore: (round) => {
      const [body] = store.bodies({ from: round, to: round, limit: 1 });
      const opened = body === undefined ? undefined : read(body);
      return opened?.ok === true ? opened.value?.memory : undefined;
    },
  };
}

/** Four times as fast as what a pure file has, and half of the work of opening a body. */
function bytesOf(hex: Hex): Uint8Array {
  return Buffer.from(hex.slice(2), "hex");
}
