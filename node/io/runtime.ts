import type { Logger } from "pino";
import type { Adapter } from "../../adapters/adapter.ts";
import { createPoller, type VenuePoll } from "../../adapters/io/poller.ts";
import { createTaper } from "../../adapters/taper.ts";
import type { NodePrice } from "../../aggregator/price.ts";
import { bodyOf, nextRound, recomputeBody } from "../../aggregator/round.ts";
import type { Address, Digest } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { EVIDENCE_KINDS } from "../../protocol/evidence.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { EVENT_ADVICE, isConcern } from "../events.ts";
import { type MachineStatus, type Output, type StartState, TOPICS, type Want } from "../machine.ts";
import type { NodeConfig } from "../node-config.ts";
import { createRoundMachine } from "../round.ts";
import { marketsByVenue, type Sample, sampleMarkets } from "../sampler.ts";
import { MAX_RANGE, type Store, type StoredRound } from "../store.ts";
import { decodeRequest, encodeRequest, encodeRoundBody, MAX_TOPIC_BYTES } from "../wire.ts";
import type { NodeKey } from "./keys.ts";
import type { NodeMetrics } from "./metrics.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";
import { createShell } from "./shell.ts";
import { startTransport } from "./transport.ts";

/** How long a peer may take to answer a greeting; a later answer would say too little about its clock. */
const HELLO_TIMEOUT_MS = 1_000;
const STATUS_MS = 1_000;
/** Links of the chain that the machine is told at start; what is missing before them is not fetched again. */
const START_HISTORY = 3_600;
/** Digests remembered as answered from the own store. */
const MAX_OWN_ANSWERS = 1_024;
/** Rounds back from the newest signing whose records the machine is told; every member leads once within a committee's length. */
const START_GUARD = 256;

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
  const { network, config, key, store, metrics, log, now } = options;
  const listeners = new Set<(certified: CertifiedRound) => void>();
  const poller = createPoller({
    venues: venuePolls(options),
    addressSharedBy: config.addressSharedBy,
    log,
    metrics: metrics.poller,
    now,
    random: Math.random,
  });
  const machine = createRoundMachine({
    network,
    key,
    scheme: key.scheme,
    fold: { nextRound, bodyOf, recomputeBody },
    start: startState(store),
  });
  let sample: Sample | undefined;
  let gossipId = 0;
  const answeredHere = new Set<Digest>();
  const failures = createTaper();
  const concerns = createTaper();

  const transport = await startTransport({
    key,
    committee: network.committee.members.map((member) => member.address),
    listen: config.listen,
    peers: config.peers.filter((peer) => peer.address !== key.address),
    topics: TOPICS.map((topic) => ({ topic, maxBytes: MAX_TOPIC_BYTES[topic] })),
    onGossip: async ({ topic, bytes, from }) => {
      gossipId += 1;
      const id = String(gossipId);
      const known = TOPICS.find((name) => name === topic);
      if (known === undefined) return "ignore";
      const outputs = shell.handle({ kind: "gossip", id, topic: known, from, bytes });
      const answer = outputs.find((output) => output.kind === "verdict" && output.id === id);
      return answer?.kind === "verdict" ? answer.verdict : "ignore";
    },
    onRequest: async ({ bytes }) => {
      const request = decodeRequest(bytes);
      if (!request.ok) return undefined;
      return request.value.kind === "hello"
        ? machine.hello(now())
        : (machine.serve(request.value) ?? stored(store, request.value));
    },
    log,
    metrics: metrics.transport,
  });

  const greet = async (to: Address): Promise<void> => {
    const sentAt = now();
    const answer = await transport.request({
      to,
      protocol: "hello",
      bytes: encodeRequest({ kind: "hello" }),
      timeoutMs: HELLO_TIMEOUT_MS,
    });
    if (answer.ok) shell.handle({ kind: "hello", from: to, bytes: answer.value, sentAt, receivedAt: now() });
  };
  const fetch = async ({ want, from, timeoutMs }: Extract<Output, { kind: "fetch" }>): Promise<void> => {
    const answer = ownAnswer(want) ?? (await ask(from, want, timeoutMs));
    if (answer === undefined || answer.length === 0) shell.handle({ kind: "fetch-failed", want, from });
    else shell.handle({ kind: "fetched", want, from, bytes: answer });
  };
  // Asked a second time for the same thing, the store's bytes were not good enough: then the peer's count.
  const ownAnswer = (want: Want): Uint8Array | undefined => {
    if (answeredHere.has(want.digest)) return undefined;
    if (answeredHere.size >= MAX_OWN_ANSWERS) answeredHere.clear();
    const own = stored(store, want);
    if (own !== undefined) answeredHere.add(want.digest);
    return own;
  };
  const ask = async (to: Address, want: Want, timeoutMs: number): Promise<Uint8Array | undefined> => {
    const answer = await transport.request({ to, protocol: "fetch", bytes: encodeRequest(want), timeoutMs });
    return answer.ok ? answer.value : undefined;
  };

  /** A store that fails (a full disk, say) costs what it should have kept, not the process. */
  const stores = <T>(write: () => T): T | undefined => {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      const repeats = failures.count(error.code);
      if (repeats !== undefined) log.error({ code: error.code, ...error.details, repeats }, error.message);
      return undefined;
    }
  };

  const shell = createShell(
    machine,
    {
      verdict: () => undefined,
      sample: ({ round }) => {
        sample = sampleMarkets(network.config, poller.snapshot(), now());
        metrics.onSample(sample);
        shell.handle({ kind: "sampled", round, entries: sample.entries, gauges: [] });
      },
      persist: ({ record }) => {
        // Without the durable record there is no signature: the round goes on without this node.
        const outcome = stores(() => store.recordSigned(record));
        if (outcome !== undefined) shell.handle({ kind: outcome === "conflict" ? "refused" : "persisted", record });
      },
      publish: ({ topic, bytes }) => void transport.publish(topic, bytes),
      fetch: (output) => void fetch(output),
      greet: () => transport.connected().forEach((peer) => void greet(peer)),
      commit: ({ certified, body, place }) => {
        const saved = stores(() => store.saveRound({ certified, body }));
        if (saved === undefined || place !== "head") return;
        metrics.onCertified(certified, now());
        for (const listener of listeners) listener(certified);
      },
      mark: ({ orphan }) => {
        if (orphan) metrics.onOrphan();
      },
      evidence: ({ evidence }) => void stores(() => store.saveEvidence(evidence)),
      event: ({ level, code, fields }) => {
        metrics.onEvent(code);
        if (!isConcern(code)) {
          log[level]({ code, ...fields }, code);
          return;
        }
        const repeats = concerns.count(code);
        if (repeats !== undefined) log[level]({ code, ...fields, repeats }, `${code}: ${EVENT_ADVICE[code]}`);
      },
    },
    now,
  );
  const statusTimer = setInterval(() => {
    metrics.onPhase(machine.status().phase);
  }, STATUS_MS);
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

/** What the store knows: the newest round with its body, the newest signings, and the walk back. */
function startState(store: Store): StartState {
  const newest = store.latest()?.certified.certificate.header.round ?? 0;
  const history = newestRounds(store, newest);
  const held = history.findLast(({ certified }) => store.bodyOf(certified.digest) !== undefined)?.certified;
  const body = held === undefined ? undefined : store.bodyOf(held.digest);
  const signed = store.newestSignedRound() ?? 0;
  const rounds = Array.from({ length: Math.min(START_GUARD, signed + 1) }, (_, back) => signed - back);
  return {
    head: held === undefined || body === undefined ? undefined : { certified: held, body },
    guard: rounds.flatMap((round) => EVIDENCE_KINDS.flatMap((kind) => store.signedAt(kind, round) ?? [])),
    history: history.map(({ certified: { digest, certificate } }) => ({
      round: certificate.header.round,
      digest,
      parent: certificate.header.parent,
    })),
  };
}

/** A range at a time, ascending: the store bounds each. */
function newestRounds(store: Store, newest: number): readonly StoredRound[] {
  const rounds: StoredRound[] = [];
  for (let from = Math.max(0, newest - START_HISTORY); ; ) {
    const next = store.range({ from, to: newest, limit: MAX_RANGE });
    const last = next.at(-1);
    rounds.push(...next);
    if (last === undefined || next.length < MAX_RANGE) return rounds;
    from = last.certified.certificate.header.round + 1;
  }
}

/** Wire bytes of what the store holds; observations are kept inside bodies only. */
function stored(store: Store, { kind, digest }: Want): Uint8Array | undefined {
  if (kind === "observation") return undefined;
  if (kind === "body") {
    const body = store.bodyOf(digest);
    return body === undefined ? undefined : encodeRoundBody(body);
  }
  const round = store.byDigest(digest);
  return round === undefined ? undefined : encodeCertificate(round.certified.certificate);
}
