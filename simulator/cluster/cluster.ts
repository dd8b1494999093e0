import type { Fold } from "../../node/fold.ts";
import type { Address } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import { createRandom } from "../random.ts";
import type { PlannedAct } from "./act.ts";
import type { CreateBehaviour } from "./adversary.ts";
import { createNodeClock, type NodeClock } from "./clock.ts";
import type { Council } from "./council.ts";
import { createDisk, type Disk, type DiskWrite } from "./disk.ts";
import { createEars, type Ears } from "./ears.ts";
import { createEventQueue, type EventQueue } from "./events.ts";
import { type ClockFault, type Fault, isLinkFault, isWorldFault, type NodeFault, type PlannedFault } from "./fault.ts";
import { createGossip } from "./gossip.ts";
import { createHost, type Host } from "./host.ts";
import { createLinks } from "./links.ts";
import type { Market } from "./market.ts";
import type { Witness } from "./occurrence.ts";
import type { Key } from "./signatures.ts";
import { openView } from "./view.ts";

const ZERO_ADDRESS: Address = `0x${"00".repeat(20)}`;

export type ClusterOptions = {
  readonly seed: number;
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly fold: Fold;
  /** In committee order; behind them the node that waits for a place in it, if there is one. */
  readonly keys: readonly Key[];
  readonly startAt: number;
  readonly skewsMs: readonly number[];
  readonly delayMs: readonly [number, number];
  readonly market: Market;
  readonly council: Council;
  readonly byzantine: readonly { readonly node: number; readonly name: string; readonly create: CreateBehaviour }[];
  readonly witness: Witness;
};

/** n nodes, their clocks, disks and links, in one thread and one queue. */
export type Cluster = {
  readonly queue: EventQueue;
  readonly hosts: readonly Host[];
  readonly start: (node: number) => void;
  readonly stop: (node: number) => void;
  /** Begins at `at` and ends at `until`, both ms since the cluster's start. */
  readonly plan: (planned: PlannedFault) => void;
  /** Keyholders do this at its time; a node that is down then hears nothing of it. */
  readonly act: (planned: PlannedAct) => void;
  /** From now on these nodes are honest. */
  readonly reform: () => void;
};

type Place = {
  readonly host: Host;
  readonly clock: NodeClock;
  readonly disk: Disk;
  /** How many faults hold it down. */
  down: number;
  lostRecords: number;
  copy: readonly DiskWrite[];
};

export function createCluster(options: ClusterOptions): Cluster {
  const { seed, network, startAt, market, witness } = options;
  const queue = createEventQueue(startAt);
  const links = createLinks({ queue, random: createRandom(seed, "links"), delayMs: options.delayMs });
  const nodeOf = indexByAddress(options.keys);
  const addressOf = (node: number): Address => options.keys[node]?.address ?? ZERO_ADDRESS;
  const hosts: Host[] = [];
  const isClosed = options.keys.length === network.committee.members.length;
  /** As a connection gater has it: both ends have to know the other for a member. */
  const connects = (a: number, b: number): boolean => isClosed || (hosts[a]?.admits(b) === true && hosts[b]?.admits(a) === true);
  const mesh = { hosts, nodes: options.keys.length, members: network.committee.members.length, connects };
  const gossip = createGossip({ ...mesh, links, queue, random: createRandom(seed, "mesh") });
  const places = options.keys.map((key, index): Place => {
    const clock = createNodeClock(options.skewsMs[index] ?? 0, startAt);
    const disk = createDisk(() => clock.read(queue.now()));
    const random = createRandom(seed, `host ${index}`);
    const { scheme, fold } = options;
    const wire = gossip.wireOf(index);
    const parts = { index, key, network, scheme, fold, queue, clock, disk, market, random, wire, nodeOf, addressOf };
    const host = createHost({ ...parts, tell: witness });
    hosts.push(host);
    return { host, clock, disk, down: 0, lostRecords: 0, copy: [] };
  });
  corrupt({ ...options, hosts, gossip, queue, clocks: places.map(({ clock }) => clock) });

  const start = (node: number): void => {
    const place = places[node];
    if (place === undefined || place.down > 0 || place.host.isUp()) return;
    gossip.forget(node);
    place.host.start(place.lostRecords);
    place.lostRecords = 0;
  };
  const world = { places, links, queue, market, start };
  return {
    queue,
    hosts,
    start,
    stop: (node) => {
      const place = places[node];
      if (place === undefined) return;
      place.down += 1;
      place.host.stop({ landed: false });
    },
    plan: (planned) => {
      queue.at(startAt + planned.at, () => {
        witness({ at: queue.now(), kind: "fault", phase: "begins", planned });
        begin(world, planned);
      });
      queue.at(startAt + planned.until, () => {
        witness({ at: queue.now(), kind: "fault", phase: "ends", planned });
        end(world, planned.fault);
      });
    },
    act: ({ at, nodes, act }) => {
      for (const node of nodes) queue.at(startAt + at, () => hosts[node]?.submit(act, options.council));
    },
    reform: () => {
      for (const { node } of options.byzantine) hosts[node]?.corrupt({});
    },
  };
}

function indexByAddress(keys: readonly Key[]): (address: Address) => number {
  const nodes = new Map(keys.map(({ address }, index) => [address, index]));
  return (address) => nodes.get(address) ?? -1;
}

function corrupt({
  byzantine,
  hosts,
  gossip,
  clocks,
  ...world
}: ClusterOptions & {
  readonly hosts: readonly Host[];
  readonly gossip: ReturnType<typeof createGossip>;
  readonly queue: EventQueue;
  readonly clocks: readonly NodeClock[];
}): void {
  const cabal = byzantine.flatMap(({ node }) => {
    const key = world.keys[node];
    return key === undefined ? [] : [{ node, key }];
  });
  for (const { node, name, create } of byzantine) {
    const [host, clock] = [hosts[node], clocks[node]];
    if (host === undefined || clock === undefined) continue;
    const ears: Ears = createEars(world.network, world.scheme);
    const behaviour = create(openView({ ...world, name, host, clock, ears, gossip, cabal }));
    host.corrupt({
      ...behaviour,
      hears: (message) => {
        ears.hear(message.topic, message.bytes);
        return behaviour.hears?.(message) ?? true;
      },
    });
  }
}

type World = {
  readonly places: readonly Place[];
  readonly links: ReturnType<typeof createLinks>;
  readonly queue: EventQueue;
  readonly market: Market;
  readonly start: (node: number) => void;
};

function begin(world: World, { at, until, fault }: PlannedFault): void {
  const { places, links, queue, market } = world;
  if (isLinkFault(fault)) links.begin(fault);
  else if (isWorldFault(fault)) market.begin(fault, { at: queue.now(), until: queue.now() + until - at });
  else if (fault.kind === "outage") for (const place of places) takeDown(place);
  else {
    const place = places[fault.node];
    if (place !== undefined) BEGIN[fault.kind](place, fault as never, queue);
  }
}

function end(world: World, fault: Fault): void {
  const { places, links, queue, market, start } = world;
  if (isLinkFault(fault)) links.end(fault);
  else if (isWorldFault(fault)) market.end(fault, queue.now());
  else {
    for (const [node, place] of places.entries()) {
      if (fault.kind !== "outage" && fault.node !== node) continue;
      if (fault.kind === "disk-full") place.disk.fill(false);
      else if (fault.kind === "pause") place.host.resume();
      else if (fault.kind === "clock-step" || fault.kind === "clock-drift") place.clock.correct(queue.now());
      else {
        place.down = Math.max(0, place.down - 1);
        start(node);
      }
    }
  }
}

type PlaceFault = ClockFault | Exclude<NodeFault, { kind: "outage" }>;

const BEGIN: {
  readonly [K in PlaceFault["kind"]]: (place: Place, fault: Extract<PlaceFault, { kind: K }>, queue: EventQueue) => void;
} = {
  "clock-step": ({ clock }, { ms }) => clock.step(ms),
  "clock-drift": ({ clock }, { ppm }, queue) => clock.drift(ppm, queue.now()),
  crash: (place) => takeDown(place),
  "crash-torn": (place) => {
    takeDown(place, true);
    place.disk.tear();
  },
  "crash-lost": (place, { writes }) => {
    takeDown(place);
    place.lostRecords += place.disk.lose(writes);
  },
  "disk-wiped": (place) => {
    takeDown(place);
    place.lostRecords += place.disk.replace([]);
  },
  // The copy is made now; the crash that brings it back comes later.
  "disk-restored": (place, { afterMs }, queue) => {
    place.copy = place.disk.copy();
    const { copy } = place;
    place.down += 1;
    queue.after(afterMs, () => {
      place.host.stop({ landed: false });
      place.lostRecords += place.disk.replace(copy);
    });
  },
  "disk-full": ({ disk }) => disk.fill(true),
  pause: ({ host }) => host.pause(),
};

function takeDown(place: Place, landed = false): void {
  place.down += 1;
  place.host.stop({ landed });
}
