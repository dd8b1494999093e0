import { TOPICS, type Topic } from "../../node/machine.ts";

/** What bytes are for: a topic's messages, gossipsub's own control messages, requests and answers, or packets sent once more. */
export const KINDS = [...TOPICS, "control", "fetch", "repeat"] as const;
export type Kind = (typeof KINDS)[number];

/** Bytes on the wire by sender and kind, and how often a message came to a node that had it. */
export type Traffic = {
  readonly onSent: (from: number, kind: Kind, bytes: number) => void;
  readonly onHeard: (topic: Topic, isNew: boolean) => void;
  /** A gossip stream whose peer did not take what waited for it. */
  readonly onCut: () => void;
  /** From here on it counts. */
  readonly begin: () => void;
  readonly total: () => TrafficTotal;
};

export type TrafficTotal = {
  readonly bytesOf: readonly number[];
  readonly byKind: Readonly<Record<Kind, number>>;
  readonly heard: number;
  readonly repeats: number;
  /** The same of observations only, which weigh most. */
  readonly heardObservations: number;
  readonly repeatObservations: number;
  readonly cuts: number;
};

export function createTraffic(nodes: number): Traffic {
  const start = () => ({
    bytesOf: Array.from({ length: nodes }, () => 0),
    byKind: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
    heard: 0,
    repeats: 0,
    heardObservations: 0,
    repeatObservations: 0,
    cuts: 0,
  });
  let counts = start();
  return {
    onSent: (from, kind, bytes) => {
      counts.bytesOf[from] = (counts.bytesOf[from] ?? 0) + bytes;
      counts.byKind[kind] += bytes;
    },
    onHeard: (topic, isNew) => {
      counts.heard += 1;
      if (!isNew) counts.repeats += 1;
      if (topic !== "observation") return;
      counts.heardObservations += 1;
      if (!isNew) counts.repeatObservations += 1;
    },
    onCut: () => {
      counts.cuts += 1;
    },
    begin: () => {
      counts = start();
    },
    total: () => counts,
  };
}
