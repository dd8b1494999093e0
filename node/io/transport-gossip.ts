import { setTimeout as sleep } from "node:timers/promises";
import {
  type GossipSub,
  type GossipSubComponents,
  type GossipsubOpts,
  gossipsub,
  StrictNoSign,
  TopicValidatorResult,
} from "@libp2p/gossipsub";
import type { Connection, PeerId, Stream, StreamHandler } from "@libp2p/interface";
import { assert } from "../../protocol/assert.ts";
import { type Address, concat, keccak, utf8 } from "../../protocol/bytes.ts";
import { type Budget, createBudget } from "../budget.ts";
import type { Concerns } from "./concerns.ts";
import { addressOfPeer, rememberAddresses } from "./peer-identity.ts";
import type { TopicRule, TransportLimits, TransportOptions } from "./transport-types.ts";

/** Committees up to Dhi + 1 are fully meshed; in larger ones a publisher still sends to everybody itself (`floodPublish`). */
const MESH = { D: 8, Dlo: 6, Dhi: 12, Dout: 2, Dscore: 4, Dlazy: 6 } as const;
const HEARTBEAT_MS = 1_000;
/** A pruned or restarted peer is grafted again after this; the default minute is 60 rounds. */
const PRUNE_BACKOFF_MS = 10_000;
/** A round's messages are worthless long before this, and seen ids are remembered as long. */
const SEEN_MS = 60_000;
/** One frame may carry several messages, when a peer asks for what it missed; one above its bound breaks the stream. */
const MESSAGES_PER_FRAME = 32;
const MIN_FRAME_BYTES = 2 * 1024 * 1024;
/** The length-prefix encoder that gossipsub sends with knows no longer frame; a topic may use half of it. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
export const MAX_TOPIC_BYTES = MAX_FRAME_BYTES / 2;
/** A peer that does not read has its stream cut when this much waits for it. */
const OUTBOUND_FRAMES = 2;
const DECODE_LIMITS = {
  maxSubscriptions: 64,
  maxMessages: 512,
  maxIhaveMessageIDs: 2_000,
  maxIwantMessageIDs: 2_000,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 256,
  maxPeerInfos: 16,
} as const;

/**
 * Only invalid messages count: an honest node never sends one, while silence, lateness and reconnecting happen to honest nodes. Ten
 * rejects within seconds and nothing of the peer is read; they decay by a tenth a second, so it is heard again within half a minute.
 */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -1,
  invalidMessageDeliveriesDecay: 0.9,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 1,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 1,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyDecay: 0.5,
} as const;
const SCORE_THRESHOLDS = {
  gossipThreshold: -16,
  publishThreshold: -64,
  graylistThreshold: -100,
  /** Scores are never positive: addresses that peers propose are never dialled, and no peer is preferred to another. */
  acceptPXThreshold: 1,
  opportunisticGraftThreshold: 0,
} as const;
/** Grafting a little early after a restart is not misbehaviour; doing so all the time is. */
const BEHAVIOUR = { behaviourPenaltyWeight: -1, behaviourPenaltyThreshold: 10, behaviourPenaltyDecay: 0.9 } as const;
const RETAIN_SCORE_MS = 60_000;

export const GOSSIP_PROTOCOL = "/meshsub/";

type GossipOptions = Pick<TransportOptions, "topics" | "onGossip" | "metrics"> & {
  readonly concerns: Concerns;
  readonly limits: TransportLimits;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly stopped: AbortSignal;
};

/**
 * Gossipsub for a committee. Messages carry no libp2p signature (`StrictNoSign`): ours are signed by their authors already, and an id
 * made of topic and content makes a repeat a repeat whoever hands it over. Gossipsub marks a message as seen before it is judged, so
 * a budget must delay and never drop: dropping the copy of a flooder would drop the original that comes after it.
 */
export function createGossip(options: GossipOptions): (components: GossipSubComponents) => GossipSub {
  const budgets = new Map<Address, PeerBudget>();
  const budgetOf = (address: Address): PeerBudget => {
    const budget = budgets.get(address) ?? {
      messages: createBudget(options.limits.messages, options.now()),
      bytes: createBudget(options.limits.bytes, options.now()),
    };
    budgets.set(address, budget);
    return budget;
  };
  const pace = (stream: Stream, connection: Connection): void => {
    const address = addressOfPeer(connection.remotePeer);
    if (address !== undefined) paceStream(stream, budgetOf(address), options);
  };
  return (components) => {
    const service = gossipsub(settings(options.topics))({
      ...gossipComponents(components),
      registrar: paced(components.registrar, pace),
    });
    for (const rule of options.topics) service.topicValidators.set(rule.topic, createValidator(rule, budgetOf, options));
    return service;
  };
}

function settings(topics: readonly TopicRule[]): Partial<GossipsubOpts> {
  const sizes = new Map(topics.map(({ topic, maxBytes }) => [topic, maxBytes]));
  const largest = Math.max(...sizes.values());
  assert(largest <= MAX_TOPIC_BYTES, `no topic's bound is above ${MAX_TOPIC_BYTES} bytes`);
  const frameBytes = Math.min(MAX_FRAME_BYTES, Math.max(MIN_FRAME_BYTES, MESSAGES_PER_FRAME * largest));
  const names = [...sizes.keys()];
  return {
    ...MESH,
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: ({ topic, data }) => keccak(concat(utf8(topic), Uint8Array.of(0), data)).subarray(0, 20),
    floodPublish: true,
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    doPX: false,
    tagMeshPeers: false,
    awaitRpcHandler: true,
    awaitRpcMessageHandler: true,
    allowedTopics: names,
    // Refused before it is hashed or marked as seen; counts as invalid for whoever sent it.
    dataTransform: {
      inboundTransform: (topic, data) => {
        if (data.length > (sizes.get(topic) ?? 0)) throw new Error("message beyond its topic's bound");
        return data;
      },
      outboundTransform: (_, data) => data,
    },
    heartbeatInterval: HEARTBEAT_MS,
    pruneBackoff: PRUNE_BACKOFF_MS,
    unsubcribeBackoff: PRUNE_BACKOFF_MS,
    seenTTL: SEEN_MS,
    maxInboundDataLength: frameBytes,
    maxOutboundBufferSize: OUTBOUND_FRAMES * frameBytes,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    decodeRpcLimits: DECODE_LIMITS,
    scoreParams: {
      topics: Object.fromEntries(names.map((name) => [name, TOPIC_SCORE])),
      topicScoreCap: 0,
      appSpecificWeight: 0,
      // Identities are the committee's keys: many behind one address are operators sharing a host, not a Sybil.
      IPColocationFactorWeight: 0,
      ...BEHAVIOUR,
      retainScore: RETAIN_SCORE_MS,
    },
    scoreThresholds: SCORE_THRESHOLDS,
  };
}

export type PeerBudget = { readonly messages: Budget; readonly bytes: Budget };

function debtOf(budget: PeerBudget, now: number): number {
  return Math.max(budget.messages.debtMs(now), budget.bytes.debtMs(now));
}

function createValidator(rule: TopicRule, budgetOf: (address: Address) => PeerBudget, options: GossipOptions) {
  const neighbourOf = rememberAddresses();
  return async (peer: PeerId, { data }: { readonly data: Uint8Array }): Promise<TopicValidatorResult> => {
    const from = neighbourOf(peer);
    if (from === undefined) return TopicValidatorResult.Ignore;
    const budget = budgetOf(from);
    budget.messages.charge(1, options.now());
    try {
      const waitMs = debtOf(budget, options.now());
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: options.stopped, ref: false });
      const verdict = await options.onGossip({ topic: rule.topic, bytes: data, from });
      options.metrics.onGossip({ topic: rule.topic, verdict });
      return verdict as TopicValidatorResult;
    } catch (error) {
      const fields = { err: error, topic: rule.topic, from };
      if (!options.stopped.aborted) options.concerns.warn("judging-failed", "judging a message failed", fields, rule.topic);
      return TopicValidatorResult.Ignore;
    }
  };
}

export type PacedStream = Pick<Stream, "readStatus" | "pause" | "resume" | "addEventListener">;

/** While a peer is in debt nothing is read from it: its window fills, and what it sends waits in its own memory. */
export function paceStream(
  stream: PacedStream,
  budget: PeerBudget,
  { now, stopped }: { readonly now: () => number; readonly stopped: AbortSignal },
): void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const debtMs = debtOf(budget, now());
    if (debtMs > 0) {
      timer = setTimeout(wait, debtMs).unref();
      return;
    }
    timer = undefined;
    if (stream.readStatus === "paused") stream.resume();
  };
  const halt = (): void => clearTimeout(timer);
  stream.addEventListener("message", ({ data }) => {
    budget.bytes.charge(data.byteLength, now());
    if (timer !== undefined || debtOf(budget, now()) === 0 || stream.readStatus !== "readable") return;
    stream.pause();
    wait();
  });
  stream.addEventListener("close", halt);
  stopped.addEventListener("abort", halt, { once: true });
}

function gossipComponents(components: GossipSubComponents): Omit<GossipSubComponents, "registrar"> {
  const { privateKey, peerId, peerStore, connectionManager, logger } = components;
  return { privateKey, peerId, peerStore, connectionManager, logger };
}

/**
 * The registrar, with `pace` before every inbound stream's handler. libp2p's own middleware is no way to do this: it appends the
 * handler to the registered list on every stream.
 */
function paced(
  registrar: GossipSubComponents["registrar"],
  pace: (stream: Stream, connection: Connection) => void,
): GossipSubComponents["registrar"] {
  const handle: typeof registrar.handle = (protocol, handler, options) => {
    const pacedHandler: StreamHandler = (stream, connection) => {
      pace(stream, connection);
      return handler(stream, connection);
    };
    return registrar.handle(protocol, pacedHandler, options);
  };
  return Object.create(registrar, { handle: { value: handle } });
}
