import { assert } from "../protocol/assert.ts";
import type { Digest } from "../protocol/bytes.ts";
import type { GovernanceConfig } from "../protocol/config.ts";
import type { GovernanceDocument, SignedDocument } from "../protocol/governance.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";

/**
 * Only keyholders can make a document, and whoever of them floods pushes out his own: so many of the same keyholders are kept beside
 * those that observations name just now, and when there are too many in all, or too many bytes, those who have the most lose their oldest.
 */
const MAX_OF_SAME_KEYHOLDERS = 32;
const MAX_POOLED = 2_048;
const MAX_POOLED_BYTES = 64 * 1024 * 1024;
/** A document that can no more be taken in is forgotten after so many rounds: the round that took it in may turn out an orphan. */
const KEPT_ROUNDS = 600;
/** Digests whose bytes were seen and are no document. */
const MAX_INVALID = 1_024;

/** What became of the replay report of a config document: nobody computed it, somebody does, this node came to it, or it did not. */
export type Review = "none" | "asked" | "agrees" | "differs";

export type PooledDocument = {
  readonly signed: SignedDocument;
  /** When it was last named by an observation, or could be taken in. */
  usedIn: number;
  review: Review;
};

/** Documents whose signatures were verified, in order of arrival. */
export type DocumentPool = {
  readonly find: (digest: Digest) => PooledDocument | undefined;
  /** The newest document of this config's content. */
  readonly findConfig: (configDigest: Digest) => SignedDocument | undefined;
  /** False when it is here already, or when these keyholders have too many already; `named` by an observation, it has room. */
  readonly add: (signed: SignedDocument, by: { readonly round: number; readonly named: boolean }) => boolean;
  readonly all: () => readonly PooledDocument[];
  /** Its bytes were here, and are no document under the configs of this moment. */
  readonly refuse: (digest: Digest) => void;
  readonly isRefused: (digest: Digest) => boolean;
  /** Other keyholders may make a document of what was none. */
  readonly forgive: () => void;
  /** Forgets what was long of no use, but for the contents of these configs. */
  readonly prune: (round: number, configs: ReadonlySet<Digest>) => void;
};

export function createDocumentPool(): DocumentPool {
  const pooled = new Map<Digest, PooledDocument>();
  const refused = new Set<Digest>();
  const idleOf = (keyholders: string, round: number): readonly Digest[] =>
    [...pooled.values()].flatMap(({ signed, usedIn }) =>
      usedIn < round - WINDOW_ROUNDS && keyholdersOf(signed.document) === keyholders ? [signed.digest] : [],
    );
  const makeRoom = (): void => {
    for (;;) {
      let bytes = 0;
      for (const { signed } of pooled.values()) bytes += signed.bytes.length;
      if (pooled.size <= MAX_POOLED && bytes <= MAX_POOLED_BYTES) return;
      pooled.delete(oldestOfMost([...pooled.values()], pooled.size > MAX_POOLED ? () => 1 : ({ bytes: { length } }) => length));
    }
  };
  return {
    find: (digest) => pooled.get(digest),
    findConfig: (configDigest) => [...pooled.values()].findLast(({ signed }) => isConfig(signed, configDigest))?.signed,
    add: (signed, { round, named }) => {
      if (pooled.has(signed.digest)) return false;
      const keyholders = keyholdersOf(signed.document);
      const same = [...pooled.values()].filter((other) => keyholdersOf(other.signed.document) === keyholders).length;
      const [oldest] = same < MAX_OF_SAME_KEYHOLDERS ? [] : idleOf(keyholders, round);
      if (oldest !== undefined) pooled.delete(oldest);
      else if (same >= MAX_OF_SAME_KEYHOLDERS && !named) return false;
      pooled.set(signed.digest, { signed, usedIn: round, review: "none" });
      makeRoom();
      return pooled.has(signed.digest);
    },
    all: () => [...pooled.values()],
    refuse: (digest) => {
      refused.add(digest);
      for (const oldest of refused) if (refused.size > MAX_INVALID) refused.delete(oldest);
    },
    isRefused: (digest) => refused.has(digest),
    forgive: () => refused.clear(),
    prune: (round, configs) => {
      for (const [digest, { signed, usedIn }] of pooled) {
        const { document } = signed;
        const isNeeded = document.kind === "config" && configs.has(document.configDigest);
        if (!isNeeded && usedIn < round - KEPT_ROUNDS) pooled.delete(digest);
      }
    },
  };
}

/** Who approved it, as one name. */
export function keyholdersOf({ approvals }: GovernanceDocument): string {
  return approvals.map(({ keyholder }) => keyholder).join(" ");
}

/** A document is one under the config of the round that takes it in: each of its keyholders is a governor or guardian there. */
export function isValidUnder({ governors, guardians }: GovernanceConfig, { approvals }: GovernanceDocument): boolean {
  const keyholders = new Set([...governors, ...guardians].map(({ address }) => address));
  return approvals.every(({ keyholder }) => keyholders.has(keyholder));
}

/** The first to come of the keyholders who weigh the most together. */
function oldestOfMost(documents: readonly PooledDocument[], weigh: (signed: SignedDocument) => number): Digest {
  const weights = new Map<string, number>();
  for (const { signed } of documents) {
    const keyholders = keyholdersOf(signed.document);
    weights.set(keyholders, (weights.get(keyholders) ?? 0) + weigh(signed));
  }
  const [heaviest] = [...weights].reduce((most, next) => (next[1] > most[1] ? next : most), ["", -1]);
  const oldest = documents.find(({ signed }) => keyholdersOf(signed.document) === heaviest);
  assert(oldest !== undefined, "the heaviest have a document");
  return oldest.signed.digest;
}

function isConfig({ document }: SignedDocument, configDigest: Digest): boolean {
  return document.kind === "config" && document.configDigest === configDigest;
}
