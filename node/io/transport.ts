import { performance } from "node:perf_hooks";
import { privateKeyFromRaw } from "@libp2p/crypto/keys";
import type { GossipSub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { ConnectionGater, Libp2p, PeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { assert } from "../../protocol/assert.ts";
import type { Address } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import { MAX_MEMBERS } from "../../protocol/proposal.ts";
import { type Concerns, createConcerns } from "./concerns.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";
import { addressOfPeer } from "./peer-identity.ts";
import { createGossip } from "./transport-gossip.ts";
import { keepLinks } from "./transport-links.ts";
import { createRequester, createResponder, MAX_INBOUND_STREAMS, protocolId } from "./transport-request.ts";
import {
  DEFAULT_LIMITS,
  REQUEST_PROTOCOLS,
  type Transport,
  type TransportLimits,
  type TransportOptions,
} from "./transport-types.ts";

/** The other's and ours at once, and one that a crashed host left behind until its ping fails. */
const MAX_CONNECTIONS_PER_PEER = 3;
/** Strangers are turned away after the handshake: it must be short and many may be under way, or they would keep members out. */
const UPGRADE_TIMEOUT_MS = 3_000;
const MAX_PENDING_UPGRADES = 256;
/** New connections a second from one host: a whole committee may share it. */
const CONNECTIONS_PER_SECOND_AND_HOST = 64;
const PING_INTERVAL_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** Members of the largest committee, and as many again around a change. */
const MAX_PEERS = 2 * MAX_MEMBERS;
const MAX_STREAMS_PER_CONNECTION = 64;
/** What a peer may send before we read it; the pause of a flooder's stream holds back at most this much. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const STREAM_BUFFER_BYTES = 4 * STREAM_WINDOW_BYTES;

/**
 * The committee's wire: libp2p over TCP, Noise and Yamux, with the node's signing key as identity, so that a peer id is a public key
 * is an address; only members connect. No discovery of any kind: the config says who and where.
 *
 * @throws OperationalError `cannot-listen`
 */
export async function startTransport(options: TransportOptions): Promise<Transport> {
  const limits: TransportLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const stop = new AbortController();
  const now = () => performance.now();
  let members: ReadonlySet<Address> = new Set(options.committee);
  const concerns = createConcerns(options.log);
  const isMember = (address: Address): boolean => members.has(address);
  const shared = { ...options, limits, now, stopped: stop.signal, isMember, concerns };
  const node = await createNode(shared);
  const gossip = node.services.gossip;
  try {
    const respond = createResponder(shared);
    for (const protocol of REQUEST_PROTOCOLS) {
      await node.handle(protocolId(protocol), (stream, connection) => respond(protocol, stream, connection), {
        maxInboundStreams: MAX_INBOUND_STREAMS,
      });
    }
    await node.start();
  } catch (error) {
    await node.stop();
    throw new OperationalError(`cannot listen on ${options.listen.join(", ")}: ${listenFault(error)}`, {
      code: "cannot-listen",
      details: { listen: options.listen.join(" ") },
      cause: error,
    });
  }
  for (const { topic } of options.topics) gossip.subscribe(topic);
  const links = keepLinks({ ...shared, node, self: options.key.address, random: Math.random });
  const requester = createRequester({ ...shared, connectionTo: links.connectionTo });
  return {
    publish: (topic, bytes) => publish(gossip, { topic, bytes }, shared),
    request: requester.request,
    connected: links.connected,
    reachable: (topic) =>
      gossip
        .getSubscribers(topic)
        .flatMap((peer) => addressOfPeer(peer) ?? [])
        .sort(compareText),
    addresses: () => node.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, "")),
    admit: (committee) => {
      members = new Set(committee);
      links.review();
    },
    stop: async () => {
      if (stop.signal.aborted) return;
      stop.abort();
      links.stop();
      await node.stop();
    },
  };
}

/** libp2p reports a refused listener over several lines, stack included; the system's code is what an operator can act on. */
function listenFault(error: unknown): string {
  const reason = reasonOf(error);
  const code = /\bE[A-Z]{3,}\b/.exec(reason)?.[0];
  if (code === "EADDRINUSE") return "the port is taken; stop what listens there or choose another port";
  return code ?? reason.split("\n", 1).join("");
}

type Shared = TransportOptions & {
  readonly limits: TransportLimits;
  readonly now: () => number;
  readonly stopped: AbortSignal;
  readonly concerns: Concerns;
  readonly isMember: (address: Address) => boolean;
};

type Node = Libp2p<{ gossip: GossipSub }>;

async function createNode(options: Shared): Promise<Node> {
  const { key, listen } = options;
  let node: Node | undefined;
  node = await createLibp2p({
    privateKey: privateKeyFromRaw(key.privateKey),
    start: false,
    addresses: { listen: [...listen] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
        streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES, maxReadBufferLength: STREAM_BUFFER_BYTES },
      }),
    ],
    connectionManager: {
      maxConnections: (MAX_CONNECTIONS_PER_PEER + 1) * MAX_PEERS,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND_AND_HOST,
      maxIncomingPendingConnections: MAX_PENDING_UPGRADES,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      connectionCloseTimeout: CLOSE_TIMEOUT_MS,
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: PING_INTERVAL_MS },
    connectionGater: membersOnly(options, (peer) => node?.getConnections(peer).length ?? 0),
    services: { identify: identify(), ping: ping(), gossip: createGossip(options) },
  });
  return node;
}

/** Noise has proved the key when this is asked; before that an address says nothing. */
function membersOnly({ isMember, metrics }: Shared, connectionsTo: (peer: PeerId) => number): ConnectionGater {
  const deny = (peer: PeerId): boolean => {
    const address = addressOfPeer(peer);
    const denied = address === undefined || !isMember(address) || connectionsTo(peer) >= MAX_CONNECTIONS_PER_PEER;
    if (denied) metrics.onRefused();
    return denied;
  };
  // libp2p's default refuses to dial private addresses only in browsers; here the config decides.
  return { denyDialMultiaddr: () => false, denyInboundEncryptedConnection: deny, denyOutboundEncryptedConnection: deny };
}

async function publish(
  gossip: GossipSub,
  { topic, bytes }: { readonly topic: string; readonly bytes: Uint8Array },
  { topics, stopped, concerns }: Shared,
): Promise<void> {
  const rule = topics.find((candidate) => candidate.topic === topic);
  assert(
    rule !== undefined && bytes.length <= rule.maxBytes,
    `a message of ${bytes.length} bytes is within the bound of ${topic}`,
  );
  try {
    await gossip.publish(topic, bytes);
  } catch (error) {
    if (stopped.aborted) return;
    concerns.warn("publish-failed", `publishing on ${topic} failed: ${reasonOf(error)}`, { err: error, topic }, topic);
  }
}
