import type { PeerId } from "@libp2p/interface";
import type { Address } from "../../protocol/bytes.ts";
import { addressOfPublicKey } from "../../protocol/secp256k1.ts";

/** Strangers' ids fall out again; a committee is far smaller. */
const MAX_KNOWN = 1_024;

/** Decompressing a key costs more than a signature check, and every message asks whose it is. */
const known = new Map<string, Address>();

/** The Ethereum address of a peer's key; undefined for every kind of key but secp256k1, which no member has. */
export function addressOfPeer(peer: PeerId): Address | undefined {
  if (peer.type !== "secp256k1") return undefined;
  const id = peer.toString();
  const found = known.get(id);
  if (found !== undefined) return found;
  const address = addressOfPublicKey(peer.publicKey.raw);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(id, address);
  return address;
}
