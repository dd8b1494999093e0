import type { Address, Digest } from "../protocol/bytes.ts";
import { decodeCertificate, verifyCertificate } from "../protocol/certificate.ts";
import { memberIndex } from "../protocol/committee.ts";
import { decodeSignedObservation } from "../protocol/observation.ts";
import { type Desk, report } from "./desk.ts";
import { adopt, learnCertificate } from "./following.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";
import { keepMessage } from "./keeping.ts";
import type { Want } from "./machine.ts";
import { decodeRoundBody } from "./wire.ts";

/** An answer to a fetch: only what was asked for, from whom it was asked, and nothing of it is trusted. */
export function takeFetched(desk: Desk, want: Want, from: Address, bytes: Uint8Array): void {
  if (!desk.fetching.isAsked(want, from)) return;
  const fault = TAKERS[want.kind](desk, want.digest, bytes, from);
  if (fault === undefined) {
    desk.fetching.drop(want);
  } else {
    desk.fetching.bad(want, from);
    report(desk, "bad-answer", { what: want.kind, digest: want.digest, from, fault });
  }
}

type Taker = (desk: Desk, digest: Digest, bytes: Uint8Array, from: Address) => string | undefined;

const TAKERS = {
  observation: takeObservation,
  certificate: takeCertificate,
  body: takeBody,
} satisfies Record<Want["kind"], Taker>;

function takeObservation(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const decoded = decodeSignedObservation(bytes, desk.network.domain, desk.scheme);
  if (!decoded.ok) return decoded.error;
  const signed = decoded.value;
  if (signed.digest !== digest) return "another observation";
  if (memberIndex(desk.network.committee, signed.signer) < 0) return "not a member's observation";
  if (Math.abs(signed.observation.round - desk.round) > WINDOW_ROUNDS) return "an observation of another time";
  // A proposal names it, so it is kept past the bound per sender; an equivocation shows here as well.
  desk.named.set(digest, signed);
  keepMessage(desk, { topic: "observation", signed }, from);
  return undefined;
}

function takeCertificate(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const decoded = decodeCertificate(bytes);
  if (!decoded.ok) return decoded.error;
  const { committee, domain } = desk.network;
  const verified = verifyCertificate(decoded.value, { committee, domain, scheme: desk.scheme });
  if (!verified.ok) return `certificate: ${verified.error.code}`;
  if (verified.value !== digest) return "another certificate";
  learnCertificate(desk, { certificate: decoded.value, digest }, [from]);
  return undefined;
}

function takeBody(desk: Desk, digest: Digest, bytes: Uint8Array): string | undefined {
  const certificate = desk.rounds.certificate(digest);
  if (certificate === undefined || desk.rounds.held(digest) !== undefined) return undefined;
  const body = decodeRoundBody(bytes);
  if (!body.ok) return body.error;
  if (body.value.round !== certificate.header.round) return "another round's body";
  const recomputed = desk.fold.recomputeBody(desk.network, body.value, desk.scheme);
  if (!recomputed.ok) return recomputed.error;
  const { parent, round, observations, documents, ...computed } = recomputed.value;
  if (computed.digest !== digest) return "recomputes to another header";
  adopt(desk, certificate, { opened: { parent, round, observations, documents }, computed });
  return undefined;
}
