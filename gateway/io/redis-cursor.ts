import type { Address } from "../../protocol/bytes.ts";
import type { LogEntry } from "../log.ts";
import {
  compareIds,
  type EntryFault,
  FIRST_ID,
  MAX_ENTRY_BYTES,
  MAX_ENTRY_PARTS,
  readEntry,
  type StreamName,
} from "../redis-entries.ts";
import { streamKeys } from "../redis-keys.ts";
import { BACK_SCRIPT, NEWEST_SCRIPT, READ_SCRIPT } from "../redis-scripts.ts";
import type { RedisLink } from "./redis-connection.ts";

/** Of one answer; the last entry of it may pass the bytes. */
const BATCH_ENTRIES = 32;
const BATCH_BYTES = 1_048_576;
/** What one call may look at while it steps back: Redis does nothing else meanwhile. */
const BACK_ENTRIES = 64;
const BACK_BYTES = 4 * 1_048_576;
/** Where stepping back ends even if fewer rounds were seen: entries this large are no backfill. */
const MAX_BACK_CALLS = 4_096;

/** One entry of a writer as it lay in Redis, or why it was passed over; `bytes` is what it cost. */
export type Read = { readonly bytes: number; readonly entry?: LogEntry; readonly fault?: EntryFault };

/** The place up to which one writer's streams were read. Every method throws as {@link RedisLink} does, and then has changed nothing. */
export type Cursor = {
  /** What comes next, at most so many and so much; empty when there is no more. Papers come before rounds. */
  readonly next: () => Promise<readonly Read[]>;
  /** Notices streams that were lost or begun anew and goes back to their beginning; true when it did. */
  readonly check: () => Promise<boolean>;
};

/** @param options.backfill how many of the newest rounds are read first; papers are read from their beginning */
export function createCursor(
  link: RedisLink,
  options: { readonly network: string; readonly writer: Address; readonly backfill: number },
): Cursor {
  const { papers, rounds } = streamKeys(options.network, options.writer);
  const keys = [papers, rounds];
  const after = { papers: FIRST_ID, rounds: FIRST_ID };
  let placed = false;
  const names: readonly StreamName[] = ["papers", "rounds"];
  return {
    next: async () => {
      if (!placed) after.rounds = await stepBack(link, rounds, options.backfill);
      placed = true;
      const bounds = [BATCH_ENTRIES, BATCH_BYTES, MAX_ENTRY_BYTES, MAX_ENTRY_PARTS];
      const answer = await link.call("eval_ro", [READ_SCRIPT, 2, ...keys, after.papers, after.rounds, ...bounds]);
      return names.flatMap((name, index) =>
        rowsOf(itemOf(answer, index)).map((row) => {
          after[name] = textOf(itemOf(row, 0)) ?? after[name];
          return readRow(name, row);
        }),
      );
    },
    check: async () => {
      const answer = await link.call("eval_ro", [NEWEST_SCRIPT, 2, ...keys]);
      const [newestPaper, newestRound] = names.map((_, index) => textOf(itemOf(answer, index)) ?? FIRST_ID);
      const lostPapers = compareIds(newestPaper ?? FIRST_ID, after.papers) < 0;
      const lostRounds = compareIds(newestRound ?? FIRST_ID, after.rounds) < 0;
      if (lostPapers) after.papers = FIRST_ID;
      if (lostRounds) placed = false;
      return lostPapers || lostRounds;
    },
  };
}

function readRow(name: StreamName, row: unknown): Read {
  const bytes = Number(itemOf(row, 1));
  const parts = itemOf(row, 2);
  if (!Array.isArray(parts)) return { bytes, fault: "too-large" };
  const read = readEntry(
    name,
    parts.filter((part) => part instanceof Uint8Array),
  );
  return read.ok ? { bytes, entry: read.value } : { bytes, fault: read.error };
}

/** The id after which the newest `count` entries lie: the beginning when there are no more. */
async function stepBack(link: RedisLink, key: string, count: number): Promise<string> {
  let from = "+";
  let left = count + 1;
  for (let call = 0; call < MAX_BACK_CALLS && left > 0; call++) {
    const answer = await link.call("eval_ro", [BACK_SCRIPT, 1, key, from, Math.min(left, BACK_ENTRIES), BACK_BYTES]);
    const reached = textOf(itemOf(answer, 0));
    if (reached === undefined) return FIRST_ID;
    from = reached;
    left -= Number(itemOf(answer, 1));
  }
  return from;
}

function rowsOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function itemOf(list: unknown, index: number): unknown {
  return Array.isArray(list) ? list[index] : undefined;
}

function textOf(value: unknown): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : undefined;
}
