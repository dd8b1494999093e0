import type { Address, Digest } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
import type { Head } from "../protocol/observation.ts";
import { admitCertificate } from "./admission.ts";
import { admitDocument } from "./carrying.ts";
import { settleConfig } from "./configuring.ts";
import { askOrder, type Desk, emit, report } from "./desk.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";
import type { Place } from "./machine.ts";
import type { Computation } from "./round-book.ts";
import { noteTransition } from "./transitions.ts";

/** How long a head's certificate and body are asked for; whoever still names it after that starts the search again. */
export const FOLLOW_MS = 10_000;
/** After nobody had an ancestor, the walk back rests. */
export const BACKFILL_REST_MS = 60_000;

/** A head that somebody names: its certificate and body are fetched if it is newer than ours. */
export function noticeHead(desk: Desk, { round, digest }: Head, from: Address): void {
  if (round <= desk.rounds.head().round || round > desk.round + WINDOW_ROUNDS) return;
  const until = desk.now + FOLLOW_MS;
  const kind = desk.rounds.certificate(digest) === undefined ? "certificate" : "body";
  desk.fetching.need({ kind, digest }, askOrder(desk, [from]), until);
}

/** A verified certificate: adopted at once when its body is here, else the body is fetched, its signers first: they keep it. */
export function learnCertificate(
  desk: Desk,
  { certificate, digest }: { readonly certificate: Certificate; readonly digest: Digest },
  from: readonly Address[],
): void {
  if (desk.rounds.certificate(digest) !== undefined) return;
  desk.rounds.learn(digest, certificate);
  desk.fetching.drop({ kind: "certificate", digest });
  const { header, signatures } = certificate;
  admitCertificate(
    desk,
    signatures.map(({ signer, signature }) => ({ header, digest, signer, signature })),
  );
  const computation = desk.rounds.computation(digest);
  if (computation !== undefined) {
    adopt(desk, certificate, computation);
  } else {
    const signers = signatures.map(({ signer }) => signer);
    desk.fetching.need({ kind: "body", digest }, askOrder(desk, [...from, ...signers]), desk.now + FOLLOW_MS);
  }
}

/** A certificate and its recomputed body: to the store, to the chain, and, if it is the newest, to the head. */
export function adopt(desk: Desk, certificate: Certificate, { opened, computed }: Computation): void {
  const { digest, header, feeds } = computed;
  const ancestor = desk.chain.missing() === digest;
  const isHead = desk.rounds.hold({ opened, computed, certificate });
  if (isHead) followConfig(desk, certificate, opened);
  const place: Place = isHead ? "head" : ancestor ? "backfill" : "late";
  desk.fetching.drop({ kind: "body", digest });
  emit(desk, { kind: "commit", certified: { digest, certificate, feeds }, body: desk.fold.bodyOf(opened), place });
  report(desk, "certified", { round: header.round, digest, place });
  for (const mark of desk.chain.add({ round: header.round, digest, parent: header.parent }, isHead)) {
    emit(desk, { kind: "mark", ...mark });
    if (mark.orphan) report(desk, "sibling-certificate", { round: mark.round, digest: mark.digest });
  }
}

/** What a new head says of the config: a way into it, documents whose content is to come into force, and what is in force from now on. */
function followConfig(desk: Desk, certificate: Certificate, { parent, documents }: Computation["opened"]): void {
  const network = desk.networks.find(certificate.header.configDigest);
  const before = parent === undefined ? network : desk.networks.find(parent.header.configDigest);
  if (network !== undefined && before !== undefined && before !== network) noteTransition(desk, before, network, certificate);
  for (const document of documents) admitDocument(desk, document, true);
  settleConfig(desk);
}

/** The walk back from the head, one ancestor at a time, so that it never stands in the way of what a round needs. */
export function walkBack(desk: Desk): void {
  const digest = desk.chain.missing();
  if (digest === undefined || desk.now < desk.backfillAt) return;
  const kind = desk.rounds.certificate(digest) === undefined ? "certificate" : "body";
  if (desk.fetching.has({ kind, digest })) return;
  desk.fetching.need({ kind, digest }, askOrder(desk, []), desk.now + FOLLOW_MS);
}

/** Asks what is due and reports what was given up. */
export function stepFetching(desk: Desk): void {
  const { outputs, abandoned } = desk.fetching.step(desk.now);
  for (const output of outputs) emit(desk, output);
  for (const { kind, digest } of abandoned) {
    if (digest === desk.chain.missing()) {
      desk.backfillAt = desk.now + BACKFILL_REST_MS;
      report(desk, "backfill-stopped", { what: kind, digest });
    } else report(desk, "fetch-abandoned", { what: kind, digest });
  }
}
