import { probePeer } from "../../node/io/peer-probe.ts";
import type { NodeConfig } from "../../node/node-config.ts";
import type { Address } from "../../protocol/bytes.ts";
import type { Committee } from "../../protocol/committee.ts";
import type { PeerOutcome } from "./judge-peers.ts";

const TIMEOUT_MS = 5_000;

/** Every member but this node: whose key answers where node.yaml says it listens. */
export function probePeers(
  { peers }: NodeConfig,
  { members }: Committee,
  self: Address | undefined,
): Promise<readonly PeerOutcome[]> {
  return Promise.all(
    members
      .filter(({ address }) => address !== self)
      .map(async ({ name, address }) => {
        const multiaddr = peers.find((peer) => peer.address === address)?.multiaddr;
        if (multiaddr === undefined) return { name, address, answer: undefined };
        return { name, address, multiaddr, answer: await probePeer(multiaddr, { timeoutMs: TIMEOUT_MS }) };
      }),
  );
}
