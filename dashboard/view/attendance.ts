import type { Participation } from "../data/api.ts";

type Round = Participation["rounds"][number];

/** What a member did in one round. A missed number counts against nobody: who was there cannot be told from it. */
export function cellOf({ certified, signers, observers }: Pick<Round, "certified" | "signers" | "observers">, address: string) {
  if (!certified) return "missed";
  if (signers.some((signer) => signer === address)) return "signed";
  return observers?.some((observer) => observer === address) === true ? "observed" : "out";
}

/** Rounds in a row without a sign of life after which a member is late, and after which it is not there. */
const LATE = 5;
const ABSENT = 30;

/**
 * What an absence means. A certificate holds exactly a quorum of signatures, so some member is missing from each; but an observation of
 * everybody who is there is in nearly every body.
 */
export function judgeMember(participation: Participation | undefined, address: string): "there" | "late" | "absent" | "unknown" {
  const certified = participation?.rounds.filter((round) => round.certified) ?? [];
  if (certified.length === 0) return "unknown";
  const last = certified.findLastIndex((round) => ["signed", "observed"].includes(cellOf(round, address)));
  const behind = certified.length - 1 - last;
  if (last < 0 || behind >= ABSENT) return certified.length >= LATE ? "absent" : "late";
  return behind >= LATE ? "late" : "there";
}

/** A share in whole percent, cut: only all is 100 %. */
export function sayPart(part: number | undefined, of: number | undefined): string {
  if (part === undefined || of === undefined || of === 0) return "–";
  return `${Math.floor((part * 100) / of)} %`;
}
