import type { ComputedRound, OpenedBody } from "../aggregator/round.ts";
import { type Digest, fromHex, ZERO_DIGEST } from "../protocol/bytes.ts";
import { memberIndex } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { roundDigest } from "../protocol/eip712.ts";
import type { SignedObservation } from "../protocol/observation.ts";
import { documentsOf } from "./carrying.ts";
import { askOrder, type Desk, findObservation, maySign, type OpenProposal, promise, report } from "./desk.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";
import type { Want } from "./machine.ts";
import type { Computation } from "./round-book.ts";
import { encodeSignatureMessage } from "./wire.ts";

/** Why a proposal whose parts are all here is not signed, in the order in which it is asked. */
export const REFUSALS = [
  /** An observation of another round or config, of a stranger, of one member twice, or out of committee order. */
  "observations",
  /** A document that they name is none under the round's config, or all of them weigh more than a round may. */
  "documents",
  /** The parent is not older than the round. */
  "parent",
  /** An included observation names a head newer than the parent. */
  "newer-head-named",
  /** This node itself named a head newer than the parent. */
  "newer-head-own",
  /** The header is not what the parts give. */
  "header",
] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Assessment =
  | { readonly kind: "early" }
  | { readonly kind: "late" }
  /** This node is no member under the round's config, nor under its parent's. */
  | { readonly kind: "follows" }
  | { readonly kind: "waits"; readonly wants: readonly Want[] }
  | { readonly kind: "refused"; readonly why: Refusal }
  | { readonly kind: "signs"; readonly computation: Computation };

/** When a round's window fits this clock: its second, widened by maxSkewMs on both sides. */
export function windowOf(desk: Desk, round: number): { readonly opensAt: number; readonly closesAt: number } {
  const { roundMs, maxSkewMs } = desk.network.config;
  return { opensAt: round * roundMs - maxSkewMs, closesAt: (round + 1) * roundMs + maxSkewMs };
}

/**
 * DESIGN section 5, "a node signs iff": the window fits its clock; everything named is here; the parent is certified, older, and no
 * older than any head named in the included observations or by this node itself; and the recomputed header is identical.
 */
export function assessProposal(desk: Desk, { signed }: OpenProposal): Assessment {
  const { header, observations: digests } = signed.proposal;
  const { opensAt, closesAt } = windowOf(desk, header.round);
  if (desk.now < opensAt) return { kind: "early" };
  if (desk.now > closesAt) return { kind: "late" };
  const observations = digests.flatMap((digest) => findObservation(desk, digest) ?? []);
  const wants = [...missingObservations(desk, digests), ...missingParent(desk, header.parent)];
  if (wants.length > 0) return { kind: "waits", wants };
  const parent = desk.rounds.held(header.parent)?.computed;
  const network = desk.networks.after(parent);
  if (network === undefined) return { kind: "waits", wants: [{ kind: "document", digest: header.configDigest }] };
  if (!isVoter(desk, network, parent)) return { kind: "follows" };
  if (!areOneRound(network, header.round, observations)) return { kind: "refused", why: "observations" };
  const { documents, missing, invalid } = documentsOf(desk, network, observations);
  if (invalid) return { kind: "refused", why: "documents" };
  if (missing.length > 0) return { kind: "waits", wants: missing.map((digest) => ({ kind: "document", digest })) };
  const opened = { parent, round: header.round, observations, documents };
  const why = refusalOf(desk, opened);
  if (why !== undefined) return { kind: "refused", why };
  const computed = desk.fold.nextRound({ network, ...opened });
  if (computed.digest !== roundDigest(network.domain, header)) return { kind: "refused", why: "header" };
  return { kind: "signs", computation: { opened, computed } };
}

/** In the first round under a config its own members sign, and those of the config before it, who let go with that. */
function isVoter(desk: Desk, { committee }: Network, parent: ComputedRound | undefined): boolean {
  const before = parent === undefined ? undefined : desk.networks.find(parent.header.configDigest);
  return [committee, before?.committee].some((of) => of !== undefined && memberIndex(of, desk.key.address) >= 0);
}

function missingObservations(desk: Desk, digests: readonly Digest[]): readonly Want[] {
  return digests.flatMap((digest) => (findObservation(desk, digest) === undefined ? [{ kind: "observation", digest }] : []));
}

function missingParent(desk: Desk, digest: Digest): readonly Want[] {
  if (digest === ZERO_DIGEST || desk.rounds.held(digest) !== undefined) return [];
  return [{ kind: desk.rounds.certificate(digest) === undefined ? "certificate" : "body", digest }];
}

function refusalOf(desk: Desk, { parent, round, observations }: OpenedBody): Refusal | undefined {
  if (parent !== undefined && parent.header.round >= round) return "parent";
  const parentRound = parent?.header.round ?? 0;
  if (observations.some(({ observation }) => observation.head.round > parentRound)) return "newer-head-named";
  return desk.ownHead.round === round && desk.ownHead.head > parentRound ? "newer-head-own" : undefined;
}

function areOneRound({ committee, configDigest }: Network, round: number, observations: readonly SignedObservation[]): boolean {
  let previous = -1;
  for (const { observation, signer } of observations) {
    const position = memberIndex(committee, signer);
    if (position <= previous || observation.round !== round) return false;
    if (observation.configDigest !== configDigest) return false;
    previous = position;
  }
  return true;
}

/** Every proposal that can still be signed: sign it, ask for what it lacks, or let go of it. */
export function advanceProposals(desk: Desk): void {
  for (let round = desk.round - WINDOW_ROUNDS; round <= desk.round + 1; round++) {
    for (const { value } of desk.proposals.of(round)) if (value.open) advance(desk, value);
  }
}

function advance(desk: Desk, proposal: OpenProposal): void {
  const { header } = proposal.signed.proposal;
  const { round } = header;
  // Whoever may not sign follows by certificates: it needs no part of a proposal.
  if (!maySign(desk, "round", round)) {
    proposal.open = desk.phase === "quarantine";
    return;
  }
  const assessment = assessProposal(desk, proposal);
  proposal.open = assessment.kind === "early" || assessment.kind === "waits";
  const fields = { round, leader: proposal.signed.signer };
  if (assessment.kind === "waits") askFor(desk, proposal, assessment.wants);
  else if (assessment.kind === "late") report(desk, "proposal-abandoned", fields);
  else if (assessment.kind === "refused") report(desk, "proposal-refused", { ...fields, why: assessment.why });
  else if (assessment.kind === "signs") signHeader(desk, assessment.computation);
}

function askFor(desk: Desk, proposal: OpenProposal, wants: readonly Want[]): void {
  const { closesAt } = windowOf(desk, proposal.signed.proposal.header.round);
  for (const want of wants) {
    const key = `${want.kind} ${want.digest}`;
    if (proposal.asked.has(key)) continue;
    proposal.asked.add(key);
    desk.fetching.need(want, askOrder(desk, [proposal.signed.signer, proposal.from]), closesAt);
  }
}

/** The one header this node signs for this number; its body is kept until a later head is held, so that nobody can hide it. */
export function signHeader(desk: Desk, computation: Computation): void {
  const { header, digest } = computation.computed;
  const signature = desk.scheme.sign(fromHex(digest), desk.key.privateKey);
  desk.rounds.keepSigned(computation);
  promise(desk, {
    record: { kind: "round", round: header.round, configDigest: header.configDigest, digest },
    topic: "signature",
    bytes: encodeSignatureMessage({ header, signature }),
    message: { topic: "signature", signed: { header, digest, signer: desk.key.address, signature } },
  });
}
