import { EVIDENCE_KINDS } from "../protocol/evidence.ts";
import type { StoredRound } from "../protocol/round.ts";
import type { StartState } from "./machine.ts";
import { MAX_RANGE, type Store } from "./store.ts";

/** Links of the chain that the machine is told at start; what is missing before them is not fetched again. */
const START_HISTORY = 3_600;
/** Rounds back from the newest signing whose records the machine is told; every member leads once within a committee's length. */
const START_GUARD = 256;
/** The newest documents: what still waits to be taken in is among them, the rest is judged and forgotten. */
const START_DOCUMENTS = 256;

/** What the store knows: the newest round with its body, the newest signings, the walk back, and what governance said and did. */
export function startState(store: Store): StartState {
  const newest = store.latest()?.certified.certificate.header.round ?? 0;
  const history = newestRounds(store, newest);
  const held = history.findLast(({ certified }) => store.bodyOf(certified.digest) !== undefined)?.certified;
  const body = held === undefined ? undefined : store.bodyOf(held.digest);
  const signed = store.newestSignedRound() ?? 0;
  const rounds = Array.from({ length: Math.min(START_GUARD, signed + 1) }, (_, back) => signed - back);
  return {
    head: held === undefined || body === undefined ? undefined : { certified: held, body },
    guard: rounds.flatMap((round) => EVIDENCE_KINDS.flatMap((kind) => store.signedAt(kind, round) ?? [])),
    history: history.map(({ certified: { digest, certificate } }) => ({
      round: certificate.header.round,
      digest,
      parent: certificate.header.parent,
    })),
    documents: store.documents({ limit: START_DOCUMENTS }).map(({ bytes }) => bytes),
    transitions: store.transitions(),
  };
}

/** A range at a time, ascending: the store bounds each. */
function newestRounds(store: Store, newest: number): readonly StoredRound[] {
  const rounds: StoredRound[] = [];
  for (let from = Math.max(0, newest - START_HISTORY); ; ) {
    const next = store.range({ from, to: newest, limit: MAX_RANGE });
    const last = next.at(-1);
    rounds.push(...next);
    if (last === undefined || next.length < MAX_RANGE) return rounds;
    from = last.certified.certificate.header.round + 1;
  }
}
