import type { Topic } from "../../node/machine.ts";
import type { Random } from "../random.ts";
import type { EventQueue } from "./events.ts";
import type { Host, Wire } from "./host.ts";
import type { Links } from "./links.ts";

/** Neighbours that an accepted message is passed on to; gossipsub's mesh is of that size in a small network. */
const MESH_DEGREE = 4;

/**
 * Gossip as gossipsub does it, as far as it matters here: one's own messages go to everybody, what a node accepts goes on to its mesh,
 * and the same bytes are handed to a node once in its life.
 */
export type Gossip = {
  /** From its author to everybody. */
  readonly publish: (from: number, topic: Topic, bytes: Uint8Array) => void;
  readonly send: (from: number, to: number, topic: Topic, bytes: Uint8Array) => void;
  /** A process that starts remembers no message. */
  readonly forget: (node: number) => void;
  readonly wireOf: (node: number) => Wire;
};

/** `hosts` is filled after this, since each of them needs its wire. */
export function createGossip({
  hosts,
  nodes,
  members,
  connects,
  links,
  queue,
  random,
}: {
  readonly hosts: readonly Host[];
  readonly nodes: number;
  /** The first so many are each other's peers from the beginning. */
  readonly members: number;
  readonly connects: (a: number, b: number) => boolean;
  readonly links: Links;
  readonly queue: EventQueue;
  readonly random: Random;
}): Gossip {
  const seen = Array.from({ length: nodes }, () => new WeakSet<Uint8Array>());
  const meshes = Array.from({ length: nodes }, (_, node) => drawMesh(node, members, random));

  const send = (from: number, to: number, topic: Topic, bytes: Uint8Array): void => {
    const host = hosts[to];
    if (to === from || host === undefined || seen[to]?.has(bytes) || !connects(from, to)) return;
    links.carry(from, to, () => host.deliver(() => receive(host, { topic, bytes, from })));
  };
  const receive = (host: Host, message: { readonly topic: Topic; readonly bytes: Uint8Array; readonly from: number }): void => {
    const { topic, bytes, from } = message;
    if (seen[host.index]?.has(bytes)) return;
    seen[host.index]?.add(bytes);
    host.hear(topic, bytes, from, () => {
      for (const peer of meshes[host.index] ?? []) if (peer !== from) send(host.index, peer, topic, bytes);
    });
  };
  const publish = (from: number, topic: Topic, bytes: Uint8Array): void => {
    seen[from]?.add(bytes);
    for (let to = 0; to < nodes; to++) send(from, to, topic, bytes);
  };

  const request = (from: number, ...[to, { timeoutMs, read }, answer]: Parameters<Wire["request"]>): void => {
    let isOver = false;
    const end = (bytes: Uint8Array | undefined): void => {
      if (isOver) return;
      isOver = true;
      answer(bytes);
    };
    queue.after(timeoutMs, () => end(undefined));
    const peer = hosts[to];
    if (peer === undefined || !connects(from, to)) return;
    links.carry(from, to, () => {
      // Nobody listens: the connection is refused, which is an answer too.
      if (!peer.isUp()) links.carry(to, from, () => end(undefined));
      else
        peer.deliver(() => {
          const bytes = read(peer);
          links.carry(to, from, () => end(bytes));
        });
    });
  };

  return {
    publish,
    send,
    forget: (node) => {
      seen[node] = new WeakSet();
    },
    wireOf: (node) => ({
      publish: (topic, bytes) => publish(node, topic, bytes),
      request: (...asked) => request(node, ...asked),
    }),
  };
}

/** Everybody in a small committee, else a fixed few. */
function drawMesh(node: number, nodes: number, random: Random): readonly number[] {
  const others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== node);
  while (others.length > MESH_DEGREE) others.splice(random.below(others.length), 1);
  return others;
}
