import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate, verifyCertificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { type CertifiedFault, newestEra, verifyInEra } from "../../protocol/era.ts";
import type { Result } from "../../protocol/result.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import { decodeRoundBody, MAX_BODY_BYTES } from "../../protocol/round-codec.ts";
import { findQuorumFault } from "../../protocol/transition.ts";
import type { LogEntry } from "../log.ts";
import { type Desk, type Recomputed, type Refusal, refused } from "./desk.ts";

/** Header, count, and the signatures of two of the largest quorums. */
const MAX_CERTIFICATE_BYTES = 16_384;

export type VerifiedRound = {
  readonly certified: CertifiedRound;
  readonly body: RoundBody;
  readonly computed: Recomputed;
};

/** `digest` is the header's own, where there is a header. */
export type RoundJudgement =
  | { readonly kind: "verified"; readonly verified: VerifiedRound }
  | { readonly kind: "known" }
  | (Refusal & { readonly digest: Digest | undefined });

type RoundEntry = Extract<LogEntry, { readonly kind: "round" }>;

/** The cheapest question first; nothing that the entry states beside its bytes is used but to be compared with them. */
export function judgeRound(desk: Desk, entry: RoundEntry, now: number): RoundJudgement {
  const { genesis, walk } = desk;
  if (entry.certificate.length > MAX_CERTIFICATE_BYTES) return at(undefined, refused("malformed", "certificate: too long"));
  const certificate = decodeCertificate(entry.certificate);
  if (!certificate.ok) return at(undefined, refused("malformed", `certificate: ${certificate.error}`));
  const { header } = certificate.value;
  const digest = roundDigest(genesis.domain, header);
  if (digest !== entry.digest) return at(digest, refused("digest", `stated as ${entry.digest}, the header's is ${digest}`));
  if (walk.has(digest)) return { kind: "known" };
  const timing = findTimingFault(desk, header.round, now);
  if (timing !== undefined) return at(digest, timing);
  const signed = verifySignatures(desk, certificate.value);
  if ("kind" in signed) return at(digest, signed);
  if (entry.body.length > MAX_BODY_BYTES) return at(digest, refused("malformed", "body: too long"));
  const body = decodeRoundBody(entry.body);
  if (!body.ok) return at(digest, refused("malformed", `body: ${body.error}`));
  const standing = verifyStanding(desk, { certificate: certificate.value, digest, body: body.value, signed });
  if ("kind" in standing) return at(digest, standing);
  const computed = desk.recompute(standing, body.value, desk.scheme);
  if (!computed.ok) return at(digest, refused("body", computed.error));
  if (computed.value.digest !== digest) return at(digest, refused("body", `recomputes to ${computed.value.digest}`));
  const certified = { digest, certificate: certificate.value, feeds: computed.value.feeds };
  return { kind: "verified", verified: { certified, body: body.value, computed: computed.value } };
}

function at(digest: Digest | undefined, refusal: Refusal): RoundJudgement {
  return { ...refusal, digest };
}

function findTimingFault({ walk, way }: Desk, round: number, now: number): Refusal | undefined {
  const { roundMs, maxSkewMs } = newestEra(way.eras()).network.config;
  if (round < walk.floor()) return refused("stale", `round ${round} is older than anything that is kept`);
  const aheadMs = round * roundMs - now;
  return aheadMs > maxSkewMs ? refused("future", `round ${round} is ${aheadMs} ms ahead of this clock`) : undefined;
}

/** The network that the header names, and what its era says to the signatures. */
type Signed = { readonly network: Network; readonly verified: Result<Digest, CertifiedFault> };

/**
 * Asked before the body is decoded, which may have forty megabytes: nobody without the keys of a quorum makes a follower read one. A
 * config that is not in force in that round may turn out to be; a quorum of its own committee must have signed all the same.
 */
function verifySignatures({ genesis: { domain }, scheme, way }: Desk, certificate: Certificate): Signed | Refusal {
  const { header } = certificate;
  const network = way.find(header.configDigest);
  if (network === undefined) return refused("unknown-config", `round ${header.round} is of config ${header.configDigest}`);
  const verified = verifyInEra(certificate, { eras: way.eras(), scheme });
  if (verified.ok) return { network, verified };
  if (verified.error.code !== "config") return refused("certificate", describe(verified.error));
  const fault = findQuorumFault(certificate, { committee: network.committee, domain, scheme });
  return fault === undefined
    ? { network, verified }
    : refused("certificate", `not signed by the quorum of its own config (${fault})`);
}

type Claim = {
  readonly certificate: Certificate;
  readonly digest: Digest;
  readonly body: RoundBody;
  readonly signed: Signed;
};

/** The network under whose config the round counts: the quorum that was due signed it, or the walk back from a verified round names it. */
function verifyStanding(desk: Desk, { certificate, digest, body, signed }: Claim): Network | Refusal {
  const { genesis, scheme, walk, way } = desk;
  const { header } = certificate;
  const { network, verified } = signed;
  const parentDigest = body.parent === undefined ? ZERO_DIGEST : roundDigest(genesis.domain, body.parent);
  if (parentDigest !== header.parent) return refused("body", "the parent is not the one that the header names");
  if (verified.ok) return network;
  // A later round under the config could lead into it as well; only the first one, by its parent, says where its rounds begin.
  const isFirst = body.parent !== undefined && body.parent.configDigest !== header.configDigest;
  if (isFirst && way.take({ config: network.config, certificate }).ok) return network;
  if (walk.missing() !== digest) {
    return refused("retired-config", `config ${header.configDigest} is not in force in round ${header.round}`);
  }
  // Committed to by a verified round: an era that began in an orphan began too early for its ancestors.
  const alone = verifyCertificate(certificate, { ...network, scheme });
  return alone.ok ? network : refused("certificate", describe(alone.error));
}

function describe(fault: CertifiedFault): string {
  switch (fault.code) {
    case "config":
      return `of config ${fault.found}, expected ${fault.expected}`;
    case "count":
      return `expected ${fault.expected} signatures, found ${fault.found}`;
    case "signer":
      return `${fault.signer} is no member of the committee`;
    case "order":
      return `signatures[${fault.index}] is out of order`;
    case "signature":
      return `signatures ${fault.indices.join(", ")} are not their signers'`;
  }
}
