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
  readonly rttMs: (from: number, to: number) => number;
};

export function createWires({ seed, nodes, queue, traffic, law, lossPpm, mbitPerSecond }: WireOptions): Wires {
  const lines = Array.from({ length: nodes }, () => ({ up: createPort(mbitPerSecond), down: createPort(mbitPerSecond) }));
  const flows = new Map<string, Flow>();
  const way = (from: number, to: number): number => rttMs(regionOf(from), regionOf(to));
  const flowOf = (from: number, to: number): Flow => {
    const name = `${from} ${to}`;
    const known = flows.get(name);
    if (known !== undefined) return known;
    const { up } = lines[from] ?? { up: createPort(mbitPerSecond) };
    const { down } = lines[to] ?? { down: createPort(mbitPerSecond) };
    const flow = createFlow({
      queue,
      random: createRandom(seed, `flow ${name}`),
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
    rttMs: way,
  };
}
