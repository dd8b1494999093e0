import type { Address, Digest } from "../protocol/bytes.ts";
import type { Evidence, EvidenceKind } from "../protocol/evidence.ts";
import { type Desk, emit, halt, report } from "./desk.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";
import { GUARD_ROUNDS, keyOf } from "./guard.ts";
import type { Admission, Entry, Pool } from "./pool.ts";
import type { SignedHeader } from "./signatures.ts";

/** Adds a verified message to its pool; a contradiction of its signer becomes evidence, and never a reason to refuse. */
export function admit<T>(desk: Desk, pool: Pool<T>, entry: Entry<T>, convict: (earlier: T, later: T) => Evidence): Admission {
  const admission = pool.add(entry);
  if (admission !== "equivocation") return admission;
  const { round, signer, digest, value } = entry;
  const earlier = pool.of(round).find((other) => other.signer === signer && other.digest !== digest);
  if (earlier === undefined) return admission;
  const evidence = convict(earlier.value, value);
  // Under two configs the words of one round are no proof: around a change an honest node may have to choose, though it chooses once.
  if (evidence.statements[0].struct.configDigest !== evidence.statements[1].struct.configDigest) return "surplus";
  emit(desk, { kind: "evidence", round, evidence });
  report(desk, "equivocation", { kind: evidence.kind, round, signer });
  return admission;
}

/**
 * Our own signature on something: with a record it is an echo. Without one, below the first round that this start may sign, a store
 * was lost or rolled back, which is what the quarantine is for; from it on, somebody else holds the key.
 */
export function noticeOwn(
  desk: Desk,
  kind: EvidenceKind,
  { round, digest, signer }: { readonly round: number; readonly digest: Digest; readonly signer: Address },
): void {
  if (signer !== desk.key.address || desk.guard.find(kind, round) === digest || desk.phase === "halted") return;
  const fields = { kind, round, digest };
  if (desk.phase === "running" && round >= desk.firstRound) {
    halt(desk, "key-used-elsewhere", fields);
    return;
  }
  const key = keyOf(kind, round);
  if (!desk.strays.has(key)) report(desk, "lost-record", fields);
  desk.strays.set(key, round);
}

export function admitSignature(desk: Desk, signed: SignedHeader): Admission {
  const { header, digest, signer } = signed;
  noticeOwn(desk, "round", { round: header.round, digest, signer });
  return admit(desk, desk.signatures, { round: header.round, signer, digest, value: signed }, (a, b) => ({
    kind: "round",
    signer,
    statements: [
      { struct: { ...a.header }, signature: a.signature },
      { struct: { ...b.header }, signature: b.signature },
    ],
  }));
}

/** A certificate's signatures are messages like any other: they count as own signatures seen and convict whoever signed two. */
export function admitCertificate(desk: Desk, signed: readonly SignedHeader[]): void {
  for (const signature of signed) {
    const { round } = signature.header;
    if (Math.abs(round - desk.round) <= WINDOW_ROUNDS) admitSignature(desk, signature);
    else if (round >= desk.round - GUARD_ROUNDS) noticeOwn(desk, "round", { ...signature, round });
  }
}
