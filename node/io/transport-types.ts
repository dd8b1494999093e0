import type { Address } from "../../protocol/bytes.ts";
import type { Result } from "../../protocol/result.ts";
import type { Allowance } from "../budget.ts";
import type { NodeKey } from "./keys.ts";

/** `reject` only what every node would judge alike from the bytes: it costs the sender's standing. Everything else is `ignore`. */
export type GossipVerdict = "accept" | "ignore" | "reject";

export const REQUEST_PROTOCOLS = ["hello", "fetch"] as const;
export type RequestProtocol = (typeof REQUEST_PROTOCOLS)[number];

/**
 * `not-connected`: no link to that member now. `timeout`: no whole answer in time. `busy`: too much under way, here or there.
 * `absent`: the peer has no answer. `oversize`: longer than the protocol allows. `closed`: the stream broke or was not understood.
 */
export const REQUEST_FAULTS = ["not-connected", "timeout", "busy", "absent", "oversize", "closed"] as const;
export type RequestFault = (typeof REQUEST_FAULTS)[number];

/** At most 2 MiB: gossip frames end at 4 MiB. */
export type TopicRule = { readonly topic: string; readonly maxBytes: number };

export type TransportLimits = {
  /** Gossip of one peer that nobody sent before: each costs a signature check. */
  readonly messages: Allowance;
  /** Everything one peer sends on gossip streams, repeats and control messages included. */
  readonly bytes: Allowance;
  /** Requests of one peer. */
  readonly requests: Allowance;
  /** Bytes served to one peer. */
  readonly served: Allowance;
};

const MIB = 1024 * 1024;

/**
 * An honest peer sends some five messages of its own a round and relays at most 2n + 2: 64 with n = 31. Observations of 1 000 feeds
 * are 60 kB, so 2 MB a round if it relays every one of them.
 */
export const DEFAULT_LIMITS: TransportLimits = {
  messages: { perSecond: 128, burst: 512 },
  bytes: { perSecond: 8 * MIB, burst: 16 * MIB },
  requests: { perSecond: 50, burst: 100 },
  served: { perSecond: 16 * MIB, burst: 64 * MIB },
};

/** Structural, so that pino fits. */
export type TransportLog = {
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
};

export type TransportMetrics = {
  readonly onGossip: (event: { readonly topic: string; readonly verdict: GossipVerdict }) => void;
  readonly onRequest: (event: {
    readonly protocol: RequestProtocol;
    readonly side: "client" | "server";
    readonly code: "ok" | RequestFault;
  }) => void;
  readonly onLink: (event: { readonly address: Address; readonly up: boolean }) => void;
  /** A stranger or a wrong member at a known address was turned away. */
  readonly onRefused: () => void;
};

export type Peer = { readonly address: Address; readonly multiaddr: string };

export type TransportOptions = {
  /** The node's signing key is its identity on the wire. */
  readonly key: NodeKey;
  /** Who may connect at first; the node's own address may be among them. */
  readonly committee: readonly Address[];
  /** Multiaddrs such as `/ip4/0.0.0.0/tcp/9000`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Where to dial the others, once they may connect: multiaddrs without a peer id; the identity is checked after the handshake. */
  readonly peers: readonly Peer[];
  readonly topics: readonly TopicRule[];
  /**
   * Judges a message that was not seen before; `from` is the neighbour that handed it over, not its author. A peer's messages are
   * judged one after another, so it must answer soon. Throwing counts as `ignore`.
   */
  readonly onGossip: (message: {
    readonly topic: string;
    readonly bytes: Uint8Array;
    readonly from: Address;
  }) => Promise<GossipVerdict> | GossipVerdict;
  /** Undefined: there is no answer. */
  readonly onRequest: (request: {
    readonly protocol: RequestProtocol;
    readonly bytes: Uint8Array;
    readonly from: Address;
  }) => Promise<Uint8Array | undefined> | Uint8Array | undefined;
  readonly limits?: Partial<TransportLimits>;
  readonly log: TransportLog;
  readonly metrics: TransportMetrics;
};

export type Transport = {
  /** To every member that can be reached; none is no error. Bytes beyond the topic's bound are a bug of the caller and throw. */
  readonly publish: (topic: string, bytes: Uint8Array) => Promise<void>;
  /** One question, one answer. Never throws. */
  readonly request: (request: {
    readonly to: Address;
    readonly protocol: RequestProtocol;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number;
    /** The stream is there and the question goes out now: agreeing on its protocol has taken a round trip of its own. */
    readonly onOpen?: () => void;
  }) => Promise<Result<Uint8Array, RequestFault>>;
  /** Members with an open connection, ascending. */
  readonly connected: () => readonly Address[];
  /** Members known to listen on a topic: a message published now goes to them directly. */
  readonly reachable: (topic: string) => readonly Address[];
  /** Multiaddrs this node listens on, without peer id. */
  readonly addresses: () => readonly string[];
  /** From now on these may connect and nobody else: who is no longer among them is disconnected, who is new is dialled. */
  readonly admit: (committee: readonly Address[]) => void;
  readonly stop: () => Promise<void>;
};
