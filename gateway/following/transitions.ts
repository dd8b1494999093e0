import { decodeSealedTransition, findSealedFault, openTransition, type TransitionFault } from "../../protocol/transition.ts";
import { type Desk, type Refusal, refused } from "./desk.ts";

export type TransitionJudgement = { readonly kind: "taken" } | { readonly kind: "known" } | Refusal;

/** Parsed only once the committee before it is seen to have signed for it; one that leads on from a step that is not known waits. */
export function judgeTransition({ way, scheme }: Desk, bytes: Uint8Array): TransitionJudgement {
  const sealed = decodeSealedTransition(bytes);
  if (!sealed.ok) return refused("malformed", sealed.error);
  const { round, configDigest } = sealed.value.certificate.header;
  const { era, next } = way.eraAt(round);
  if (era.network.configDigest === configDigest) return { kind: "known" };
  const fault = findSealedFault(sealed.value, { from: era.network, round: era.fromRound }, scheme);
  const isAhead = next === undefined;
  if (fault !== undefined) return refuse(fault, isAhead);
  const opened = openTransition(sealed.value);
  if (!opened.ok) return refused("malformed", opened.error);
  const taken = way.take(opened.value);
  if (!taken.ok) return refuse(taken.error, isAhead);
  return { kind: taken.value };
}

/** Signatures that are not those of the newest committee may be those of one that is still to be heard of. */
function refuse({ code, detail }: TransitionFault, isAhead: boolean): Refusal {
  const text = code === "certificate" ? `not signed by both quorums (${detail})` : detail;
  return refused(code === "certificate" && isAhead ? "unknown-config" : "transition", text);
}
