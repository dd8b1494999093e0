import type { Address, Digest, Hex } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
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

/**
 * The certificate of this header if q members signed it: exactly q, the first of them in committee order, so that the same
 * signatures give the same bytes. Any node can do this; the leader also publishes it.
 */
export function assembleCertificate(
  pool: Pool<SignedHeader>,
  { header, digest }: { readonly header: RoundHeader; readonly digest: Digest },
  { members, quorum }: Committee,
): Certificate | undefined {
  const entries = pool.of(header.round).filter((entry) => entry.digest === digest);
  if (entries.length < quorum) return undefined;
  const signatures = members.flatMap(({ address }) => {
    const entry = entries.find(({ signer }) => signer === address);
    return entry === undefined ? [] : [{ signer: address, signature: entry.value.signature }];
  });
  return { header, signatures: signatures.slice(0, quorum) };
}
