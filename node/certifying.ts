import { type Address, type Digest, ZERO_DIGEST } from "../protocol/bytes.ts";
import { type Certificate, type CertificateFault, verifyCertificate } from "../protocol/certificate.ts";
import { type Committee, memberIndex } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../protocol/eip712.ts";
import { fail, type Result } from "../protocol/result.ts";
import { chooseSignatures, verifyTransitionCertificate } from "../protocol/transition.ts";
import { headNetwork, stepAhead } from "./configuring.ts";
import type { Desk } from "./desk.ts";
import { assembleCertificate, signaturesOf } from "./signatures.ts";

/** `unknown-config`: neither its config nor the way into it is known here. Else which part of the certificate is not as it should be. */
export type CertificateRefusal = "unknown-config" | CertificateFault["code"];

/**
 * Whether enough of the right members signed. A header does not say whether it is the first under its config, which takes a quorum of
 * the committee before as well: its parent does, where it is known. Else a config that this node has reached needs its own quorum, and
 * one that it has not reached both.
 */
export function checkCertificate(desk: Desk, certificate: Certificate): Result<Digest, CertificateRefusal> {
  const { header } = certificate;
  const network = desk.networks.find(header.configDigest);
  if (network === undefined) return fail("unknown-config");
  const parent = configOfParent(desk, header);
  if (parent !== undefined) return checkAfter(desk, certificate, parent);
  const { genesis, stepInto } = desk.networks;
  const isReached = network === genesis || network === headNetwork(desk) || stepInto(header.configDigest) !== undefined;
  if (isReached) {
    const alone = checkAfter(desk, certificate, header.configDigest);
    const from = desk.networks.before(header.configDigest);
    return alone.ok ? alone : (firstOk(from, (network) => checkAfter(desk, certificate, network)) ?? alone);
  }
  const joint = checkAfter(desk, certificate, (stepAhead(desk)?.network ?? headNetwork(desk)).configDigest);
  // Its own quorum may be there, of a later round: whether it ever came into force, only its transition can say.
  return joint.ok ? joint : fail("unknown-config");
}

/** The same with the parent's config given. */
export function checkAfter(desk: Desk, certificate: Certificate, parent: Digest | Network): Result<Digest, CertificateRefusal> {
  const { header } = certificate;
  const to = desk.networks.find(header.configDigest);
  const from = typeof parent === "string" ? desk.networks.find(parent) : parent;
  if (to === undefined || from === undefined) return fail("unknown-config");
  const trust = { domain: to.domain, scheme: desk.scheme };
  const verified =
    from === to
      ? verifyCertificate(certificate, { ...trust, committee: to.committee })
      : verifyTransitionCertificate(certificate, { ...trust, from: from.committee, to: to.committee });
  return verified.ok ? verified : fail(verified.error.code);
}

/** The certificate of this header, once the signatures that it takes are here. */
export function assemble(
  desk: Desk,
  { header, digest }: { readonly header: RoundHeader; readonly digest: Digest },
): Certificate | undefined {
  const to = desk.networks.find(header.configDigest);
  const from = desk.networks.find(configOfParent(desk, header) ?? headNetwork(desk).configDigest);
  if (to === undefined || from === undefined) return undefined;
  if (from === to) return assembleCertificate(desk.signatures, { header, digest }, to.committee);
  const signatures = chooseSignatures(signaturesOf(desk.signatures, { header, digest }), {
    from: from.committee,
    to: to.committee,
  });
  return signatures === undefined ? undefined : { header, signatures };
}

/**
 * Whose signature of a header under this config counts: its members', and until a round under it is the head, its predecessor's. The
 * others who are members under some config may have been right where they stood: nobody else's business.
 */
export function standingOf(
  desk: Desk,
  { configDigest, committee }: Network,
  signer: Address,
): "votes" | "elsewhere" | "stranger" {
  const isMember = (of: Committee): boolean => memberIndex(of, signer) >= 0;
  if (isMember(committee)) return "votes";
  const own = headNetwork(desk);
  if (own.configDigest !== configDigest && isMember(own.committee)) return "votes";
  return desk.peers.includes(signer) || desk.networks.all().some((network) => isMember(network.committee))
    ? "elsewhere"
    : "stranger";
}

/** Of the round that a header stands on, where that round, or a computation of the header itself, is here. */
export function configOfParent(desk: Desk, header: RoundHeader): Digest | undefined {
  const { parent } = header;
  if (parent === ZERO_DIGEST) return header.configDigest;
  const own = desk.rounds.computation(roundDigest(desk.networks.genesis.domain, header))?.opened.parent?.header;
  const known = own ?? desk.rounds.computation(parent)?.computed.header ?? desk.rounds.certificate(parent)?.header;
  return known?.configDigest;
}

function firstOk<T, V, E>(items: readonly T[], check: (item: T) => Result<V, E>): Result<V, E> | undefined {
  for (const item of items) {
    const checked = check(item);
    if (checked.ok) return checked;
  }
  return undefined;
}
