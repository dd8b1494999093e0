import type { Address, Digest } from "../protocol/bytes.ts";

/** Two digests of one signer and round prove an equivocation; a third adds nothing and is not kept. */
const MAX_DIGESTS_PER_SIGNER = 2;

export type Entry<T> = { readonly round: number; readonly signer: Address; readonly digest: Digest; readonly value: T };

/** What became of an entry. `equivocation`: kept beside an earlier digest of its signer in the same round. */
export type Admission = "accepted" | "duplicate" | "equivocation" | "surplus";

/** Verified messages of one kind, bounded by signer and round; only what was verified may be added. */
export type Pool<T> = {
  readonly add: (entry: Entry<T>) => Admission;
  /** Of this signer if given, else of anyone. */
  readonly has: (round: number, digest: Digest, signer?: Address) => boolean;
  readonly find: (digest: Digest) => Entry<T> | undefined;
  /** In order of arrival. */
  readonly of: (round: number) => readonly Entry<T>[];
  /** Forgets every round before this one. */
  readonly prune: (round: number) => void;
};

export function createPool<T>(): Pool<T> {
  const rounds = new Map<number, Entry<T>[]>();
  const of = (round: number): readonly Entry<T>[] => rounds.get(round) ?? [];
  const has = (round: number, digest: Digest, signer?: Address): boolean =>
    of(round).some((entry) => entry.digest === digest && (signer === undefined || entry.signer === signer));
  return {
    add: (entry) => {
      const entries = rounds.get(entry.round) ?? [];
      if (has(entry.round, entry.digest, entry.signer)) return "duplicate";
      const earlier = entries.filter((other) => other.signer === entry.signer).length;
      if (earlier >= MAX_DIGESTS_PER_SIGNER) return "surplus";
      rounds.set(entry.round, [...entries, entry]);
      return earlier === 0 ? "accepted" : "equivocation";
    },
    has,
    find: (digest) => {
      for (const entries of rounds.values()) {
        const entry = entries.find((candidate) => candidate.digest === digest);
        if (entry !== undefined) return entry;
      }
      return undefined;
    },
    of,
    prune: (before) => {
      for (const round of rounds.keys()) if (round < before) rounds.delete(round);
    },
  };
}

/** The first entry of each signer, which is the one that counts for this node; the order of signers is of their arrival. */
export function firsts<T>(entries: readonly Entry<T>[]): readonly Entry<T>[] {
  return entries.filter((entry, index) => entries.findIndex((other) => other.signer === entry.signer) === index);
}
