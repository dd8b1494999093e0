import { type Digest, type Hex, toHex } from "../../protocol/bytes.ts";
import type { GovernanceConfig } from "../../protocol/config.ts";
import type { Approval, DocumentKind, GovernanceDocument } from "../../protocol/governance.ts";
import type { ActKind } from "../cluster/act.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import type { RoundFact } from "./ledger.ts";

/** What nobody signed whom a config knows, or what was changed after it was signed. */
const FORGED: readonly ActKind[] = ["by-stranger", "altered"];

/** A document as keyholders handed it in. */
export type Paper = {
  readonly digest: Digest;
  readonly document: GovernanceDocument;
  readonly forged: boolean;
  /** When it was handed in, true time. */
  readonly at: readonly number[];
};
export type PaperOf<K extends DocumentKind> = Paper & { readonly document: Extract<GovernanceDocument, { readonly kind: K }> };

/** Every document that there is: only keyholders make them, and each act of theirs is seen. */
export type Papers = {
  readonly take: (occurrence: Occurrence) => void;
  readonly all: () => readonly Paper[];
  readonly find: (digest: Digest) => Paper | undefined;
  /** Undefined for bytes that no keyholder ever handed in. */
  readonly inBody: (bytes: Hex) => Paper | undefined;
};

export function createPapers(): Papers {
  const byBytes = new Map<Hex, Paper>();
  const byDigest = new Map<Digest, Paper>();
  return {
    take: (occurrence) => {
      if (occurrence.kind !== "act") return;
      const { handed, act, at } = occurrence;
      const bytes = toHex(handed.bytes);
      const known = byBytes.get(bytes);
      const forged = known?.forged ?? FORGED.includes(act.kind);
      const paper = { digest: handed.digest, document: handed.document, forged, at: [...(known?.at ?? []), at] };
      byBytes.set(bytes, paper);
      byDigest.set(handed.digest, paper);
    },
    all: () => [...byBytes.values()],
    find: (digest) => byDigest.get(digest),
    inBody: (bytes) => byBytes.get(bytes),
  };
}

/** The papers of one kind that a round took into its body. */
export function papersIn<K extends DocumentKind>(papers: Papers, { body }: RoundFact, kind: K): readonly PaperOf<K>[] {
  return body.documents.flatMap((bytes) => {
    const paper = papers.inBody(bytes);
    return paper !== undefined && !paper.forged && paper.document.kind === kind ? [paper as PaperOf<K>] : [];
  });
}

/** From this round back to the first. */
export function* walkBack(round: RoundFact | undefined): Generator<RoundFact> {
  for (let at = round; at !== undefined; at = at.parent) yield at;
}

export function countGovernors(approvals: readonly Approval[], { governors }: GovernanceConfig): number {
  return countOf(approvals, governors);
}

export function countGuardians(approvals: readonly Approval[], { guardians }: GovernanceConfig): number {
  return countOf(approvals, guardians);
}

function countOf(approvals: readonly Approval[], holders: readonly { readonly address: string }[]): number {
  return approvals.filter(({ keyholder }) => holders.some(({ address }) => address === keyholder)).length;
}

export function isByQuorum({ approvals }: GovernanceDocument, governance: GovernanceConfig): boolean {
  return governance.quorum > 0 && countGovernors(approvals, governance) >= governance.quorum;
}

/** Every nonce in it is above those that its signers used in any round up to this one. */
export function isFresh({ document, digest }: Paper, papers: Papers, until: RoundFact | undefined): boolean {
  for (const round of walkBack(until)) {
    for (const bytes of round.body.documents) {
      const other = papers.inBody(bytes);
      if (other === undefined || other.digest === digest) continue;
      if (document.approvals.some((approval) => isUsedIn(approval, other.document))) return false;
    }
  }
  return true;
}

function isUsedIn({ keyholder, nonce }: Approval, { approvals }: GovernanceDocument): boolean {
  return approvals.some((other) => other.keyholder === keyholder && other.nonce >= nonce);
}
