import type { Connection, Libp2p } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { backoffMs } from "../../adapters/backoff.ts";
import type { Address } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import type { Concerns } from "./concerns.ts";
import { reasonOf } from "./operational-error.ts";
import { addressOfPeer } from "./peer-identity.ts";
import { GOSSIP_PROTOCOL } from "./transport-gossip.ts";
import type { Peer, TransportLog, TransportMetrics } from "./transport-types.ts";

const DIAL_TIMEOUT_MS = 5_000;
const BACKOFF = { baseMs: 250, capMs: 5_000 } as const;
/** The lower address dials; the higher one waits this long for it, so that two nodes rarely dial each other at once. */
const PATIENCE_MS = 1_500;
/** A link that lasted this long owes nothing to the failures before it. */
const STABLE_MS = 10_000;
/** Gossipsub does not open a new stream on a live connection whose stream broke; a link without one for so many looks is renewed. */
const LOOK_MS = 1_000;
const LOOKS_WITHOUT_GOSSIP = 5;

export type Links = {
  readonly connectionTo: (address: Address) => Connection | undefined;
  readonly connected: () => readonly Address[];
  /** Who may connect has changed. */
  readonly review: () => void;
  readonly stop: () => void;
};

type Link = {
  readonly peer: Peer;
  failures: number;
  upAt: number | undefined;
  timer: NodeJS.Timeout | undefined;
  dialing: boolean;
};

/** Keeps a connection to every configured peer that is a member: dials with back-off and jitter, one dial a member at a time, for ever. */
export function keepLinks(options: {
  readonly node: Libp2p;
  readonly self: Address;
  readonly peers: readonly Peer[];
  readonly isMember: (address: Address) => boolean;
  readonly log: Pick<TransportLog, "info">;
  readonly concerns: Concerns;
  readonly metrics: TransportMetrics;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly random: () => number;
}): Links {
  const { node, self, isMember, log, concerns, metrics, now, random } = options;
  const links = new Map<Address, Link>();
  let stopped = false;

  const openTo = (address: Address) =>
    node
      .getConnections()
      .filter((connection) => connection.status === "open" && addressOfPeer(connection.remotePeer) === address);

  const schedule = (link: Link): void => {
    clearTimeout(link.timer);
    if (stopped || !isMember(link.peer.address)) return;
    const patience = compareText(self, link.peer.address) < 0 ? 0 : PATIENCE_MS;
    const delay =
      link.failures === 0 ? patience + random() * BACKOFF.baseMs : backoffMs({ ...BACKOFF, failures: link.failures }, random());
    link.timer = setTimeout(() => void attempt(link), delay);
  };

  const attempt = async (link: Link): Promise<void> => {
    const { address } = link.peer;
    if (stopped || link.dialing || !isMember(address) || openTo(address).length > 0) return;
    link.dialing = true;
    try {
      const connection = await node.dial(multiaddr(link.peer.multiaddr), { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) });
      const found = addressOfPeer(connection.remotePeer);
      if (found !== address) {
        metrics.onRefused();
        connection.abort(new Error("another member than expected"));
        throw new Error(`${found} answers there: correct its multiaddr in node.yaml`);
      }
    } catch (error) {
      link.failures += 1;
      const what = `no connection to ${address} at ${link.peer.multiaddr}: ${reasonOf(error)}`;
      if (!stopped) concerns.warn("no-connection", what, { ...link.peer }, address);
    } finally {
      link.dialing = false;
      if (openTo(address).length === 0) schedule(link);
    }
  };

  const onUp = (address: Address | undefined): void => {
    if (address === undefined) return;
    metrics.onLink({ address, up: true });
    concerns.clear("no-connection", address);
    log.info({ address }, `connected to ${address}`);
    const link = links.get(address);
    if (link !== undefined) link.upAt = now();
  };

  const onDown = (address: Address | undefined): void => {
    if (address === undefined || stopped) return;
    metrics.onLink({ address, up: false });
    log.info({ address }, `connection to ${address} ended`);
    const link = links.get(address);
    if (link === undefined) return;
    const lasted = link.upAt === undefined ? 0 : now() - link.upAt;
    link.failures = lasted >= STABLE_MS ? 0 : link.failures + 1;
    link.upAt = undefined;
    schedule(link);
  };

  node.addEventListener("peer:connect", ({ detail }) => onUp(addressOfPeer(detail)));
  node.addEventListener("peer:disconnect", ({ detail }) => onDown(addressOfPeer(detail)));
  for (const peer of options.peers) {
    if (peer.address === self) continue;
    const link: Link = { peer, failures: 0, upAt: undefined, timer: undefined, dialing: false };
    links.set(peer.address, link);
    schedule(link);
  }
  const watch = setInterval(renewMute(node), LOOK_MS);

  return {
    connectionTo: (address) => openTo(address)[0],
    connected: () => connectedMembers(node),
    review: () => {
      for (const connection of node.getConnections()) {
        const address = addressOfPeer(connection.remotePeer);
        if (address === undefined || !isMember(address)) connection.abort(new Error("no member any more"));
      }
      for (const link of links.values()) if (!link.dialing && openTo(link.peer.address).length === 0) schedule(link);
    },
    stop: () => {
      stopped = true;
      clearInterval(watch);
      for (const { timer } of links.values()) clearTimeout(timer);
    },
  };
}

function connectedMembers(node: Libp2p): readonly Address[] {
  const open = node.getConnections().filter(({ status }) => status === "open");
  const addresses = open.flatMap(({ remotePeer }) => addressOfPeer(remotePeer) ?? []);
  return [...new Set(addresses)].sort(compareText);
}

/** Ends the connections of a peer to whom no gossip can be sent, so that they are made anew. */
function renewMute(node: Libp2p): () => void {
  const looks = new Map<string, number>();
  return () => {
    for (const peer of node.getPeers()) {
      const connections = node.getConnections(peer);
      const hasGossip = connections.some(({ streams }) =>
        streams.some(
          ({ direction, protocol, writeStatus }) =>
            direction === "outbound" && protocol.startsWith(GOSSIP_PROTOCOL) && writeStatus === "writable",
        ),
      );
      const count = hasGossip ? 0 : (looks.get(peer.toString()) ?? 0) + 1;
      looks.set(peer.toString(), count);
      if (count < LOOKS_WITHOUT_GOSSIP) continue;
      looks.delete(peer.toString());
      for (const connection of connections) connection.abort(new Error("no gossip stream"));
    }
  };
}
