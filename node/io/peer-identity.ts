import type { PeerId } from "@libp2p/interface";
import type { Address } from "../../protocol/bytes.ts";
import { addressOfPublicKey } from "../../protocol/secp256k1.ts";

/** Strangers' ids fall out again; a committee is far smaller. */
const MAX_KNOWN = 1_024;

/** The Ethereum address of a peer's key; undefined for every kind of key but secp256k1, which no member has. */
export function addressOfPeer(peer: PeerId): Address | undefined {
  if (peer.type !== "secp256k1") return undefined;
  return addressOfPublicKey(peer.publicKey.raw);
}

/** {@link addressOfPeer} for a path that every message takes: decompressing a key costs more than a signature check. */
export function rememberAddresses(): typeof addressOfPeer {
  const known = new Map<string, Address | undefined>();
  return (peer) => {
    const id = peer.toString();
    if (known.has(id)) return known.get(id);
    const address = addressOfPeer(peer);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(id, address);
    return address;
  };
}
