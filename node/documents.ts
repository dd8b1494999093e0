import { assert } from "../protocol/assert.ts";
import type { Digest } from "../protocol/bytes.ts";
import type { GovernanceConfig } from "../protocol/config.ts";
import { compareText } from "../protocol/feed.ts";
import type { GovernanceDocument, SignedDocument } from "../protocol/governance.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";

/**
 * Only keyholders can make a document, and whoever of them floods pushes out his own: so many of the same keyholders are kept beside
 * those that observations name just now, and when there are too many in all, or too many bytes, those who have the most lose their oldest.
 */
const MAX_OF_SAME_KEYHOLDERS = 32;
/**
 * Whoever reads a published document can cut approvals out of it, and what is left may be valid too. So many that say the same are kept
 * beside those that observations name just now, the preferred ones; and those beyond them are the first to go where room is short.
 */
const MAX_OF_SAME_CONTENT = 4;
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
  /** What it says, whoever approved it. */
  readonly content: string;
  /** Worth keeping for a restart: when it came, few were here that say the same with as many approvals. */
  readonly isKept: boolean;
  /** When it was last named by an observation, or could be taken in. */
  usedIn: number;
  /** When an observation named it last: whoever signs that round needs it. */
  namedIn: number;
  /** Whether the fold would take it on the head of the moment when that was last asked. */
  takeable: boolean;
  review: Review;
};

/** `named` by an observation, it has room for that time; what the fold would not take stands behind what it would. */
export type Admission = { readonly round: number; readonly named: boolean; readonly takeable?: boolean };

/** Documents whose signatures were verified, in order of arrival. */
export type DocumentPool = {
  readonly find: (digest: Digest) => PooledDocument | undefined;
  /** The newest document of this config's content. */
  readonly findConfig: (configDigest: Digest) => SignedDocument | undefined;
  /** False when it is here already, or when these keyholders, or this content, have too many already. */
  readonly add: (signed: SignedDocument, admission: Admission) => boolean;
  /** Those that say the same and share an approval with it, itself left out, the preferred first; of a config, all that say the same. */
  readonly fellowsOf: (signed: SignedDocument) => readonly PooledDocument[];
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
  const sameAs = (signed: SignedDocument, content: string): readonly PooledDocument[] =>
    [...pooled.values()].filter(
      (other) => other.content === content && other.signed.digest !== signed.digest && isSameWill(other.signed, signed),
    );
  /** Enough that are preferred say the same; one whose replay is under way has to wait for its outcome. */
  const isSurplus = (one: PooledDocument, same: readonly PooledDocument[]): boolean =>
    one.review !== "asked" && same.filter((other) => byPreference(other, one) < 0).length >= MAX_OF_SAME_CONTENT;
  const findSurplus = (): Digest | undefined => {
    const counts = new Map<string, number>();
    for (const { content } of pooled.values()) counts.set(content, (counts.get(content) ?? 0) + 1);
    for (const one of pooled.values()) {
      const isAlone = (counts.get(one.content) ?? 0) <= MAX_OF_SAME_CONTENT;
      if (!isAlone && isSurplus(one, sameAs(one.signed, one.content))) return one.signed.digest;
    }
    return undefined;
  };
  const makeRoom = (): void => {
    for (;;) {
      let bytes = 0;
      for (const { signed } of pooled.values()) bytes += signed.bytes.length;
      if (pooled.size <= MAX_POOLED && bytes <= MAX_POOLED_BYTES) return;
      const weigh = pooled.size > MAX_POOLED ? () => 1 : ({ bytes: { length } }: SignedDocument) => length;
      pooled.delete(findSurplus() ?? oldestOfMost([...pooled.values()], weigh));
    }
  };
  return {
    find: (digest) => pooled.get(digest),
    findConfig: (configDigest) => [...pooled.values()].findLast(({ signed }) => isConfig(signed, configDigest))?.signed,
    fellowsOf: (signed) => [...sameAs(signed, contentOf(signed.document))].sort(byPreference),
    add: (signed, { round, named, takeable = true }) => {
      if (pooled.has(signed.digest)) return false;
      const content = contentOf(signed.document);
      const fellows = sameAs(signed, content);
      const review = fellows.find(isReviewed)?.review ?? "none";
      const standing = { signed, takeable };
      const isKept = fellows.filter((other) => compareWeight(other, standing) <= 0).length < MAX_OF_SAME_CONTENT;
      const added: PooledDocument = { ...standing, content, isKept, usedIn: round, namedIn: named ? round : 0, review };
      if (!named && isSurplus(added, fellows)) return false;
      const keyholders = keyholdersOf(signed.document);
      const same = [...pooled.values()].filter((other) => keyholdersOf(other.signed.document) === keyholders).length;
      const [oldest] = same < MAX_OF_SAME_KEYHOLDERS ? [] : idleOf(keyholders, round);
      if (oldest !== undefined) pooled.delete(oldest);
      else if (same >= MAX_OF_SAME_KEYHOLDERS && !named) return false;
      pooled.set(signed.digest, added);
      for (const other of fellows) {
        const isNamed = other.namedIn >= round - WINDOW_ROUNDS;
        if (!isNamed && isSurplus(other, sameAs(other.signed, content))) pooled.delete(other.signed.digest);
      }
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

/** What it says, as one text: everything but the approvals; of a config its digest says it all. */
function contentOf(document: GovernanceDocument): string {
  const said = Object.entries(document).filter(([field]) => field !== "approvals" && field !== "config");
  return said
    .map(([field, value]) => `${field} ${value}`)
    .sort(compareText)
    .join("\n");
}

/**
 * Of two that say the same, whether one consent is in both: then they are cuts of one document. Two withdrawals of different guardians
 * say the same and are not the same will. A config's approvals have no nonces: every document of its content is the same proposal.
 */
function isSameWill({ document: a }: SignedDocument, { document: b }: SignedDocument): boolean {
  if (a.kind === "config") return true;
  return a.approvals.some((one) =>
    b.approvals.some(({ keyholder, nonce }) => one.keyholder === keyholder && one.nonce === nonce),
  );
}

type Standing = Pick<PooledDocument, "signed" | "takeable">;

/** What could be taken in before what could not, then the most approvals. */
function compareWeight(a: Standing, b: Standing): number {
  return Number(b.takeable) - Number(a.takeable) || b.signed.document.approvals.length - a.signed.document.approvals.length;
}

/** Of those that are cuts of one document, only the preferred one; in order of arrival. */
export function preferredOf(documents: readonly PooledDocument[]): readonly PooledDocument[] {
  const chosen = new Map<string, PooledDocument[]>();
  for (const one of [...documents].sort(byPreference)) {
    const same = chosen.get(one.content) ?? [];
    if (!same.some((other) => isSameWill(other.signed, one.signed))) chosen.set(one.content, [...same, one]);
  }
  const preferred = new Set([...chosen.values()].flat());
  return documents.filter((one) => preferred.has(one));
}

/** The same everywhere, so that nodes that hold the same documents of one content carry the same one: of equals the lowest digest. */
function byPreference(a: PooledDocument, b: PooledDocument): number {
  return compareWeight(a, b) || compareText(a.signed.digest, b.signed.digest);
}

function isReviewed({ review }: PooledDocument): boolean {
  return review === "agrees" || review === "differs";
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
