import { type Address, type Digest, fromHex, type Hex, toHex } from "./bytes.ts";
import { createReader, createWriter } from "./codec.ts";
import { type Committee, memberIndex } from "./committee.ts";
import { type Domain, type RoundHeader, roundDigest } from "./eip712.ts";
import { MAX_MEMBERS, readHeader, writeHeader } from "./proposal.ts";
import { fail, ok, type Result } from "./result.ts";
import { type Secp256k1, SIGNATURE_BYTES } from "./secp256k1.ts";

export type RoundSignature = { readonly signer: Address; readonly signature: Hex };

/**
 * A header and exactly q signatures of it, one per member, in committee order. Its identity is the header's digest: two subsets of
 * signers are the same certificate.
 */
export type Certificate = { readonly header: RoundHeader; readonly signatures: readonly RoundSignature[] };

export function encodeCertificate({ header, signatures }: Certificate): Uint8Array {
  const writer = createWriter();
  writeHeader(writer, header);
  writer.u8(signatures.length);
  for (const { signer, signature } of signatures) {
    writer.bytes(fromHex(signer));
    writer.bytes(fromHex(signature));
  }
  return writer.finish();
}

/** Only the canonical form decodes; whether signers are members and signatures theirs is {@link verifyCertificate}'s rule. */
export function decodeCertificate(bytes: Uint8Array): Result<Certificate, string> {
  const reader = createReader(bytes);
  const header = readHeader(reader);
  const count = reader.u8();
  if (count > MAX_MEMBERS) reader.refuse(`expected at most ${MAX_MEMBERS} signatures`);
  const signatures: RoundSignature[] = [];
  while (signatures.length < count && reader.fault() === undefined) {
    signatures.push({ signer: toHex(reader.bytes(20)), signature: toHex(reader.bytes(SIGNATURE_BYTES)) });
  }
  if (signatures.some(({ signer }, index) => signer <= (signatures[index - 1]?.signer ?? ""))) {
    reader.refuse("signers not in ascending order");
  }
  const fault = reader.end();
  return fault === undefined ? ok({ header, signatures }) : fail(fault);
}

/** What is wrong with a certificate: the part, in the order in which the parts are checked. */
export type CertificateFault =
  | { readonly code: "count"; readonly expected: number; readonly found: number }
  | { readonly code: "signer"; readonly index: number; readonly signer: Address }
  | { readonly code: "order"; readonly index: number }
  /** Every index whose signature does not recover to its signer: all of them means the header was changed. */
  | { readonly code: "signature"; readonly indices: readonly number[] };

/** P2: exactly q signatures by distinct members in ascending order, all over this header. Gives the header's digest. */
export function verifyCertificate(
  certificate: Certificate,
  { committee, domain, scheme }: { readonly committee: Committee; readonly domain: Domain; readonly scheme: Secp256k1 },
): Result<Digest, CertificateFault> {
  const { header, signatures } = certificate;
  if (signatures.length !== committee.quorum) {
    return fail({ code: "count", expected: committee.quorum, found: signatures.length });
  }
  let previous = -1;
  for (const [index, { signer }] of signatures.entries()) {
    const position = memberIndex(committee, signer);
    if (position < 0) return fail({ code: "signer", index, signer });
    if (position <= previous) return fail({ code: "order", index });
    previous = position;
  }
  const digest = roundDigest(domain, header);
  const hash = fromHex(digest);
  const indices = signatures.flatMap(({ signer, signature }, index) =>
    scheme.recover(hash, signature) === signer ? [] : [index],
  );
  return indices.length === 0 ? ok(digest) : fail({ code: "signature", indices });
}
