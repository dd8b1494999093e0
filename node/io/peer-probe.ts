import { generateKeyPair } from "@libp2p/crypto/keys";
import type { PeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import type { Address } from "../../protocol/bytes.ts";
import { reasonOf } from "./operational-error.ts";
import { addressOfPeer } from "./peer-identity.ts";

/** `address` is undefined when the key that answers is of a kind that no member has. */
export type PeerProof =
  | { readonly ok: true; readonly address: Address | undefined }
  | { readonly ok: false; readonly reason: string };

/**
 * Whose key answers at an address: the Noise handshake proves it to whoever asks, before the other side learns that this is no member and
 * hangs up. Asked under a key made for the question, so that a node that runs with the operator's own is not disturbed.
 */
export async function probePeer(address: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<PeerProof> {
  let proved: PeerId | undefined;
  const node = await createLibp2p({
    privateKey: await generateKeyPair("secp256k1"),
    transports: [tcp({ dialOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyOutboundEncryptedConnection: (peer: PeerId) => {
        proved = peer;
        return true;
      },
    },
  });
  try {
    await node.dial(multiaddr(address), { signal: AbortSignal.timeout(timeoutMs) });
    return { ok: false, reason: "no handshake" };
  } catch (error) {
    return proved === undefined ? { ok: false, reason: dialFault(error) } : { ok: true, address: addressOfPeer(proved) };
  } finally {
    await node.stop();
  }
}

/** libp2p wraps what the system said. */
function dialFault(error: unknown): string {
  const reasons = [
    error,
    error instanceof Error ? error.cause : undefined,
    ...(error instanceof AggregateError ? error.errors : []),
  ];
  const text = reasons.map(reasonOf).join(" ");
  const code = /\bE[A-Z]{4,}\b/.exec(text)?.[0];
  if (code === "ECONNREFUSED") return "nothing listens there (ECONNREFUSED)";
  if (code !== undefined) return code;
  return /abort|timed? ?out/i.test(text) ? "no answer in time" : (reasonOf(error).split("\n", 1)[0] ?? "no connection");
}
