import type { Topic } from "../../node/machine.ts";
import { TOPICS } from "../../node/machine.ts";
import type { EventQueue } from "../cluster/events.ts";
import type { Host } from "../cluster/host.ts";
import { createRandom, type Random } from "../random.ts";
import type { Work } from "./costs.ts";
import { drawMesh, type MeshBounds, shuffle } from "./mesh.ts";
import type { Processor } from "./processor.ts";
import type { Traffic } from "./traffic.ts";
import type { Wires } from "./wires.ts";

/** gossipsub 17.1.1 sends IDONTWANT for messages from this size on (`GossipsubIdontwantMinDataSize`). */
const IDONTWANT_BYTES = 512;
/** Ids of the last heartbeats' messages go to some peers outside the mesh (`GossipsubHistoryGossip`, `Dlazy`, `GossipsubGossipFactor`). */
const GOSSIPED_HEARTBEATS = 3;
const LAZY_PEERS = 6;
const LAZY_SHARE = 0.25;
/** A peer is sent a message so often at its asking (`GossipsubGossipRetransmission`). */
const MAX_ANSWERS = 3;
/** Topic, lengths and tags of an RPC, the yamux header and Noise's length and tag. */
const FRAME_BYTES = 64;
/** A message id of 20 bytes with its tag and length. */
const ID_BYTES = 22;
/** `node/io/transport-gossip.ts`: MESH, HEARTBEAT_MS and OUTBOUND_FRAMES × MAX_FRAME_BYTES. */
const HEARTBEAT_MS = 1_000;
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;

type Message = { readonly id: number; readonly topic: Topic; readonly bytes: Uint8Array; readonly size: number };
type Station = {
  readonly seen: Set<number>;
  /** Who said that it has a message, by message. */
  readonly declined: Map<number, Set<number>>;
  readonly answered: Map<string, number>;
  recent: { readonly message: Message; readonly at: number }[];
};

export type GossipOptions = {
  readonly seed: number;
  readonly nodes: number;
  readonly queue: EventQueue;
  readonly hosts: readonly Host[];
  readonly processors: readonly Processor[];
  readonly wires: Wires;
  readonly traffic: Traffic;
  readonly work: Work;
  readonly mesh: MeshBounds;
  /** What a message of the modelled network weighs. */
  readonly sizeOf: (topic: Topic, bytes: Uint8Array) => number;
};

/**
 * Gossipsub as `node/io/transport-gossip.ts` sets it up: a node's own messages go to everybody, an accepted one goes on to the topic's
 * mesh except to whom it came from and who declined it; a new one of some size is declined to the mesh before it is judged; each
 * heartbeat tells some others what there is, and they ask for what they lack.
 */
export type WanGossip = { readonly publish: (from: number, topic: Topic, bytes: Uint8Array) => void };

export function createWanGossip(options: GossipOptions): WanGossip {
  const { seed, nodes, queue, hosts, processors, wires, traffic, work, mesh, sizeOf } = options;
  const meshes = Object.fromEntries(
    TOPICS.map((topic) => [topic, drawMesh(nodes, mesh, createRandom(seed, `mesh ${topic}`))]),
  ) as Record<Topic, readonly (readonly number[])[]>;
  const stations = Array.from({ length: nodes }, createStation);
  let ids = 0;

  const at = (node: number, run: (station: Station, processor: Processor) => void): void => {
    const [station, processor] = [stations[node], processors[node]];
    if (station !== undefined && processor !== undefined) run(station, processor);
  };
  const control = (from: number, to: number, count: number, run: () => void): void => {
    if (wires.isMute(from, to)) return;
    wires.carry({ from, to, kind: "control" }, FRAME_BYTES + ID_BYTES * count, run);
  };
  const send = (from: number, to: number, message: Message): void =>
    at(from, (_, processor) =>
      processor.next(work.send(message.size), () => {
        if (wires.isMute(from, to)) return;
        if (wires.backlog(from, to) + message.size > MAX_BACKLOG_BYTES) return wires.cut(from, to);
        wires.carry({ from, to, kind: message.topic }, message.size + FRAME_BYTES, () => receive(to, from, message));
      }),
    );

  const receive = (node: number, from: number, message: Message): void =>
    at(node, (station, processor) =>
      processor.run(work.receive(message.size), () => {
        traffic.onHeard(message.topic, !station.seen.has(message.id));
        if (station.seen.has(message.id)) return;
        station.seen.add(message.id);
        if (message.size >= IDONTWANT_BYTES) decline(node, from, message);
        processor.next(work.judge(message.topic), () => judge(node, from, message));
      }),
    );
  const decline = (node: number, from: number, { id, topic }: Message): void => {
    for (const peer of meshes[topic][node] ?? []) {
      if (peer === from) continue;
      control(node, peer, 1, () => at(peer, ({ declined }) => declined.set(id, (declined.get(id) ?? new Set()).add(node))));
    }
  };
  const judge = (node: number, from: number, message: Message): void => {
    const host = hosts[node];
    host?.deliver(() =>
      host.hear(message.topic, message.bytes, from, () =>
        at(node, (station) => {
          station.recent.push({ message, at: queue.now() });
          for (const peer of meshes[message.topic][node] ?? []) {
            if (peer !== from && station.declined.get(message.id)?.has(peer) !== true) send(node, peer, message);
          }
        }),
      ),
    );
  };

  const beat = (node: number, random: Random): void =>
    at(node, (station) => {
      queue.after(HEARTBEAT_MS, () => beat(node, random));
      station.recent = station.recent.filter((item) => item.at > queue.now() - GOSSIPED_HEARTBEATS * HEARTBEAT_MS);
      for (const topic of TOPICS) {
        const offered = station.recent.filter(({ message }) => message.topic === topic).map(({ message }) => message);
        if (offered.length === 0) continue;
        for (const peer of lazyPeers(node, meshes[topic][node] ?? [], nodes, random)) {
          control(node, peer, offered.length, () => ask(peer, node, offered));
        }
      }
    });
  const ask = (node: number, from: number, offered: readonly Message[]): void =>
    at(node, ({ seen }) => {
      const lacking = offered.filter(({ id }) => !seen.has(id));
      if (lacking.length > 0) control(node, from, lacking.length, () => answer(from, node, lacking));
    });
  const answer = (node: number, to: number, asked: readonly Message[]): void =>
    at(node, ({ answered, declined }) => {
      for (const message of asked) {
        const name = `${message.id} ${to}`;
        const times = (answered.get(name) ?? 0) + 1;
        answered.set(name, times);
        if (times <= MAX_ANSWERS && declined.get(message.id)?.has(to) !== true) send(node, to, message);
      }
    });

  for (let node = 0; node < nodes; node++) {
    const random = createRandom(seed, `heartbeat ${node}`);
    queue.after(random.below(HEARTBEAT_MS), () => beat(node, random));
  }
  return {
    publish: (from, topic, bytes) =>
      at(from, (station) => {
        ids += 1;
        const message = { id: ids, topic, bytes, size: sizeOf(topic, bytes) };
        station.seen.add(message.id);
        station.recent.push({ message, at: queue.now() });
        for (const to of shuffle(othersOf(from, nodes), createRandom(seed, `publish ${ids}`))) send(from, to, message);
      }),
  };
}

function createStation(): Station {
  return { seen: new Set(), declined: new Map(), answered: new Map(), recent: [] };
}

function othersOf(node: number, nodes: number): number[] {
  return Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== node);
}

function lazyPeers(node: number, mesh: readonly number[], nodes: number, random: Random): readonly number[] {
  const outside = othersOf(node, nodes).filter((other) => !mesh.includes(other));
  return shuffle(outside, random).slice(0, Math.max(LAZY_PEERS, Math.ceil(LAZY_SHARE * outside.length)));
}
