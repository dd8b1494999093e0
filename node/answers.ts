import type { Address, Digest } from "../protocol/bytes.ts";
import { decodeCertificate } from "../protocol/certificate.ts";
import { memberIndex } from "../protocol/committee.ts";
import { roundDigest } from "../protocol/eip712.ts";
import { decodeSignedObservation } from "../protocol/observation.ts";
import { decodeRoundBody } from "../protocol/round-codec.ts";
import { takeDocument } from "./carrying.ts";
import { checkAfter, checkCertificate } from "./certifying.ts";
import { askOrder, type Desk, report } from "./desk.ts";
import { adopt, FOLLOW_MS, learnCertificate } from "./following.ts";
import { WINDOW_ROUNDS } from "./gossip-judge.ts";
import { keepMessage } from "./keeping.ts";
import type { Want } from "./machine.ts";
import { noticeConfig, takeTransition } from "./transitions.ts";

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
  document: takeDocument,
  transition: takeTransition,
} satisfies Record<Want["kind"], Taker>;

function takeObservation(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const decoded = decodeSignedObservation(bytes, desk.network.domain, desk.scheme);
  if (!decoded.ok) return decoded.error;
  const signed = decoded.value;
  if (signed.digest !== digest) return "another observation";
  const { committee } = desk.networks.find(signed.observation.configDigest) ?? desk.network;
  if (memberIndex(committee, signed.signer) < 0) return "not a member's observation";
  if (Math.abs(signed.observation.round - desk.round) > WINDOW_ROUNDS) return "an observation of another time";
  // A proposal names it, so it is kept past the bound per sender; an equivocation shows here as well.
  desk.named.set(digest, signed);
  keepMessage(desk, { topic: "observation", signed }, from);
  return undefined;
}

/**
 * Under a config of this moment, or a step of the walk back from the head: nobody is followed under a config whose time is over. One
 * that is not known yet says where this node may be behind.
 */
function takeCertificate(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const decoded = decodeCertificate(bytes);
  if (!decoded.ok) return decoded.error;
  const { header } = decoded.value;
  if (roundDigest(desk.networks.genesis.domain, header) !== digest) return "another certificate";
  const isCurrent = desk.current.some(({ configDigest }) => configDigest === header.configDigest);
  const checked = isCurrent || desk.chain.missing() === digest ? checkCertificate(desk, decoded.value) : undefined;
  if (checked?.ok === true) {
    learnCertificate(desk, { certificate: decoded.value, digest }, [from]);
    return undefined;
  }
  if (checked !== undefined && checked.error !== "unknown-config") return `certificate: ${checked.error}`;
  noticeConfig(desk, header.configDigest, from);
  return undefined;
}

/** What a body's own parent says of its certificate is final: the first round under a config takes both committees. */
function takeBody(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const certificate = desk.rounds.certificate(digest);
  const network = certificate === undefined ? undefined : desk.networks.find(certificate.header.configDigest);
  if (certificate === undefined || network === undefined || desk.rounds.held(digest) !== undefined) return undefined;
  const body = decodeRoundBody(bytes);
  if (!body.ok) return body.error;
  if (body.value.round !== certificate.header.round) return "another round's body";
  const recomputed = desk.fold.recomputeBody(network, body.value, desk.scheme);
  if (!recomputed.ok) return recomputed.error;
  const { parent, round, observations, documents, ...computed } = recomputed.value;
  if (computed.digest !== digest) return "recomputes to another header";
  const computation = { opened: { parent, round, observations, documents }, computed };
  if (checkAfter(desk, certificate, parent?.header.configDigest ?? network.configDigest).ok) {
    adopt(desk, certificate, computation);
  } else {
    desk.rounds.keepSigned(computation);
    desk.rounds.forget(digest);
    desk.fetching.need({ kind: "certificate", digest }, askOrder(desk, [from]), desk.now + FOLLOW_MS);
  }
  return undefined;
}
