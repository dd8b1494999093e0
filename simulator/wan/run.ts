import { assert } from "../../protocol/assert.ts";
import { createNodeClock } from "../cluster/clock.ts";
import { createDisk } from "../cluster/disk.ts";
import { createEventQueue, type EventQueue } from "../cluster/events.ts";
import { createSharedFold } from "../cluster/fold.ts";
import { createHost, type Host, type Wire } from "../cluster/host.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import { createKeys, createTableScheme } from "../cluster/signatures.ts";
import { createRandom } from "../random.ts";
import { type Costs, type Work, workAt } from "./costs.ts";
import { createWanGossip } from "./gossip.ts";
import { createLatencies, type Latencies } from "./latencies.ts";
import type { MeshBounds } from "./mesh.ts";
import { createWanMarket, createWanNetwork, type Timing } from "./network.ts";
import { createProcessor, type Processor } from "./processor.ts";
import { createRequests } from "./requests.ts";
import { createSizes, type Sizes } from "./sizes.ts";
import { createTraffic, type TrafficTotal } from "./traffic.ts";
import type { Law } from "./window.ts";
import { createWires } from "./wires.ts";

/** 15 January 2027. */
const EPOCH = 1_800_000_000_000;
/** Nodes start within it. */
const START_SPREAD_MS = 500;
/** Clocks are kept by NTP: so far off at most, either way. */
const MAX_CLOCK_ERROR_MS = 20;
/** Quarantine, the first proposals, windows that grow: rounds that do not count. */
const WARM_UP_ROUNDS = 8;
/** After the last measured round, for what comes late. */
const DRAIN_ROUNDS = 4;

export type WanSettings = Timing & {
  readonly seed: number;
  readonly nodes: number;
  readonly feeds: number;
  /** Feeds that the machines really carry; sizes and work are those of `feeds`. */
  readonly carried: number;
  readonly rounds: number;
  readonly lossPpm: number;
  readonly law: Law;
  readonly mbitPerSecond: number;
  readonly mesh: MeshBounds;
  readonly costs: Costs;
};

export type WanOutcome = Latencies & {
  readonly traffic: TrafficTotal;
  /** Of the measured time, by node: share of its one thread at work. */
  readonly busy: readonly number[];
  /** What the machines reported in the measured rounds, by code. */
  readonly events: ReadonlyMap<string, number>;
  readonly sizes: Pick<Sizes, "entryBytes" | "memoryBytes">;
  readonly simulatedEvents: number;
};

/** One committee over five regions for some rounds. Pure: the settings decide everything. */
export function runWan(settings: WanSettings): WanOutcome {
  const { seed, nodes, feeds, carried, rounds, roundMs, costs, mesh } = settings;
  const keys = createKeys(nodes);
  const scheme = createTableScheme(keys);
  const network = createWanNetwork(keys, carried, settings);
  const market = createWanMarket(seed, network);
  const sizes = createSizes({ network, scheme, keys, market, feeds });
  const work = workAt(costs, { feeds, quorum: network.committee.quorum });
  const { queue, counted } = countEvents(createEventQueue(EPOCH));
  const traffic = createTraffic(nodes);
  const wires = createWires({ ...settings, queue, traffic });
  const processors = keys.map(() => createProcessor(queue));
  const hosts: Host[] = [];
  const random = createRandom(seed, "wan");
  const gossip = createWanGossip({ seed, nodes, queue, hosts, processors, wires, traffic, work, mesh, sizeOf: sizes.gossip });
  const request = createRequests({ queue, hosts, processors, wires, work, sizeOf: sizes.answer });

  const first = Math.ceil(EPOCH / roundMs) + WARM_UP_ROUNDS;
  const latencies = createLatencies({ nodes, first, rounds, roundMs });
  const events = new Map<string, number>();
  const shared = createSharedFold();
  const tell = (node: number, occurrence: Occurrence): void => {
    if (occurrence.kind === "committed") {
      const { round } = occurrence.certified.certificate.header;
      // Stored first: what the commit costs is charged already.
      processors[node]?.next(0, () => latencies.onHeld(node, round, queue.now()));
    } else if (occurrence.kind === "event" && isMeasured(queue.now(), first, settings)) {
      events.set(occurrence.code, (events.get(occurrence.code) ?? 0) + 1);
    }
  };
  keys.forEach((key, index) => {
    const processor = processors[index];
    assert(processor !== undefined, "a node has a processor");
    const clock = createNodeClock(random.below(2 * MAX_CLOCK_ERROR_MS + 1) - MAX_CLOCK_ERROR_MS, EPOCH);
    hosts.push(
      createHost({
        index,
        key,
        network,
        scheme,
        queue,
        clock,
        fold: chargedFold(shared, processor, work),
        disk: createDisk(() => clock.read(queue.now())),
        market: chargedMarket(market, processor, work),
        random: createRandom(seed, `host ${index}`),
        wire: wireOf(index, { gossip, request, processor }),
        addressOf: (node) => keys[node]?.address ?? key.address,
        tell: (occurrence) => tell(index, occurrence),
        nodeOf: (address) => keys.findIndex((other) => other.address === address),
      }),
    );
  });
  for (const host of hosts) queue.after(random.below(START_SPREAD_MS), () => host.start(0));

  queue.runUntil(first * roundMs);
  traffic.begin();
  const before = processors.map(({ worked }) => worked());
  queue.runUntil((first + rounds) * roundMs);
  const total = structuredClone(traffic.total());
  const busy = processors.map(({ worked }, node) => (worked() - (before[node] ?? 0)) / (rounds * roundMs));
  queue.runUntil((first + rounds + DRAIN_ROUNDS) * roundMs);
  const { entryBytes, memoryBytes } = sizes;
  return { ...latencies.read(), traffic: total, busy, events, sizes: { entryBytes, memoryBytes }, simulatedEvents: counted() };
}

function isMeasured(now: number, first: number, { roundMs, rounds }: WanSettings): boolean {
  return now >= first * roundMs && now < (first + rounds) * roundMs;
}

function countEvents(inner: EventQueue): { readonly queue: EventQueue; readonly counted: () => number } {
  let count = 0;
  const at: EventQueue["at"] = (when, run) => {
    count += 1;
    inner.at(when, run);
  };
  return { queue: { ...inner, at, after: (ms, run) => at(inner.now() + ms, run) }, counted: () => count };
}

/** Computed once for all, and paid for by each. */
function chargedFold(shared: ReturnType<typeof createSharedFold>, { charge }: Processor, work: Work): typeof shared {
  return {
    ...shared,
    nextRound: (input) => {
      charge(work.fold(input.observations.length));
      return shared.nextRound(input);
    },
    bodyOf: (opened) => {
      charge(work.keep(opened.observations.length));
      return shared.bodyOf(opened);
    },
    recomputeBody: (network, body, scheme) => {
      charge(work.recompute(body.observations.length));
      return shared.recomputeBody(network, body, scheme);
    },
  };
}

function chargedMarket(market: ReturnType<typeof createWanMarket>, { charge }: Processor, work: Work): typeof market {
  return {
    ...market,
    snapshot: (...asked) => {
      charge(work.observe);
      return market.snapshot(...asked);
    },
  };
}

/** What a node says leaves when the work that it follows from is done. */
function wireOf(
  index: number,
  {
    gossip,
    request,
    processor,
  }: {
    readonly gossip: ReturnType<typeof createWanGossip>;
    readonly request: ReturnType<typeof createRequests>;
    readonly processor: Processor;
  },
): Wire {
  return {
    publish: (topic, bytes) => processor.next(0, () => gossip.publish(index, topic, bytes)),
    request: (...asked) => request(index, ...asked),
  };
}
