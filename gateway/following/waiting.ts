import type { Digest } from "../../protocol/bytes.ts";
import type { LogEntry, LogSource } from "../log.ts";

/** What waits of one source, by number and by bytes; the oldest goes first. */
export const WAITING_ENTRIES = 64;
export const WAITING_BYTES = 16 * 2 ** 20;

/** An entry that cannot be judged yet; `digest` is a round's own. */
export type Waiting = { readonly from: LogSource; readonly entry: LogEntry; readonly digest: Digest | undefined };

/** Entries whose config is not known, or not in force as far as is known: each source fills its own shelf. */
export type WaitingRoom = {
  readonly put: (waiting: Waiting) => void;
  /** Takes out everything. */
  readonly takeAll: () => readonly Waiting[];
  /** Takes out what waits of one round. */
  readonly takeRound: (digest: Digest) => readonly Waiting[];
};

export function createWaitingRoom(): WaitingRoom {
  let shelves = new Map<LogSource, readonly Waiting[]>();
  const takeIf = (isTaken: (waiting: Waiting) => boolean): readonly Waiting[] => {
    const all = [...shelves.values()].flat();
    const taken = all.filter(isTaken);
    if (taken.length === 0) return [];
    shelves = new Map([...shelves].map(([from, shelf]) => [from, shelf.filter((waiting) => !isTaken(waiting))]));
    return taken;
  };
  return {
    put: (waiting) => {
      const shelf = [...(shelves.get(waiting.from) ?? []), waiting];
      let bytes = shelf.reduce((sum, { entry }) => sum + sizeOf(entry), 0);
      while (shelf.length > WAITING_ENTRIES || bytes > WAITING_BYTES) {
        const oldest = shelf.shift();
        if (oldest === undefined) break;
        bytes -= sizeOf(oldest.entry);
      }
      shelves.set(waiting.from, shelf);
    },
    takeAll: () => takeIf(() => true),
    takeRound: (digest) => takeIf((waiting) => waiting.digest === digest),
  };
}

function sizeOf(entry: LogEntry): number {
  return entry.kind === "round" ? entry.certificate.length + entry.body.length : entry.bytes.length;
}
