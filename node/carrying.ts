import type { Judgement } from "../circuit-breaker/governance/judge.ts";
import { EMPTY_MEMORY } from "../circuit-breaker/memory.ts";
import { type Address, type Digest, keccakHex } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { compareText } from "../protocol/feed.ts";
import type { SignedDocument } from "../protocol/governance.ts";
import { decodeSignedDocument } from "../protocol/governance-codec.ts";
import { MAX_DOCUMENTS, type SignedObservation } from "../protocol/observation.ts";
import { fail, type Result } from "../protocol/result.ts";
import { settleConfig } from "./configuring.ts";
import { type Desk, emit } from "./desk.ts";
import { isValidUnder, type PooledDocument, preferredOf } from "./documents.ts";
import type { DocumentReceipt } from "./machine.ts";

/** What one observation's documents may weigh together: a config of the largest size, and everything else there is to say. */
export const MAX_CARRIED_BYTES = 5 * 1024 * 1024;
/** What a round's documents may weigh: a body has to be fetched within a round. */
export const MAX_ROUND_DOCUMENT_BYTES = 8 * 1024 * 1024;

/**
 * The documents that this node names in its observation of a round: those that the fold would take on its head, and configs whose replay
 * it came to itself; of those that say the same only the one that every node prefers. Those of the same keyholders take turns with the
 * others', so that nobody's flood keeps out what others say, and a config waits for all that is said at once.
 */
export function carriedDocuments(desk: Desk, round: number): readonly Digest[] {
  const judgement = judgementOf(desk, round);
  const takeable = new Set(desk.documents.all().filter(({ signed }) => isTakeable(desk, signed, judgement)));
  for (const pooled of desk.documents.all()) pooled.takeable = takeable.has(pooled);
  const wanted = preferredOf([...takeable]);
  for (const pooled of wanted) pooled.usedIn = round;
  const agreed = wanted.filter(({ signed, review }) => signed.document.kind !== "config" || review === "agrees");
  const chosen: Digest[] = [];
  let bytes = 0;
  for (const pooled of byUrgency(agreed)) {
    const { signed } = pooled;
    if (chosen.length >= MAX_DOCUMENTS || bytes + signed.bytes.length > MAX_CARRIED_BYTES) continue;
    pooled.namedIn = round;
    chosen.push(signed.digest);
    bytes += signed.bytes.length;
  }
  return chosen.sort(compareText);
}

/** Whether it lacks nothing, but for carriers of a config. */
function isTakeable(desk: Desk, { document }: SignedDocument, judgement: Judgement): boolean {
  const code = desk.fold.judgeDocument(document, judgement);
  return code === "taken" || (document.kind === "config" && code === "waits");
}

/**
 * A pause never waits behind a config; nor does one more document of those who can say endlessly many keep out every config, so that one
 * place is a config's if there is any.
 */
function byUrgency(documents: readonly PooledDocument[]): readonly PooledDocument[] {
  const urgent = inTurns(documents.filter(({ signed }) => signed.document.kind !== "config"));
  const configs = inTurns(documents.filter(({ signed }) => signed.document.kind === "config"));
  return [...urgent.slice(0, MAX_DOCUMENTS - 1), ...configs, ...urgent.slice(MAX_DOCUMENTS - 1)];
}

/** A document's turn is that of whichever of its keyholders has said the least: nobody makes another's turn a later one. */
function inTurns(documents: readonly PooledDocument[]): readonly PooledDocument[] {
  const counts = new Map<Address, number>();
  const placed = documents.map((pooled) => {
    const keyholders = pooled.signed.document.approvals.map(({ keyholder }) => keyholder);
    const turn = Math.min(...keyholders.map((keyholder) => counts.get(keyholder) ?? 0));
    for (const keyholder of keyholders) counts.set(keyholder, (counts.get(keyholder) ?? 0) + 1);
    return { pooled, turn };
  });
  return placed.sort((a, b) => a.turn - b.turn).map(({ pooled }) => pooled);
}

/** A round of this number that stands on the head. */
export function judgementOf(desk: Desk, round: number): Judgement {
  const head = desk.rounds.newest()?.computed;
  const { config, configDigest, committee } = desk.network;
  return {
    config,
    configDigest,
    parentConfigDigest: head?.header.configDigest,
    memory: head?.memory ?? EMPTY_MEMORY,
    timestamp: round * config.roundMs,
    f: committee.f,
    carriers: 0,
  };
}

/**
 * Every document that an observation names is kept for its round and, where it is not here, fetched within it: from whoever names it, who
 * has to have it. Asking the others as well would make of one member's inventions everybody's work.
 */
export function noticeDocuments(desk: Desk, { observation, signer }: SignedObservation): void {
  if (signer === desk.key.address) return;
  const { round, documents } = observation;
  const { roundMs, maxSkewMs } = desk.network.config;
  for (const digest of documents) {
    const pooled = desk.documents.find(digest);
    if (pooled !== undefined) {
      pooled.usedIn = Math.max(pooled.usedIn, round);
      pooled.namedIn = Math.max(pooled.namedIn, round);
    } else if (!desk.documents.isRefused(digest))
      desk.fetching.need({ kind: "document", digest }, [signer], (round + 1) * roundMs + maxSkewMs);
  }
}

/** The documents that observations name, by ascending digest; `invalid`: one is no document under this config, or they weigh too much. */
export type NamedDocuments = {
  readonly documents: readonly SignedDocument[];
  readonly missing: readonly Digest[];
  readonly invalid: boolean;
};

export function documentsOf(desk: Desk, network: Network, observations: readonly SignedObservation[]): NamedDocuments {
  const named = [...new Set(observations.flatMap(({ observation }) => observation.documents))].sort(compareText);
  const documents = named.flatMap((digest) => desk.documents.find(digest)?.signed ?? []);
  const missing = named.filter((digest) => desk.documents.find(digest) === undefined);
  const refused = missing.some((digest) => desk.documents.isRefused(digest));
  const strange = documents.some(({ document }) => !isValidUnder(network.config.governance, document));
  return { documents, missing, invalid: refused || strange || weightOf(documents) > MAX_ROUND_DOCUMENT_BYTES };
}

export function weightOf(documents: readonly SignedDocument[]): number {
  return documents.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** An answer to a fetch by the document's own digest, or by that of the config that it says. */
export function takeDocument(desk: Desk, digest: Digest, bytes: Uint8Array): string | undefined {
  const isNamed = keccakHex(bytes) === digest;
  const decoded = openDocument(desk, bytes);
  if (!decoded.ok) {
    if (!isNamed) return `document: ${decoded.error}`;
    // The digest covers every byte, so this is what was asked for, and nobody can give a better one.
    desk.documents.refuse(digest);
    return undefined;
  }
  const { document } = decoded.value;
  const isContent = document.kind === "config" && document.configDigest === digest;
  if (!isNamed && !isContent) return "another document";
  admitDocument(desk, decoded.value, true);
  return undefined;
}

/** What a round took in: whoever adopts it may still be asked for it, and needs the content of a config to come. */
export function admitDocument(desk: Desk, signed: SignedDocument, named: boolean): void {
  desk.fetching.drop({ kind: "document", digest: signed.digest });
  const takeable = isTakeable(desk, signed, judgementOf(desk, desk.round + 1));
  if (!desk.documents.add(signed, { round: desk.round, named, takeable })) return;
  if (desk.documents.find(signed.digest)?.isKept === true) emit(desk, { kind: "keep", document: signed });
  if (signed.document.kind !== "config") return;
  desk.fetching.drop({ kind: "document", digest: signed.document.configDigest });
  settleConfig(desk);
  stepReviews(desk);
}

/** Under any of the configs of this moment: which of them its round has, its proposal will say. */
export function openDocument(desk: Desk, bytes: Uint8Array): Result<SignedDocument, string> {
  let opened: Result<SignedDocument, string> = fail("no config is known");
  for (const { config, domain } of desk.current) {
    opened = decodeSignedDocument(bytes, { governance: config.governance, domain, scheme: desk.scheme });
    if (opened.ok) return opened;
  }
  return opened;
}

/** A document that somebody handed to this node: carried from the next observation on, or refused with the fold's own code. */
export function takeSubmitted(desk: Desk, id: string, bytes: Uint8Array): void {
  const opened = openDocument(desk, bytes);
  if (!opened.ok) emit(desk, { kind: "receipt", id, receipt: { ok: false, code: "malformed", detail: opened.error } });
  else emit(desk, { kind: "receipt", id, receipt: receive(desk, opened.value) });
}

function receive(desk: Desk, signed: SignedDocument): DocumentReceipt {
  const { document } = signed;
  const judgement = judgementOf(desk, desk.round + 1);
  const code = desk.fold.judgeDocument(document, judgement);
  const isConfig = document.kind === "config";
  if (!isTakeable(desk, signed, judgement)) {
    return { ok: false, code, detail: desk.fold.explainDocument(document, code, judgement) };
  }
  admitDocument(desk, signed, false);
  // Where enough that say the same wait here, the one that is preferred speaks for all.
  const pooled = desk.documents.find(signed.digest) ?? desk.documents.fellowsOf(signed)[0];
  if (pooled === undefined)
    return { ok: false, code: "busy", detail: "too many documents of these keyholders wait here already" };
  pooled.usedIn = desk.round;
  const { digest } = pooled.signed;
  if (!isConfig || pooled.review === "agrees") return { ok: true, digest, code: "carried" };
  if (pooled.review !== "differs") return { ok: true, digest, code: "review" };
  return { ok: false, code: "waits", detail: "this node came to another replay report than the document names, or to refusals" };
}

/** One replay at a time: it goes over a day of rounds. Only what enough governors have approved is worth one. */
export function stepReviews(desk: Desk): void {
  const all = desk.documents.all();
  if (all.some(({ review }) => review === "asked")) return;
  const judgement = judgementOf(desk, desk.round);
  const next = all.find(
    ({ signed, review }) => signed.document.kind === "config" && review === "none" && isTakeable(desk, signed, judgement),
  );
  if (next === undefined) return;
  next.review = "asked";
  emit(desk, { kind: "review", document: next.signed });
}

/** The outcome is one for all that say the same: whoever approved them is no part of a replay. */
export function takeReviewed(desk: Desk, digest: Digest, agrees: boolean): void {
  const pooled = desk.documents.find(digest);
  if (pooled !== undefined) {
    for (const same of [pooled, ...desk.documents.fellowsOf(pooled.signed)]) same.review = agrees ? "agrees" : "differs";
  }
  stepReviews(desk);
}

/** Wire bytes of a document, by its own digest or by that of its config. */
export function serveDocument(desk: Desk, digest: Digest): Uint8Array | undefined {
  return (desk.documents.find(digest)?.signed ?? desk.documents.findConfig(digest))?.bytes;
}
