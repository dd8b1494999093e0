import type { Logger } from "pino";
import type { Adapter } from "../../adapters/adapter.ts";
import { createPoller, type Poller, type VenuePoll } from "../../adapters/io/poller.ts";
import type { NodePrice } from "../../aggregator/price.ts";
import { bodyOf, nextRound, recomputeBody } from "../../aggregator/round.ts";
import type { Address } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { type MachineStatus, type RoundMachine, TOPICS } from "../machine.ts";
import type { NodeConfig } from "../node-config.ts";
import { createRoundMachine } from "../round.ts";
import { marketsByVenue, type Sample, sampleMarkets } from "../sampler.ts";
import { startState } from "../start-state.ts";
import type { Store } from "../store.ts";
import { storedBytes } from "../stored-bytes.ts";
import { decodeRequest, MAX_TOPIC_BYTES } from "../wire.ts";
import { createFetcher } from "./fetcher.ts";
import { createJournal } from "./journal.ts";
import type { NodeKey } from "./keys.ts";
import type { NodeMetrics } from "./metrics.ts";
import { reasonOf } from "./operational-error.ts";
import { createShell, type Shell } from "./shell.ts";
import { startTransport } from "./transport.ts";
import type { Transport } from "./transport-types.ts";

const STATUS_MS = 1_000;

export type NodeRuntime = {
  readonly status: () => MachineStatus & { readonly connected: readonly Address[] };
  /** How this node got its newest price of a feed. */
  readonly sources: (feed: FeedId) => { readonly at: number; readonly price: NodePrice } | undefined;
  /** Calls back with every new head after the store has it; gives back the way to stop. */
  readonly subscribe: (listener: (certified: CertifiedRound) => void) => () => void;
  readonly stop: () => Promise<void>;
};

export type RuntimeOptions = {
  readonly network: Network;
  readonly config: NodeConfig;
  readonly adapters: Readonly<Record<string, Adapter>>;
  readonly key: NodeKey;
  readonly store: Store;
  readonly metrics: NodeMetrics;
  readonly log: Logger;
  readonly now: () => number;
};

/** Wires a node: poller → sampler → round machine → transport and store. Everything it starts, `stop` ends. */
export async function startNode(options: RuntimeOptions): Promise<NodeRuntime> {
  const { network, key, store, metrics, log, now } = options;
  const listeners = new Set<(certified: CertifiedRound) => void>();
  const fold = { nextRound, bodyOf, recomputeBody };
  const machine = createRoundMachine({ network, key, scheme: key.scheme, fold, start: startState(store) });
  const poller = openPoller(options);
  const transport = await openTransport(options, machine, (input) => shell.handle(input));
  const { greet, fetch } = createFetcher({ transport, store, handle: (input) => shell.handle(input), now });
  const journal = createJournal(log, metrics);
  let sample: Sample | undefined;

  const shell = createShell(
    machine,
    {
      verdict: () => undefined,
      sample: ({ round }) => {
        sample = sampleMarkets(network.config, poller.snapshot(), now());
        metrics.onSample(sample);
        shell.handle({ kind: "sampled", round, entries: sample.entries, gauges: [], shadows: [] });
      },
      persist: ({ record }) => {
        // Without the durable record there is no signature: the round goes on without this node.
        const outcome = journal.attempt(() => store.recordSigned(record));
        if (outcome !== undefined) shell.handle({ kind: outcome === "conflict" ? "refused" : "persisted", record });
      },
      publish: ({ topic, bytes }) => void transport.publish(topic, bytes),
      fetch: (output) => void fetch(output),
      greet: () => transport.connected().forEach((peer) => void greet(peer)),
      commit: ({ certified, body, place }) => {
        const saved = journal.attempt(() => store.saveRound({ certified, body }));
        if (saved === undefined || place !== "head") return;
        metrics.onCertified(certified, now());
        for (const listener of listeners) listener(certified);
      },
      mark: ({ orphan }) => {
        if (orphan) metrics.onOrphan();
      },
      evidence: ({ evidence }) => void journal.attempt(() => store.saveEvidence(evidence)),
      event: journal.event,
    },
    now,
  );
  const statusTimer = setInterval(() => metrics.onPhase(machine.status().phase), STATUS_MS);
  poller.start();
  shell.start();
  return {
    status: () => ({ ...machine.status(), connected: transport.connected() }),
    sources: (feed) => {
      const price = sample?.prices.get(feed);
      return sample === undefined || price === undefined ? undefined : { at: sample.at, price };
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: async () => {
      clearInterval(statusTimer);
      shell.stop();
      const ended = await Promise.allSettled([poller.stop(), transport.stop()]);
      for (const end of ended)
        if (end.status === "rejected") log.warn({ reason: reasonOf(end.reason) }, "a part did not stop cleanly");
    },
  };
}

function openPoller(options: RuntimeOptions): Poller {
  const { config, log, metrics, now } = options;
  const { addressSharedBy } = config;
  return createPoller({ venues: venuePolls(options), addressSharedBy, log, metrics: metrics.poller, now, random: Math.random });
}

/** Gossip is judged by the machine in the same call; requests are answered from its memory, then from the store. */
function openTransport(
  { network, config, key, store, metrics, log, now }: RuntimeOptions,
  machine: RoundMachine,
  handle: Shell["handle"],
): Promise<Transport> {
  let gossipId = 0;
  return startTransport({
    key,
    committee: network.committee.members.map((member) => member.address),
    listen: config.listen,
    peers: config.peers.filter((peer) => peer.address !== key.address),
    topics: TOPICS.map((topic) => ({ topic, maxBytes: MAX_TOPIC_BYTES[topic] })),
    onGossip: ({ topic: name, bytes, from }) => {
      const topic = TOPICS.find((known) => known === name);
      if (topic === undefined) return "ignore";
      gossipId += 1;
      const id = String(gossipId);
      const answer = handle({ kind: "gossip", id, topic, from, bytes }).find(
        (output) => output.kind === "verdict" && output.id === id,
      );
      return answer?.kind === "verdict" ? answer.verdict : "ignore";
    },
    onRequest: ({ bytes }) => {
      const request = decodeRequest(bytes);
      if (!request.ok) return undefined;
      if (request.value.kind === "hello") return machine.hello(now());
      return machine.serve(request.value) ?? storedBytes(store, request.value);
    },
    log,
    metrics: metrics.transport,
  });
}

function venuePolls({ network, config, adapters }: RuntimeOptions): readonly VenuePoll[] {
  return [...marketsByVenue(network.config)].flatMap(([venue, markets]) => {
    const adapter = adapters[venue];
    if (adapter === undefined) return [];
    const { url, requestsPerSecond, intervalMs, timeoutMs } = config.venues[venue] ?? {};
    return {
      adapter,
      markets,
      ...(url === undefined ? {} : { baseUrl: url }),
      ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
      settings: { ...(intervalMs === undefined ? {} : { intervalMs }), ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    };
  });
}
