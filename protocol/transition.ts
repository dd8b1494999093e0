import { type Digest, fromHex } from "./bytes.ts";
import {
  type Certificate,
  type CertificateFault,
  decodeCertificate,
  encodeCertificate,
  type RoundSignature,
} from "./certificate.ts";
import { createReader, createWriter } from "./codec.ts";
import { type Committee, memberIndex } from "./committee.ts";
import { configDigest, type Network, type NetworkConfig, networkUnder } from "./config.ts";
import { isSameNetwork } from "./config-change.ts";
import { decodeConfig, encodeConfig, MAX_CONFIG_BYTES, readConfigBytes } from "./config-codec.ts";
import { type Domain, roundDigest } from "./eip712.ts";
import { MAX_MEMBERS } from "./proposal.ts";
import { fail, ok, type Result } from "./result.ts";
import type { Secp256k1 } from "./secp256k1.ts";

export const TRANSITION_VERSION = 1;
/** Version, the config with its length, and a certificate of the largest committee: header, count, signers with signatures. */
export const MAX_TRANSITION_BYTES = 1 + 4 + MAX_CONFIG_BYTES + 216 + 1 + MAX_MEMBERS * 85;

/**
 * A change of the config in force: its content and the first certificate under it, which a quorum of the committee before signed as well
 * as a quorum of its own. This is how nodes and consumers follow from one committee to the next.
 */
export type Transition = { readonly config: NetworkConfig; readonly certificate: Certificate };

/** A transition whose config is still to be parsed: that costs much, so it waits until its certificate is known to be worth it. */
export type SealedTransition = { readonly json: Uint8Array; readonly certificate: Certificate };

/** The committee of the parent's config and that of the round's. */
export type BothCommittees = { readonly from: Committee; readonly to: Committee };

/**
 * The fewest of the given signatures, in ascending order, that make the first certificate under a new config: q of the committee
 * before and q of its own, a member of both counting for both. Undefined while they do not reach. At most f members leave and f come
 * in one change, so that there are never more than {@link MAX_MEMBERS}.
 */
export function chooseSignatures(
  signatures: readonly RoundSignature[],
  { from, to }: BothCommittees,
): readonly RoundSignature[] | undefined {
  const chosen: RoundSignature[] = [];
  const missing = { old: from.quorum, new: to.quorum };
  const byUse = [...signatures].sort((a, b) => uses(b, { from, to }) - uses(a, { from, to }) || compareSigners(a, b));
  for (const signature of byUse) {
    const isOld = memberIndex(from, signature.signer) >= 0;
    const isNew = memberIndex(to, signature.signer) >= 0;
    if (!(isOld && missing.old > 0) && !(isNew && missing.new > 0)) continue;
    chosen.push(signature);
    if (isOld) missing.old -= 1;
    if (isNew) missing.new -= 1;
  }
  return missing.old > 0 || missing.new > 0 ? undefined : chosen.sort(compareSigners);
}

function uses({ signer }: RoundSignature, { from, to }: BothCommittees): number {
  return Number(memberIndex(from, signer) >= 0) + Number(memberIndex(to, signer) >= 0);
}

function compareSigners(a: RoundSignature, b: RoundSignature): number {
  return a.signer < b.signer ? -1 : a.signer > b.signer ? 1 : 0;
}

/**
 * Of the first certificate under a new config: distinct members of either committee in ascending order, at least q of the one before,
 * at least q of its own, no more than both together; all over this header. Gives the header's digest. The fault `count` names the
 * quorum that is missed, or the most that there may be.
 */
export function verifyTransitionCertificate(
  { header, signatures }: Certificate,
  { from, to, domain, scheme }: BothCommittees & { readonly domain: Domain; readonly scheme: Secp256k1 },
): Result<Digest, CertificateFault> {
  const most = from.quorum + to.quorum;
  if (signatures.length > most) return fail({ code: "count", expected: most, found: signatures.length });
  let previous = "";
  for (const [index, { signer }] of signatures.entries()) {
    if (memberIndex(from, signer) < 0 && memberIndex(to, signer) < 0) return fail({ code: "signer", index, signer });
    if (signer <= previous) return fail({ code: "order", index });
    previous = signer;
  }
  for (const committee of [from, to]) {
    const found = signatures.filter(({ signer }) => memberIndex(committee, signer) >= 0).length;
    if (found < committee.quorum) return fail({ code: "count", expected: committee.quorum, found });
  }
  const digest = roundDigest(domain, header);
  const hash = fromHex(digest);
  const indices = signatures.flatMap((signature, index) => (isSigned(hash, signature, scheme) ? [] : [index]));
  return indices.length === 0 ? ok(digest) : fail({ code: "signature", indices });
}

function isSigned(hash: Uint8Array, { signer, signature }: RoundSignature, scheme: Secp256k1): boolean {
  return scheme.recover(hash, signature) === signer;
}

/** Why a transition leads nowhere, in the order in which it is asked. */
export const TRANSITION_FAULTS = ["older", "digest", "same", "network", "times", "certificate"] as const;
export type TransitionFault = { readonly code: (typeof TRANSITION_FAULTS)[number]; readonly detail: string };

/** Where a follower stands: the network in force, and the newest round of it that he knows to be certified (0 before any). */
export type Standpoint = { readonly from: Network; readonly round: number };

/**
 * The network after a transition, or why it does not follow: it is not newer than what is known (`older`: a config that was rolled
 * back must not come again), its certificate is for another config, for the one in force, of another network, at other times than its
 * round's, or not signed by both quorums.
 */
export function verifyTransition(
  { config, certificate }: Transition,
  { from, round: known }: Standpoint,
  scheme: Secp256k1,
): Result<Network, TransitionFault> {
  const { header } = certificate;
  const { round, timestamp, validUntil } = header;
  const fault = (code: TransitionFault["code"], detail: string) => fail({ code, detail });
  if (round <= known) return fault("older", `expected a round after ${known}, found ${round}`);
  if (header.configDigest !== configDigest(config)) return fault("digest", "the certificate is of a round under another config");
  if (header.configDigest === from.configDigest) return fault("same", "the config is in force already");
  if (!isSameNetwork(from.config, config)) return fault("network", "expected the same name, rules and length of rounds");
  if (timestamp !== round * config.roundMs || validUntil !== timestamp + config.leaseMs) {
    return fault("times", "timestamp or lease do not follow from the round's number");
  }
  const to = networkUnder(from, config);
  const committees = { from: from.committee, to: to.committee };
  const verified = verifyTransitionCertificate(certificate, { ...committees, domain: from.domain, scheme });
  return verified.ok ? ok(to) : fault("certificate", verified.error.code);
}

/**
 * What of {@link verifyTransition} can be asked before the config is parsed: that it is newer, into another config, and signed by a
 * quorum of the committee before, so that nobody without its keys makes a follower parse. Undefined when it is worth parsing.
 */
export function findSealedFault(
  { certificate: { header, signatures } }: SealedTransition,
  { from, round: known }: Standpoint,
  scheme: Secp256k1,
): TransitionFault | undefined {
  const { committee, domain, config, configDigest: before } = from;
  if (header.round <= known) return { code: "older", detail: `expected a round after ${known}, found ${header.round}` };
  if (header.configDigest === before) return { code: "same", detail: "the config is in force already" };
  if (header.timestamp !== header.round * config.roundMs) {
    return { code: "times", detail: "timestamp does not follow from the round's number" };
  }
  const fault = findQuorumFault({ header, signatures }, { committee, domain, scheme });
  return fault === undefined ? undefined : { code: "certificate", detail: fault };
}

/**
 * Whether a quorum of a committee is among those who signed, whoever else did: what can be asked of a certificate before it is known
 * whether it is an ordinary one or the first under a new config. Undefined when it is; the cheaper question first.
 */
export function findQuorumFault(
  { header, signatures }: Certificate,
  { committee, domain, scheme }: { readonly committee: Committee; readonly domain: Domain; readonly scheme: Secp256k1 },
): "count" | "signature" | undefined {
  const own = signatures.filter(({ signer }) => memberIndex(committee, signer) >= 0);
  const isDistinct = signatures.every(({ signer }, index) => signer > (signatures[index - 1]?.signer ?? ""));
  if (own.length < committee.quorum || !isDistinct) return "count";
  const hash = fromHex(roundDigest(domain, header));
  return own.every((signature) => isSigned(hash, signature, scheme)) ? undefined : "signature";
}

/** Version, length and RFC 8785 JSON of the config, then the certificate's bytes. */
export function encodeTransition({ config, certificate }: Transition): Uint8Array {
  return encodeSealedTransition({ json: encodeConfig(config), certificate });
}

/** The same of a transition that was never opened. */
export function encodeSealedTransition({ json, certificate }: SealedTransition): Uint8Array {
  const writer = createWriter();
  writer.u8(TRANSITION_VERSION);
  writer.u32(json.length);
  writer.bytes(json);
  writer.bytes(encodeCertificate(certificate));
  return writer.finish();
}

/** Total: only the canonical form decodes, and only a config that parses. Whether it leads anywhere is {@link verifyTransition}'s rule. */
export function decodeTransition(bytes: Uint8Array): Result<Transition, string> {
  const sealed = decodeSealedTransition(bytes);
  return sealed.ok ? openTransition(sealed.value) : sealed;
}

/** Total, and cheap: lengths and the certificate's form. Of the config nothing is looked at, not even its digest. */
export function decodeSealedTransition(bytes: Uint8Array): Result<SealedTransition, string> {
  if (bytes.length > MAX_TRANSITION_BYTES) return fail(`expected at most ${MAX_TRANSITION_BYTES} bytes`);
  const reader = createReader(bytes);
  if (reader.u8() !== TRANSITION_VERSION) reader.refuse(`expected transition version ${TRANSITION_VERSION}`);
  const json = readConfigBytes(reader);
  const fault = reader.fault();
  if (fault !== undefined) return fail(fault);
  const certificate = decodeCertificate(reader.bytes(reader.remaining()));
  return certificate.ok ? ok({ json, certificate: certificate.value }) : certificate;
}

/** Total: the config is the one of the certificate's header, in its canonical form. */
export function openTransition({ json, certificate }: SealedTransition): Result<Transition, string> {
  const config = decodeConfig(json, certificate.header.configDigest);
  return config.ok ? ok({ config: config.value, certificate }) : config;
}
