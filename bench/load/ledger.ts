import type { Proven } from "./proof.ts";

/** A round that was written before its lease ended may arrive after it; later than this it was given as if it held. */
const TRANSIT_MS = 1_000;
/** Faults told in full; the rest is counted. */
const MAX_TOLD = 10;

export type ViolationKind = "order" | "duplicate" | "expired" | "unproven" | "malformed";
export type Violations = Readonly<Record<ViolationKind, number>>;

/** One reader's account: round by round, and how many ms after the round's timestamp each came. */
export type Account = { readonly rounds: number[]; readonly lags: number[] };

/** What all readers of a process were given, judged as it comes. */
export type Ledger = {
  /** @param at the instant of its arrival, Unix ms */
  readonly take: (account: Account, proven: Proven, at: number) => void;
  readonly malformed: (detail: string) => void;
  readonly violations: () => Violations;
  readonly told: () => readonly string[];
  /** Arrived after the lease's end, but within the time a round may be under way. */
  readonly lateOnTheWire: () => number;
};

/** Order, repetition, proof and lease need nothing but the document and the clock; what was missed is known at the end (judge.ts). */
export function createLedger(): Ledger {
  const counts = { order: 0, duplicate: 0, expired: 0, unproven: 0, malformed: 0 };
  const told: string[] = [];
  let late = 0;
  const tell = (kind: ViolationKind, detail: string): void => {
    counts[kind] += 1;
    if (told.length < MAX_TOLD) told.push(`${kind}: ${detail}`);
  };
  return {
    take: ({ rounds, lags }, { round, timestamp, validUntil, fault }, at) => {
      if (fault !== undefined) return tell("unproven", fault);
      const last = rounds.at(-1) ?? -1;
      if (round === last) return tell("duplicate", `round ${round} twice`);
      if (round < last) return tell("order", `round ${round} after round ${last}`);
      if (at > validUntil + TRANSIT_MS) tell("expired", `round ${round} came ${at - validUntil} ms after its lease`);
      else if (at > validUntil) late += 1;
      rounds.push(round);
      lags.push(at - timestamp);
    },
    malformed: (detail) => tell("malformed", detail),
    violations: () => ({ ...counts }),
    told: () => told,
    lateOnTheWire: () => late,
  };
}
