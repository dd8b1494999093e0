import type { PeerId } from "@libp2p/interface";
import type { Address } from "../../protocol/bytes.ts";
import { addressOfPublicKey } from "../../protocol/secp256k1.ts";

/** The Ethereum address of a peer's key; undefined for every kind of key but secp256k1, which no member has. */
export function addressOfPeer(peer: PeerId): Address | undefined {
  if (peer.type !== "secp256k1") return undefined;
  return addressOfPublicKey(peer.publicKey.raw);
}
