import type { Digest } from "../../protocol/bytes.ts";
import type { LogEntry } from "../log.ts";
import { type EvidenceJudgement, judgeEvidence } from "./convictions.ts";
import type { Desk, Refusal } from "./desk.ts";
import { judgeRound, type RoundJudgement } from "./rounds.ts";
import { judgeTransition, type TransitionJudgement } from "./transitions.ts";

/** `digest` is that of a refused round's header, where there is one. */
export type Judgement =
  | Exclude<EvidenceJudgement | TransitionJudgement | RoundJudgement, { readonly kind: "refused" }>
  | (Refusal & { readonly digest: Digest | undefined });

/** What an entry is worth, whoever sent it. What it proves is known from now on, except a round, which is for the walk to take. */
export function judgeEntry(desk: Desk, entry: LogEntry, now: number): Judgement {
  if (entry.kind === "round") return judgeRound(desk, entry, now);
  const judged = entry.kind === "transition" ? judgeTransition(desk, entry.bytes) : judgeEvidence(desk, entry.bytes);
  return judged.kind === "refused" ? { ...judged, digest: undefined } : judged;
}
