import type { Logger } from "pino";
import type { Adapter } from "../../adapters/adapter.ts";
import { createVenueStreamMetrics } from "../../adapters/io/stream-metrics.ts";
import type { VenueSnapshot } from "../../adapters/snapshot.ts";
import type { NodePrice } from "../../aggregator/price.ts";
import type { GovernanceMemory } from "../../circuit-breaker/governance-memory.ts";
import { type Address, toHex } from "../../protocol/bytes.ts";
import { memberIndex } from "../../protocol/committee.ts";
import type { Network, NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GovernanceDocument, SignedDocument } from "../../protocol/governance.ts";
import type { FeedEntry, GaugeEntry } from "../../protocol/observation.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import type { AlertInput } from "../alerting.ts";
import { FOLD } from "../fold.ts";
import { createInclusion } from "../inclusion.ts";
import { type DocumentReceipt, type Input, type MachineStatus, type RoundMachine, TOPICS } from "../machine.ts";
import { createNetworkView } from "../network-view.ts";
import type { NodeConfig } from "../node-config.ts";
import { createRoundMachine } from "../round.ts";
import { mergeGauges, mergeReferences, type Sample, sampleMarkets } from "../sampler.ts";
import { shadowsOf } from "../shadows.ts";
import { startState } from "../start-state.ts";
import type { Store } from "../store.ts";
import { storedBytes } from "../stored-bytes.ts";
import { decodeRequest, MAX_TOPIC_BYTES } from "../wire.ts";
import { type Concerns, createConcerns } from "./concerns.ts";
import { createFetcher } from "./fetcher.ts";
import { createJournal } from "./journal.ts";
import type { NodeKey } from "./keys.ts";
import type { NodeMetrics } from "./metrics.ts";
import { reasonOf } from "./operational-error.ts";
import { createPolling } from "./polling.ts";
import { createShell, type Shell } from "./shell.ts";
import { createStageTimer, timedFold } from "./stages.ts";
import { createSurvey, type Survey } from "./survey.ts";
import { startTransport } from "./transport.ts";
import type { Transport } from "./transport-types.ts";

export type NodeRuntime = {
  readonly status: () => MachineStatus & { readonly connected: readonly Address[] };
  /** How this node got its newest price of a feed. */
  readonly sources: (feed: FeedId) => { readonly at: number; readonly price: NodePrice } | undefined;
  /** Calls back with every new head after the store has it; gives back the way to stop. */
  readonly subscribe: (listener: (certified: CertifiedRound) => void) => () => void;
  /** Hands in canonical bytes of a document: from now on this node carries it, or the receipt says why not. */
  readonly submit: (bytes: Uint8Array) => DocumentReceipt;
  /** The config in force and what follows from it. */
  readonly network: () => Network;
  /** What governance set in motion, as of the newest round. */
  readonly governance: () => GovernanceMemory;
  readonly stop: () => Promise<void>;
};

/** What this node's operator has of the chains; the watch of adapters/io/chain-watch.ts fits. */
export type ChainPort = {
  readonly gauges: () => readonly GaugeEntry[];
  /** Of references that are prices. */
  readonly quotes: () => VenueSnapshot;
  /** The same under the pending config, which may read other contracts. */
  readonly pendingQuotes: () => VenueSnapshot;
  /** Another config is in force, or pending. */
  readonly follow: (config: NetworkConfig, pending?: NetworkConfig) => void;
};

type ConfigDocument = Extract<GovernanceDocument, { readonly kind: "config" }>;

export type RuntimeOptions = {
  /** The genesis. */
  readonly network: Network;
  readonly config: NodeConfig;
  readonly adapters: Readonly<Record<string, Adapter>>;
  readonly key: NodeKey;
  readonly store: Store;
  readonly metrics: NodeMetrics;
  readonly log: Logger;
  readonly now: () => number;
  /** Without one this node says nothing of any chain. */
  readonly chains?: ChainPort;
  /** Told of everything that an operator may have to know at once. */
  readonly alerts: { readonly handle: (input: AlertInput) => void };
  /** Whether this node comes to the replay report that a config document names. Without one it never agrees. */
  readonly review?: (document: ConfigDocument) => Promise<boolean>;
};

/** Wires a node: pollers → sampler → round machine → transport and store. Everything it starts, `stop` ends. */
export async function startNode(options: RuntimeOptions): Promise<NodeRuntime> {
  const { key, store, metrics, log, now, alerts } = options;
  const listeners = new Set<(certified: CertifiedRound) => void>();
  const stages = createStageTimer(metrics.onStage);
  const fold = timedFold(FOLD, stages);
  const machine = createRoundMachine({ ...options, scheme: key.scheme, fold, start: startState(store) });
  const transport = await openTransport(options, machine, (input) => shell.handle(input));
  const markets = openMarkets(options, machine);
  const view = createNetworkView();
  const onTrip = (peer: Address, ms: number): void => view.handle({ kind: "trip", peer, ms }, now());
  const answered = (input: Input): void => void shell.handle(input);
  const onHello: Survey["heard"] = (hello) => survey.heard(hello);
  const { greet, fetch, measure } = createFetcher({ transport, store, handle: answered, now, onTrip, onHello });
  const storePath = options.config.storage.path;
  const survey = createSurvey({ machine, transport, measure, storePath, metrics, alerts, now });
  const inclusion = createInclusion();
  const isMember = (): boolean => memberIndex(machine.network().committee, key.address) >= 0;
  const journal = createJournal(log, metrics);
  const concerns = createConcerns(log);
  let sample: Sample | undefined;
  let sampled = 0;

  const shell = createShell(
    machine,
    {
      verdict: () => undefined,
      sample: ({ round }) => {
        sampled = round;
        const { taken, gauges, shadows } = stages.time("sample", () => ({
          taken: markets.sample(now()),
          gauges: mergeGauges(options.chains?.gauges() ?? [], view.gauges(round, now())),
          shadows: markets.shadows(round),
        }));
        sample = taken;
        stages.sampled(round);
        shell.handle({ kind: "sampled", round, entries: taken.entries, gauges, shadows });
        metrics.onSample(taken);
        alerts.handle({ kind: "sampled", prices: taken.prices, feeds: machine.network().config.feeds });
      },
      persist: ({ record }) => {
        stages.promised(record);
        // Without the durable record there is no signature: the round goes on without this node.
        const outcome = journal.attempt(() => store.recordSigned(record));
        if (outcome !== undefined) shell.handle({ kind: outcome === "conflict" ? "refused" : "persisted", record });
      },
      publish: ({ topic, bytes }) => {
        void transport.publish(topic, bytes);
        stages.published(topic);
        if (topic !== "observation") return;
        const observation = toHex(bytes);
        view.handle({ kind: "observed", round: sampled, observation }, now());
        inclusion.observed(sampled, observation);
      },
      fetch: (output) => void fetch(output),
      greet: () => transport.connected().forEach((peer) => void greet(peer)),
      commit: ({ certified, body, place }) => {
        view.handle({ kind: "certified", round: body.round, observations: body.observations }, now());
        if (place === "head") stages.certified(body.round);
        const saved = stages.time("save", () => journal.attempt(() => store.saveRound({ certified, body })));
        if (saved === undefined || place !== "head") return;
        stages.time("publish", () => {
          for (const listener of listeners) listener(certified);
        });
        metrics.onCertified(certified, now());
        const included = isMember() ? inclusion.isIncluded(body) : undefined;
        if (included !== undefined) metrics.onInclusion(included);
        alerts.handle({ kind: "certified", certified, included });
      },
      mark: ({ orphan }) => {
        if (orphan) metrics.onOrphan();
      },
      evidence: ({ evidence }) => {
        journal.attempt(() => store.saveEvidence(evidence));
        alerts.handle({ kind: "evidence", evidence });
      },
      receipt: () => undefined,
      keep: ({ document }) => void journal.attempt(() => store.saveDocument(document)),
      transition: ({ transition }) => void journal.attempt(() => store.saveTransition(transition)),
      review: ({ document }) => {
        void reviewed(options, document, concerns).then((agrees) =>
          shell.handle({ kind: "reviewed", document: document.digest, agrees }),
        );
      },
      config: ({ network, pending, peers }) => {
        markets.follow(network, pending);
        transport.admit(peers);
      },
      event: (output) => {
        journal.event(output);
        alerts.handle(output);
      },
    },
    now,
  );
  let submissions = 0;
  shell.start();
  survey.start();
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
    submit: (bytes) => {
      submissions += 1;
      const id = String(submissions);
      const answer = shell
        .handle({ kind: "submitted", id, bytes })
        .find((output) => output.kind === "receipt" && output.id === id);
      if (answer?.kind === "receipt") return answer.receipt;
      return { ok: false, code: "malformed", detail: "this node could not look at it: see its log" };
    },
    network: machine.network,
    governance: machine.governance,
    stop: async () => {
      survey.stop();
      shell.stop();
      const ended = await Promise.allSettled([markets.stop(), transport.stop()]);
      for (const end of ended)
        if (end.status === "rejected") concerns.warn("unclean-stop", `a part did not stop cleanly: ${reasonOf(end.reason)}`);
    },
  };
}

/** A replay that fails is no agreement; why, is for the operator to read. */
async function reviewed({ review }: RuntimeOptions, { digest, document }: SignedDocument, concerns: Concerns): Promise<boolean> {
  try {
    return document.kind === "config" && ((await review?.(document)) ?? false);
  } catch (error) {
    concerns.warn("replay-failed", `the replay of a proposed config failed: ${reasonOf(error)}`, { document: digest });
    return false;
  }
}

/** What this node sees of the markets under the config in force and, once they are due, its shadows under the pending one. */
function openMarkets(options: RuntimeOptions, machine: RoundMachine) {
  const { adapters, chains, config, log, metrics, now } = options;
  const { addressSharedBy } = config;
  const polling = createPolling({
    ...{ adapters, addressSharedBy, config, log, now, random: Math.random },
    metrics: metrics.poller,
    streamMetrics: createVenueStreamMetrics(metrics.registry),
  });
  let network = machine.network();
  let proposed: NetworkConfig | undefined;
  const follow = (next: Network, pending: NetworkConfig | undefined): void => {
    network = next;
    proposed = pending;
    polling.follow(pending === undefined ? [next.config] : [next.config, pending]);
    chains?.follow(next.config, pending);
  };
  follow(network, undefined);
  const sampleUnder = (content: NetworkConfig, references: VenueSnapshot | undefined, at: number): Sample =>
    sampleMarkets(content, mergeReferences(polling.snapshot(), references ?? new Map()), at);
  const entriesUnder = (content: NetworkConfig): readonly FeedEntry[] =>
    sampleUnder(content, chains?.pendingQuotes(), now()).entries;
  return {
    follow,
    sample: (at: number) => sampleUnder(network.config, chains?.quotes(), at),
    shadows: (round: number) =>
      shadowsOf(
        { network, pending: machine.governance().pending, content: proposed, timestamp: round * network.config.roundMs },
        entriesUnder,
      ),
    stop: polling.stop,
  };
}

/** Gossip is judged by the machine in the same call; requests are answered from its memory, then from the store. */
function openTransport(
  { config, key, store, metrics, log, now }: RuntimeOptions,
  machine: RoundMachine,
  handle: Shell["handle"],
): Promise<Transport> {
  let gossipId = 0;
  return startTransport({
    key,
    committee: machine.peers(),
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
      if (answer?.kind !== "verdict") return "ignore";
      metrics.onVerdict(topic, answer.verdict, answer.code);
      return answer.verdict;
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
