import type { EventQueue } from "../cluster/events.ts";
import { createRandom } from "../random.ts";
import { createFlow, type Flow, HEADER_BYTES, SEGMENT_BYTES } from "./flow.ts";
import { createPort } from "./port.ts";
import { regionOf, rttMs } from "./regions.ts";
import type { Kind, Traffic } from "./traffic.ts";
import type { Law } from "./window.ts";

export type WireOptions = {
  readonly seed: number;
  readonly nodes: number;
  readonly queue: EventQueue;
  readonly traffic: Traffic;
  readonly law: Law;
  readonly lossPpm: number;
  readonly mbitPerSecond: number;
};

/** `node/io/transport-links.ts`: a connection without a gossip stream is renewed after so many looks; dialling takes some round trips. */
const MUTE_MS = 5_000;
const DIAL_ROUND_TRIPS = 4;

/** One connection for every pair of nodes, which everything between them shares, and one access line a node. */
export type Wires = {
  /** In order after all that was sent this way before. */
  readonly carry: (
    way: { readonly from: number; readonly to: number; readonly kind: Kind },
    bytes: number,
    deliver: () => void,
  ) => void;
  /** Bytes that wait this way. */
  readonly backlog: (from: number, to: number) => number;
  /** The stream is cut: what waits on it is gone, and nothing is heard on this way until the connection is renewed. */
  readonly cut: (from: number, to: number) => void;
  readonly isMute: (from: number, to: number) => boolean;
  readonly rttMs: (from: number, to: number) => number;
};

export function createWires({ seed, nodes, queue, traffic, law, lossPpm, mbitPerSecond }: WireOptions): Wires {
  const lines = Array.from({ length: nodes }, () => ({ up: createPort(mbitPerSecond), down: createPort(mbitPerSecond) }));
  const flows = new Map<string, Flow>();
  const muteUntil = new Map<string, number>();
  const way = (from: number, to: number): number => rttMs(regionOf(from), regionOf(to));
  const flowOf = (from: number, to: number): Flow => {
    const name = `${from} ${to}`;
    const known = flows.get(name);
    if (known !== undefined) return known;
    const { up } = lines[from] ?? { up: createPort(mbitPerSecond) };
    const { down } = lines[to] ?? { down: createPort(mbitPerSecond) };
    const flow = createFlow({
      queue,
      random: createRandom(seed, `flow ${name} ${muteUntil.get(name) ?? ""}`),
      rttMs: way(from, to),
      lossPpm,
      law,
      up,
      down,
      onAgain: (bytes) => traffic.onSent(from, "repeat", bytes),
    });
    flows.set(name, flow);
    return flow;
  };
  return {
    carry: ({ from, to, kind }, bytes, deliver) => {
      traffic.onSent(from, kind, bytes + HEADER_BYTES * Math.ceil(bytes / SEGMENT_BYTES));
      flowOf(from, to).send(bytes, deliver);
    },
    backlog: (from, to) => flows.get(`${from} ${to}`)?.backlog() ?? 0,
    cut: (from, to) => {
      const name = `${from} ${to}`;
      flows.get(name)?.close();
      flows.delete(name);
      muteUntil.set(name, queue.now() + MUTE_MS + DIAL_ROUND_TRIPS * way(from, to));
      traffic.onCut();
    },
    isMute: (from, to) => queue.now() < (muteUntil.get(`${from} ${to}`) ?? 0),
    rttMs: way,
  };
}
