import type { Finding } from "./finding.ts";
import { failure, fine, warning } from "./finding.ts";

const MIB = 1024 * 1024;
/** Below this SQLite, its log and the system itself are about to fail. */
const MIN_FREE_BYTES = 256 * MIB;
/** Of fewer rounds a size says more about the empty file than about rounds. */
const MIN_MEASURED = 600;
/**
 * What a round takes where nothing was measured: DESIGN section 5 has 60 bytes a feed in an observation, and a body holds one observation of
 * each member and the memory, compressed; a round without its body has one report a feed.
 */
const BODY_BYTES_PER_FEED_AND_MEMBER = 60;
const REPORT_BYTES_PER_FEED = 400;
/** A clock further ahead of the newest signing's round than the machines' skew is none of a store that was just written. */
const AHEAD_ROUNDS = 5;

export type StoreFacts = {
  readonly bytes: number;
  /** SQLite's word: `ok`, or what is wrong. */
  readonly integrity: string;
  readonly rounds: number;
  readonly bodies: number;
  readonly newestRound: number | undefined;
  /** The newest round that anything was signed in, or the floor below which nothing may be. */
  readonly guard: number | undefined;
};

/** @param now Unix ms */
export function judgeStore(
  path: string,
  facts: StoreFacts | undefined,
  { now, roundMs }: { readonly now: number; readonly roundMs: number },
): readonly Finding[] {
  if (facts === undefined) return [fine("store", `${path}: none yet; the node makes it at its first start`)];
  if (facts.integrity !== "ok") {
    const advice =
      "stop the node, move the file away and start: it catches up from its peers after its quarantine; or breakwater restore";
    return [failure("store", `${path}: damaged: ${facts.integrity}`, advice)];
  }
  return [fine("store", `${path}: intact, ${sizeOf(facts)}`), judgeGuard(facts.guard, { now, roundMs })];
}

/** A gateway's: it signs nothing, and what it holds can be had again. */
export function judgeReplica(path: string, facts: StoreFacts | undefined): Finding {
  if (facts === undefined) return fine("store", `${path}: none yet; the gateway makes it at its first start`);
  if (facts.integrity === "ok") return fine("store", `${path}: intact, ${sizeOf(facts)}`);
  return failure(
    "store",
    `${path}: damaged: ${facts.integrity}`,
    "move it away and start: it is filled again from what is followed",
  );
}

function sizeOf({ bytes, rounds }: StoreFacts): string {
  return `${Math.ceil(bytes / MIB)} MiB, ${rounds} round${rounds === 1 ? "" : "s"}`;
}

/** What is recorded ahead of the clock was signed under another clock, or a restore forbids it: until then the node signs nothing. */
function judgeGuard(guard: number | undefined, { now, roundMs }: { readonly now: number; readonly roundMs: number }): Finding {
  if (guard === undefined) return fine("guard", "nothing signed yet");
  const ahead = guard - Math.floor(now / roundMs);
  if (ahead <= AHEAD_ROUNDS) return fine("guard", `signed up to round ${guard}`);
  const seconds = Math.ceil((ahead * roundMs) / 1_000);
  const advice = "after a restore wait for it; else this or an earlier clock was wrong: set the clock before anything else";
  return warning("guard", `round ${guard} is ${seconds} s ahead of this clock: nothing is signed until then`, advice);
}

export type Growth = {
  readonly freeBytes: number;
  readonly store: StoreFacts | undefined;
  readonly keeps: { readonly rounds: number; readonly bodies: number };
  readonly feeds: number;
  readonly members: number;
};

/**
 * Whether the disk holds what the store may grow to: what a round has taken so far, where there are enough of them, else an estimate.
 *
 * @example
 * expectedBytes({ store: undefined, keeps: { rounds: 1_000, bodies: 100 }, feeds: 10, members: 4 }); // 1000·4000 + 100·2400 = 4240000
 */
export function expectedBytes({ store, keeps, feeds, members }: Omit<Growth, "freeBytes">): number {
  const estimated =
    keeps.rounds * feeds * REPORT_BYTES_PER_FEED + keeps.bodies * feeds * members * BODY_BYTES_PER_FEED_AND_MEMBER;
  if (store === undefined || store.rounds < MIN_MEASURED) return estimated;
  const now = store.rounds * feeds * REPORT_BYTES_PER_FEED + store.bodies * feeds * members * BODY_BYTES_PER_FEED_AND_MEMBER;
  return Math.ceil((estimated * store.bytes) / now);
}

export function judgeDisk(path: string, growth: Growth): Finding {
  const expected = expectedBytes(growth);
  const more = Math.max(0, expected - (growth.store?.bytes ?? 0));
  const measured = `${gibOf(growth.freeBytes)} free at ${path}, the store may grow by ${gibOf(more)} to ${gibOf(expected)}`;
  if (growth.freeBytes < MIN_FREE_BYTES) return failure("disk", measured, "free some: a node whose disk is full signs nothing");
  if (growth.freeBytes < more + MIN_FREE_BYTES) {
    return warning("disk", measured, "make room, or keep fewer rounds and bodies (storage in node.yaml)");
  }
  return fine("disk", measured);
}

function gibOf(bytes: number): string {
  const tenths = Math.round((bytes * 10) / (1024 * MIB));
  return `${Math.floor(tenths / 10)}.${tenths % 10} GiB`;
}
