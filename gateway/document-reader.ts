import type { Digest } from "../protocol/bytes.ts";
import type { GovernanceConfig, Network, NetworkConfig } from "../protocol/config.ts";
import type { GovernanceDocument } from "../protocol/governance.ts";
import { decodeSignedDocument } from "../protocol/governance-codec.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import type { Transition } from "../protocol/transition.ts";

/** Documents kept decoded: each costs a signature check for every approval, and never changes. */
const MAX_DECODED = 128;

export type DocumentReader = (document: {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}) => GovernanceDocument | undefined;

/**
 * What a stored document says. Its signers are keyholders of the config in force or, for a document of the past, of an earlier one;
 * undefined when they are of none.
 */
export function createDocumentReader({
  network,
  genesis,
  transitions,
  scheme,
}: {
  readonly network: () => Network;
  readonly genesis: NetworkConfig;
  readonly transitions: () => readonly Transition[];
  readonly scheme: Secp256k1;
}): DocumentReader {
  const decoded = new Map<Digest, GovernanceDocument>();
  const governances = (): readonly GovernanceConfig[] => {
    const past = transitions().map(({ config }) => config.governance);
    return [network().config.governance, ...past.reverse(), genesis.governance];
  };
  return ({ digest, bytes }) => {
    const known = decoded.get(digest);
    if (known !== undefined) return known;
    for (const governance of governances()) {
      const opened = decodeSignedDocument(bytes, { governance, domain: network().domain, scheme });
      if (!opened.ok) continue;
      const [oldest] = decoded.keys();
      if (decoded.size >= MAX_DECODED && oldest !== undefined) decoded.delete(oldest);
      decoded.set(digest, opened.value.document);
      return opened.value.document;
    }
    return undefined;
  };
}
