import type { Digest } from "../protocol/bytes.ts";
import type { EvidenceKind } from "../protocol/evidence.ts";
import type { GuardRecord } from "./machine.ts";

/** As far back as own signatures are looked for in certificates: longer than the walk back goes. */
export const GUARD_ROUNDS = 4_096;

/** P2 in memory: at most one digest for each kind and round, whatever the config. The store's records stand behind it. */
export type Guard = {
  readonly find: (kind: EvidenceKind, round: number) => Digest | undefined;
  /** False when another digest stands: then nothing may be signed. */
  readonly claim: (record: GuardRecord) => boolean;
  /** The newest round that anything was signed in; −1 for none. */
  readonly newest: () => number;
  /** Forgets what is older than {@link GUARD_ROUNDS}. */
  readonly prune: (round: number) => void;
};

export function createGuard(records: readonly GuardRecord[]): Guard {
  const digests = new Map<string, GuardRecord>();
  let newest = -1;
  const claim = (record: GuardRecord): boolean => {
    const key = keyOf(record.kind, record.round);
    const standing = digests.get(key);
    if (standing !== undefined) return standing.digest === record.digest;
    digests.set(key, record);
    newest = Math.max(newest, record.round);
    return true;
  };
  records.forEach(claim);
  return {
    find: (kind, round) => digests.get(keyOf(kind, round))?.digest,
    claim,
    newest: () => newest,
    prune: (round) => {
      for (const [key, record] of digests) if (record.round < round - GUARD_ROUNDS) digests.delete(key);
    },
  };
}

export function keyOf(kind: EvidenceKind, round: number): string {
  return `${kind} ${round}`;
}
