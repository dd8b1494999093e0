import { type Address, type Digest, fromHex, type Hex, keccakHex, toHex } from "./bytes.ts";
import { createReader, createWriter, type Reader, type Writer } from "./codec.ts";
import { type Domain, proposalDigest, type RoundHeader } from "./eip712.ts";
import { fail, ok, type Result } from "./result.ts";
import { type Secp256k1, SIGNATURE_BYTES } from "./secp256k1.ts";

export const PROPOSAL_VERSION = 1;
/** No committee is larger; one byte counts its members. */
export const MAX_MEMBERS = 128;

/** The leader's round: its header and the observations it stands on, by digest in committee order. */
export type Proposal = { readonly header: RoundHeader; readonly observations: readonly Digest[] };

export type SignedProposal = {
  readonly proposal: Proposal;
  readonly digest: Digest;
  readonly signer: Address;
  readonly signature: Hex;
};

export function encodeProposal(proposal: Proposal): Uint8Array {
  const writer = createWriter();
  writer.u8(PROPOSAL_VERSION);
  writeHeader(writer, proposal.header);
  writer.u8(proposal.observations.length);
  for (const digest of proposal.observations) writer.bytes(fromHex(digest));
  return writer.finish();
}

export function decodeProposal(bytes: Uint8Array): Result<Proposal, string> {
  const reader = createReader(bytes);
  if (reader.u8() !== PROPOSAL_VERSION) reader.refuse(`expected proposal version ${PROPOSAL_VERSION}`);
  const header = readHeader(reader);
  const count = reader.u8();
  if (count > MAX_MEMBERS) reader.refuse(`expected at most ${MAX_MEMBERS} observations`);
  const observations: Digest[] = [];
  while (observations.length < count && reader.fault() === undefined) observations.push(toHex(reader.bytes(32)));
  if (new Set(observations).size !== observations.length) reader.refuse("an observation named twice");
  const fault = reader.end();
  return fault === undefined ? ok({ header, observations }) : fail(fault);
}

export function signProposal(
  proposal: Proposal,
  domain: Domain,
  key: { readonly scheme: Secp256k1; readonly privateKey: Uint8Array; readonly address: Address },
): SignedProposal {
  const digest = digestOf(proposal, encodeProposal(proposal), domain);
  return { proposal, digest, signer: key.address, signature: key.scheme.sign(fromHex(digest), key.privateKey) };
}

/** Canonical bytes followed by the 65-byte signature. */
export function encodeSignedProposal(signed: SignedProposal): Uint8Array {
  const writer = createWriter();
  writer.bytes(encodeProposal(signed.proposal));
  writer.bytes(fromHex(signed.signature));
  return writer.finish();
}

/** Decodes and recovers the signer; whether that is the round's leader is the caller's rule. */
export function decodeSignedProposal(bytes: Uint8Array, domain: Domain, scheme: Secp256k1): Result<SignedProposal, string> {
  const split = bytes.length - SIGNATURE_BYTES;
  if (split < 0) return fail("shorter than a signature");
  const contents = bytes.subarray(0, split);
  const decoded = decodeProposal(contents);
  if (!decoded.ok) return decoded;
  const digest = digestOf(decoded.value, contents, domain);
  const signature = toHex(bytes.subarray(split));
  const signer = scheme.recover(fromHex(digest), signature);
  return signer === undefined ? fail("bad signature") : ok({ proposal: decoded.value, digest, signer, signature });
}

export function writeHeader(writer: Writer, header: RoundHeader): void {
  writer.u64(header.round);
  writer.u64(header.timestamp);
  writer.u64(header.validUntil);
  writer.bytes(fromHex(header.parent));
  writer.bytes(fromHex(header.reportsRoot));
  writer.bytes(fromHex(header.stateRoot));
  writer.bytes(fromHex(header.inputsRoot));
  writer.bytes(fromHex(header.configDigest));
}

export function readHeader(reader: Reader): RoundHeader {
  return {
    round: reader.u64(),
    timestamp: reader.u64(),
    validUntil: reader.u64(),
    parent: toHex(reader.bytes(32)),
    reportsRoot: toHex(reader.bytes(32)),
    stateRoot: toHex(reader.bytes(32)),
    inputsRoot: toHex(reader.bytes(32)),
    configDigest: toHex(reader.bytes(32)),
  };
}

function digestOf(proposal: Proposal, contents: Uint8Array, domain: Domain): Digest {
  const { round, configDigest } = proposal.header;
  return proposalDigest(domain, { round, configDigest, contents: keccakHex(contents) });
}
