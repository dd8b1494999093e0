import { type Digest, fromHex, type Hex, toHex } from "../protocol/bytes.ts";
import { type Certificate, decodeCertificate, encodeCertificate } from "../protocol/certificate.ts";
import { createReader, createWriter, ended, readFlag, readSized } from "../protocol/codec.ts";
import type { RoundHeader } from "../protocol/eip712.ts";
import { MAX_DOCUMENT_BYTES } from "../protocol/governance-codec.ts";
import { MAX_OBSERVATION_BYTES } from "../protocol/observation.ts";
import { encodeSignedProposal, readHeader, type SignedProposal, writeHeader } from "../protocol/proposal.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import { MAX_BODY_BYTES } from "../protocol/round-codec.ts";
import { SIGNATURE_BYTES } from "../protocol/secp256k1.ts";
import {
  decodeSealedTransition,
  encodeSealedTransition,
  encodeTransition,
  MAX_TRANSITION_BYTES,
  type SealedTransition,
  type Transition,
} from "../protocol/transition.ts";
import type { Topic, Want } from "./machine.ts";

/** A header and 128 signatures. */
const MAX_CERTIFICATE_BYTES = 11 * 1024;
/** A longer message is refused from its length alone. */
export const MAX_TOPIC_BYTES = {
  observation: MAX_OBSERVATION_BYTES,
  proposal: 16 * 1024,
  signature: 512,
  certificate: MAX_CERTIFICATE_BYTES,
} as const satisfies Record<Topic, number>;

/** The same for the answers to fetches. */
export const MAX_ANSWER_BYTES = {
  observation: MAX_OBSERVATION_BYTES,
  certificate: MAX_CERTIFICATE_BYTES,
  body: MAX_BODY_BYTES,
  document: MAX_DOCUMENT_BYTES,
  transition: 1 + 32 + MAX_TRANSITION_BYTES,
} as const satisfies Record<Want["kind"], number>;

const HELLO_VERSION = 1;
export const HELLO_BYTES = 1 + 8 + 8 + 32 + 1;
const WANT_KINDS = ["observation", "certificate", "body", "document", "transition"] as const satisfies readonly Want["kind"][];
/** Bytes of the longest request. */
export const MAX_REQUEST_BYTES = 33;

/** One node's signature of one header; verifiable alone. */
export type SignatureMessage = { readonly header: RoundHeader; readonly signature: Hex };

export function encodeSignatureMessage({ header, signature }: SignatureMessage): Uint8Array {
  const writer = createWriter();
  writeHeader(writer, header);
  writer.bytes(fromHex(signature));
  return writer.finish();
}

export function decodeSignatureMessage(bytes: Uint8Array): Result<SignatureMessage, string> {
  const reader = createReader(bytes);
  const message = { header: readHeader(reader), signature: toHex(reader.bytes(SIGNATURE_BYTES)) };
  return ended(reader, message);
}

/** A signed proposal and, unless the chain begins with it, its parent's certificate. */
export function encodeProposalMessage(signed: SignedProposal, certificate: Certificate | undefined): Uint8Array {
  const proposal = encodeSignedProposal(signed);
  const writer = createWriter();
  writer.u16(proposal.length);
  writer.bytes(proposal);
  if (certificate !== undefined) writer.bytes(encodeCertificate(certificate));
  return writer.finish();
}

/** The parts, the proposal still to be opened: its signature is checked after cheaper things. */
export function splitProposalMessage(
  bytes: Uint8Array,
): Result<{ readonly proposal: Uint8Array; readonly certificate: Certificate | undefined }, string> {
  const reader = createReader(bytes);
  const proposal = readSized(reader, reader.u16(), MAX_TOPIC_BYTES.proposal);
  const fault = reader.fault();
  if (fault !== undefined) return fail(fault);
  if (reader.remaining() === 0) return ok({ proposal, certificate: undefined });
  const certificate = decodeCertificate(bytes.subarray(bytes.length - reader.remaining()));
  return certificate.ok ? ok({ proposal, certificate: certificate.value }) : certificate;
}

/** Before a transition's own version, which is never 0. */
const LEADS_FROM = 0;

/**
 * A transition as it goes from node to node: before it the digest of the config that it leads from, for whoever has to go there first.
 * A store alone does not know it: then it is left out.
 */
export type TransitionAnswer<T extends Transition | SealedTransition> = {
  readonly from: Digest | undefined;
  readonly transition: T;
};

export function encodeTransitionAnswer({ from, transition }: TransitionAnswer<Transition | SealedTransition>): Uint8Array {
  const writer = createWriter();
  if (from !== undefined) {
    writer.u8(LEADS_FROM);
    writer.bytes(fromHex(from));
  }
  writer.bytes("json" in transition ? encodeSealedTransition(transition) : encodeTransition(transition));
  return writer.finish();
}

/** The config inside stays sealed: anybody can write one, and only its certificate says whether it is worth parsing. */
export function decodeTransitionAnswer(bytes: Uint8Array): Result<TransitionAnswer<SealedTransition>, string> {
  if (bytes.length > MAX_ANSWER_BYTES.transition) return fail(`expected at most ${MAX_ANSWER_BYTES.transition} bytes`);
  const reader = createReader(bytes);
  const from = bytes[0] === LEADS_FROM && reader.u8() === LEADS_FROM ? toHex(reader.bytes(32)) : undefined;
  const fault = reader.fault();
  if (fault !== undefined) return fail(fault);
  const transition = decodeSealedTransition(bytes.subarray(bytes.length - reader.remaining()));
  return transition.ok ? ok({ from, transition: transition.value }) : transition;
}

/** What a node says of itself when greeted; unsigned, so it counts only over the peer's authenticated stream. */
export type Hello = {
  /** Unix ms of its clock. */
  readonly clock: number;
  readonly head: { readonly round: number; readonly digest: Digest };
  /** Whether it is still in its start-up quarantine. */
  readonly quarantine: boolean;
};

export function encodeHello({ clock, head, quarantine }: Hello): Uint8Array {
  const writer = createWriter();
  writer.u8(HELLO_VERSION);
  writer.u64(clock);
  writer.u64(head.round);
  writer.bytes(fromHex(head.digest));
  writer.u8(quarantine ? 1 : 0);
  return writer.finish();
}

export function decodeHello(bytes: Uint8Array): Result<Hello, string> {
  const reader = createReader(bytes);
  if (reader.u8() !== HELLO_VERSION) reader.refuse(`expected hello version ${HELLO_VERSION}`);
  const hello = {
    clock: reader.u64(),
    head: { round: reader.u64(), digest: toHex(reader.bytes(32)) },
    quarantine: readFlag(reader),
  };
  return ended(reader, hello);
}

/** What one node may ask another for over a stream of its own. An empty answer says "I do not have it". */
export type Request = { readonly kind: "hello" } | Want;

export function encodeRequest(request: Request): Uint8Array {
  const writer = createWriter();
  writer.u8(request.kind === "hello" ? 0 : 1 + WANT_KINDS.indexOf(request.kind));
  if (request.kind !== "hello") writer.bytes(fromHex(request.digest));
  return writer.finish();
}

export function decodeRequest(bytes: Uint8Array): Result<Request, string> {
  const reader = createReader(bytes);
  const tag = reader.u8();
  if (tag === 0) return ended(reader, { kind: "hello" });
  const kind = WANT_KINDS[tag - 1];
  if (kind === undefined) return fail(`expected a request of kind 0 to ${WANT_KINDS.length}, found ${tag}`);
  return ended(reader, { kind, digest: toHex(reader.bytes(32)) });
}
