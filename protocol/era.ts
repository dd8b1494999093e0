import type { Digest } from "./bytes.ts";
import { type Certificate, type CertificateFault, verifyCertificate } from "./certificate.ts";
import type { Network } from "./config.ts";
import { fail, ok, type Result } from "./result.ts";
import type { Secp256k1 } from "./secp256k1.ts";
import { type Transition, type TransitionFault, verifyTransition, verifyTransitionCertificate } from "./transition.ts";

/** The rounds from one change of the config in force to the next one; genesis begins at round 0. */
export type Era = { readonly fromRound: number; readonly network: Network };

/** A network from its beginning, by ascending round; the first is genesis. */
export type Eras = readonly [genesis: Era, ...later: Era[]];

/** A certificate's own faults, and that it is of another config than the one in force in its round. */
export type CertifiedFault = CertificateFault | { readonly code: "config"; readonly expected: Digest; readonly found: Digest };

/** A network as far as nothing has changed: {@link nextEra} leads on. */
export function firstEra(genesis: Network): Eras {
  return [{ fromRound: 0, network: genesis }];
}

export function newestEra(eras: Eras): Era {
  return eras.at(-1) ?? eras[0];
}

/**
 * The era that a change of config begins. It is signed by a quorum of the committee before it as well as by its own, so whoever trusts
 * the beginning can check the way to the committee of today, and nobody who carries it has to be trusted.
 */
export function nextEra(eras: Eras, transition: Transition, scheme: Secp256k1): Result<Era, TransitionFault> {
  const { network, fromRound } = newestEra(eras);
  const next = verifyTransition(transition, { from: network, round: fromRound }, scheme);
  return next.ok ? ok({ fromRound: transition.certificate.header.round, network: next.value }) : next;
}

/**
 * Whether the quorum that was due in this round certified it; gives the header's digest. Each round counts under its own config and
 * committee alone: what a retired committee signs for a later round is refused. The first round under a new config needs the quorum
 * before it as well; where that round turned out an orphan the next one is again a first, so both quorums may stand under a later one.
 */
export function verifyInEra(
  certificate: Certificate,
  { eras, scheme }: { readonly eras: Eras; readonly scheme: Secp256k1 },
): Result<Digest, CertifiedFault> {
  const { round, configDigest } = certificate.header;
  const place = Math.max(
    0,
    eras.findLastIndex(({ fromRound }) => fromRound <= round),
  );
  const [before, { network, fromRound }] = [eras[place - 1], eras[place] ?? eras[0]];
  const { committee, domain } = network;
  if (configDigest !== network.configDigest) {
    return fail({ code: "config", expected: network.configDigest, found: configDigest });
  }
  const verifyBoth = (first: Era) =>
    verifyTransitionCertificate(certificate, { from: first.network.committee, to: committee, domain, scheme });
  if (before !== undefined && round === fromRound) return verifyBoth(before);
  const alone = verifyCertificate(certificate, { committee, domain, scheme });
  if (alone.ok || before === undefined || alone.error.code === "signature") return alone;
  const both = verifyBoth(before);
  return both.ok ? both : alone;
}
