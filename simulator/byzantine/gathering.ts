import { decodeSignatureMessage } from "../../node/wire.ts";
import { type Address, type Digest, fromHex, type Hex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { AdversaryView } from "../cluster/adversary.ts";

/** Headers whose signatures are kept, the oldest forgotten first. */
const KEPT_HEADERS = 8;

/** The signatures of one header, those that were heard and those that were held back. */
export type Gathered = {
  readonly header: RoundHeader;
  readonly digest: Digest;
  readonly signatures: Map<Address, Hex>;
};

/** Collects signatures by header, for certificates that others cannot make or did not. */
export type Gathering = {
  /** A signature message's bytes; gives what its header has by now, undefined for what does not verify. */
  readonly note: (bytes: Uint8Array) => Gathered | undefined;
  readonly all: () => readonly Gathered[];
};

export function createGathering({ network, scheme }: AdversaryView): Gathering {
  const known = new Map<Digest, Gathered>();
  return {
    note: (bytes) => {
      const decoded = decodeSignatureMessage(bytes);
      if (!decoded.ok || decoded.value.header.configDigest !== network.configDigest) return undefined;
      const { header, signature } = decoded.value;
      const digest = roundDigest(network.domain, header);
      const signer = scheme.recover(fromHex(digest), signature);
      if (signer === undefined) return undefined;
      const gathered = known.get(digest) ?? { header, digest, signatures: new Map() };
      gathered.signatures.set(signer, signature);
      known.set(digest, gathered);
      for (const oldest of known.keys()) {
        if (known.size <= KEPT_HEADERS) break;
        known.delete(oldest);
      }
      return gathered;
    },
    all: () => [...known.values()],
  };
}

/** q of these signatures in committee order, the first or the last; undefined when they are fewer. */
export function certificateOf(
  { network }: AdversaryView,
  { header, signatures }: Pick<Gathered, "header" | "signatures">,
  which: "first" | "last" = "first",
): Certificate | undefined {
  const { members, quorum } = network.committee;
  const signed = members.flatMap(({ address: signer }) => {
    const signature = signatures.get(signer);
    return signature === undefined ? [] : [{ signer, signature }];
  });
  if (signed.length < quorum) return undefined;
  return { header, signatures: which === "first" ? signed.slice(0, quorum) : signed.slice(-quorum) };
}
