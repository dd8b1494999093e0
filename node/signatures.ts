import type { Address, Digest, Hex } from "../protocol/bytes.ts";
import type { Certificate, RoundSignature } from "../protocol/certificate.ts";
import type { Committee } from "../protocol/committee.ts";
import type { RoundHeader } from "../protocol/eip712.ts";
import type { Pool } from "./pool.ts";

/** A header that one member signed, the signature verified. */
export type SignedHeader = {
  readonly header: RoundHeader;
  readonly digest: Digest;
  readonly signer: Address;
  readonly signature: Hex;
};

/** Everybody's signature of this header, in order of arrival. */
export function signaturesOf(
  pool: Pool<SignedHeader>,
  { header, digest }: { readonly header: RoundHeader; readonly digest: Digest },
): readonly RoundSignature[] {
  const entries = pool.of(header.round).filter((entry) => entry.digest === digest);
  return entries.map(({ signer, value: { signature } }) => ({ signer, signature }));
}

/**
 * The certificate of this header if q members signed it: exactly q, the first of them in committee order, so that the same
 * signatures give the same bytes. Any node can do this; the leader also publishes it.
 */
export function assembleCertificate(
  pool: Pool<SignedHeader>,
  signed: { readonly header: RoundHeader; readonly digest: Digest },
  { members, quorum }: Committee,
): Certificate | undefined {
  const entries = signaturesOf(pool, signed);
  const signatures = members.flatMap(({ address }) => entries.find(({ signer }) => signer === address) ?? []);
  return signatures.length < quorum ? undefined : { header: signed.header, signatures: signatures.slice(0, quorum) };
}
