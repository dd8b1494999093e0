import { type Address, type Digest, fromHex, type Hex, keccakHex, toHex, ZERO_DIGEST } from "../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../protocol/certificate.ts";
import { leaderOf, memberIndex } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { observationDigest, proposalDigest, type RoundHeader, roundDigest } from "../protocol/eip712.ts";
import { decodeObservation, type SignedObservation } from "../protocol/observation.ts";
import { decodeProposal, type SignedProposal } from "../protocol/proposal.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import { SIGNATURE_BYTES } from "../protocol/secp256k1.ts";
import type { GossipCode } from "./gossip-codes.ts";
import type { Topic } from "./machine.ts";
import type { SignedHeader } from "./signatures.ts";
import { decodeSignatureMessage, MAX_TOPIC_BYTES, splitProposalMessage } from "./wire.ts";

/** Rounds on either side of the present one whose messages are taken: skew, hops and a slow disk fit into two. */
export const WINDOW_ROUNDS = 2;

/** A message whose signatures are verified and whose shape follows from its bytes. */
export type Message =
  | { readonly topic: "observation"; readonly signed: SignedObservation }
  | { readonly topic: "proposal"; readonly signed: SignedProposal; readonly certificate: Certificate | undefined }
  | { readonly topic: "signature"; readonly signed: SignedHeader }
  | { readonly topic: "certificate"; readonly certificate: Certificate; readonly digest: Hex };

/** `seen` by digest; a signature's is its header's and the signature itself. */
export type JudgeView = {
  /** The network of a config whose messages are taken now; undefined for every other config. */
  readonly networkOf: (configDigest: Digest) => Network | undefined;
  readonly scheme: Secp256k1;
  /** Who is no member may be one elsewhere: under the config before, say, whose committee signs the first round of the next as well. */
  readonly standingOf: (network: Network, signer: Address) => "votes" | "elsewhere" | "stranger";
  readonly checkCertificate: (certificate: Certificate) => "certified" | "unknown-config" | "bad-certificate";
  /** The present round by our clock. */
  readonly round: number;
  readonly seen: (topic: Topic, round: number, digest: Hex, signature?: Hex) => boolean;
};

export type Judgement =
  | { readonly code: "accepted"; readonly message: Message }
  /** Under a config that is not in force here, for all that is known. */
  | { readonly code: "other-config"; readonly configDigest: Digest }
  | { readonly code: Exclude<GossipCode, "accepted" | "other-config" | "equivocation" | "surplus" | "internal"> };

/**
 * Judges one gossip message, the cheapest check first: size, decoding, config and round window, duplicate, shape, signature, meaning.
 * What depends on the pools (equivocation, surplus) is decided where the message is kept.
 */
export function judgeGossip(topic: Topic, bytes: Uint8Array, view: JudgeView): Judgement {
  if (bytes.length > MAX_TOPIC_BYTES[topic]) return { code: "oversize" };
  return JUDGES[topic](bytes, view);
}

const JUDGES = {
  observation: judgeObservation,
  proposal: judgeProposal,
  signature: judgeSignature,
  certificate: judgeCertificate,
} satisfies Record<Topic, (bytes: Uint8Array, view: JudgeView) => Judgement>;

function judgeObservation(bytes: Uint8Array, view: JudgeView): Judgement {
  const [contents, signature] = splitSigned(bytes);
  const decoded = decodeObservation(contents);
  if (!decoded.ok) return { code: "malformed" };
  const observation = decoded.value;
  const { round, configDigest, head, entries, shadows } = observation;
  const network = view.networkOf(configDigest);
  if (network === undefined) return { code: "other-config", configDigest };
  const outside = placeOf(round, view);
  if (outside !== undefined) return { code: outside };
  const digest = observationDigest(network.domain, { round, configDigest, contents: keccakHex(contents) });
  if (view.seen("observation", round, digest)) return { code: "duplicate" };
  // A feed has one entry; what the entries say voids them one by one, never the message (BREAKER.md B1).
  if (Math.max(entries.length, shadows.length) > network.config.feeds.length) return { code: "count" };
  // A head is a certified round before this one, or (0, zero) before the first.
  if (head.round >= round || (head.round === 0) !== (head.digest === ZERO_DIGEST)) return { code: "derived" };
  const signer = view.scheme.recover(fromHex(digest), signature);
  if (signer === undefined) return { code: "bad-signature" };
  if (memberIndex(network.committee, signer) < 0) return { code: "unknown-signer" };
  if (signer !== observation.observer) return { code: "not-observer" };
  return { code: "accepted", message: { topic: "observation", signed: { observation, digest, signer, signature } } };
}

function judgeProposal(bytes: Uint8Array, view: JudgeView): Judgement {
  const parts = splitProposalMessage(bytes);
  if (!parts.ok) return { code: "malformed" };
  const { certificate } = parts.value;
  const [contents, signature] = splitSigned(parts.value.proposal);
  const decoded = decodeProposal(contents);
  if (!decoded.ok) return { code: "malformed" };
  const proposal = decoded.value;
  const { header, observations } = proposal;
  const { round, configDigest } = header;
  const network = view.networkOf(configDigest);
  if (network === undefined) return { code: "other-config", configDigest };
  const outside = placeOf(round, view);
  if (outside !== undefined) return { code: outside };
  const { committee, domain } = network;
  const digest = proposalDigest(domain, { round, configDigest, contents: keccakHex(contents) });
  if (view.seen("proposal", round, digest)) return { code: "duplicate" };
  if (observations.length < committee.quorum || observations.length > committee.members.length) return { code: "count" };
  if (!followsFromRound(header, network)) return { code: "derived" };
  // The attached certificate is the parent's, or it is not attached at all.
  if (certificate !== undefined && !isParent(certificate.header, header, network)) return { code: "derived" };
  const signer = view.scheme.recover(fromHex(digest), signature);
  if (signer === undefined) return { code: "bad-signature" };
  if (memberIndex(committee, signer) < 0) return { code: "unknown-signer" };
  if (signer !== leaderOf(committee, round)) return { code: "not-leader" };
  const fault = certificate === undefined ? undefined : faultOf(certificate, view);
  if (fault !== undefined) return fault;
  return { code: "accepted", message: { topic: "proposal", signed: { proposal, digest, signer, signature }, certificate } };
}

function judgeSignature(bytes: Uint8Array, view: JudgeView): Judgement {
  const decoded = decodeSignatureMessage(bytes);
  if (!decoded.ok) return { code: "malformed" };
  const { header, signature } = decoded.value;
  const { round, configDigest } = header;
  const network = view.networkOf(configDigest);
  if (network === undefined) return { code: "other-config", configDigest };
  const outside = placeOf(round, view);
  if (outside !== undefined) return { code: outside };
  const digest = roundDigest(network.domain, header);
  if (view.seen("signature", round, digest, signature)) return { code: "duplicate" };
  if (!followsFromRound(header, network)) return { code: "derived" };
  const signer = view.scheme.recover(fromHex(digest), signature);
  if (signer === undefined) return { code: "bad-signature" };
  const standing = view.standingOf(network, signer);
  if (standing !== "votes") return { code: standing === "stranger" ? "unknown-signer" : "other-committee" };
  return { code: "accepted", message: { topic: "signature", signed: { header, digest, signer, signature } } };
}

function judgeCertificate(bytes: Uint8Array, view: JudgeView): Judgement {
  const decoded = decodeCertificate(bytes);
  if (!decoded.ok) return { code: "malformed" };
  const certificate = decoded.value;
  const { header } = certificate;
  const { round, configDigest } = header;
  const network = view.networkOf(configDigest);
  if (network === undefined) return { code: "other-config", configDigest };
  const outside = placeOf(round, view);
  if (outside !== undefined) return { code: outside };
  const digest = roundDigest(network.domain, header);
  if (view.seen("certificate", round, digest)) return { code: "duplicate" };
  if (!followsFromRound(header, network)) return { code: "derived" };
  return faultOf(certificate, view) ?? { code: "accepted", message: { topic: "certificate", certificate, digest } };
}

/** What depends on this node's clock, and is therefore nobody's fault. */
function placeOf(round: number, view: JudgeView): "old-round" | "future-round" | undefined {
  if (round < view.round - WINDOW_ROUNDS) return "old-round";
  return round > view.round + WINDOW_ROUNDS ? "future-round" : undefined;
}

/** Whether enough of the right members signed depends on what came into force before it, which this node may not know. */
function faultOf(certificate: Certificate, view: JudgeView): Judgement | undefined {
  const checked = view.checkCertificate(certificate);
  if (checked === "certified") return undefined;
  const { configDigest } = certificate.header;
  return checked === "unknown-config" ? { code: "other-config", configDigest } : { code: "bad-certificate" };
}

/** Timestamp and lease are derived from the round's number, never chosen. */
export function followsFromRound(header: RoundHeader, { config }: Network): boolean {
  return header.timestamp === header.round * config.roundMs && header.validUntil === header.timestamp + config.leaseMs;
}

function isParent(parent: RoundHeader, header: RoundHeader, { domain }: Network): boolean {
  return parent.round < header.round && roundDigest(domain, parent) === header.parent;
}

function splitSigned(bytes: Uint8Array): readonly [contents: Uint8Array, signature: Hex] {
  const split = Math.max(0, bytes.length - SIGNATURE_BYTES);
  return [bytes.subarray(0, split), toHex(bytes.subarray(split))];
}
