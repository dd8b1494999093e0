import type { Act } from "../cluster/act.ts";
import type { Fault } from "../cluster/fault.ts";

/** How each field of a fault reads; what is not here is left out. */
const FIELD_WORDS: Readonly<Record<string, (value: unknown) => string>> = {
  node: (value) => nodeName(Number(value)),
  nodes: nodeNames,
  from: (value) => `from ${nodeNames(value)}`,
  to: (value) => `to ${nodeNames(value)}`,
  percent: (value) => `${value} %`,
  ms: (value) => `${value} ms`,
  byMs: (value) => `by ${value} ms`,
  afterMs: (value) => `after ${value} ms`,
  ppm: (value) => `${value} ppm`,
  writes: (value) => `${value} writes`,
  feed: (value) => String(value),
  bps: (value) => `${Number(value) > 0 ? "+" : ""}${value} bps`,
  venue: (value) => `venue${value}`,
  venues: (value) =>
    [value]
      .flat()
      .map((venue) => `venue${venue}`)
      .join(" "),
};

/** @example faultWords({ kind: "slow", byMs: 800, nodes: [0, 2] }); // "slow by 800 ms node0 node2" */
export function faultWords(fault: Fault): string {
  const words = Object.entries(fault).flatMap(([field, value]) => FIELD_WORDS[field]?.(value) ?? []);
  return [fault.kind, ...words].join(" ");
}

/** @example actWords({ kind: "pause-feed", who: 1, feed: "ETH/USD", forMs: 4_000 }); // "1, ETH/USD, 4000 ms" */
export function actWords({ who, feed, forMs }: Act): string {
  return `${who}, ${feed}, ${forMs} ms`;
}

export function nodeName(node: number): string {
  return `node${node}`;
}

function nodeNames(value: unknown): string {
  return [value]
    .flat()
    .map((node) => nodeName(Number(node)))
    .join(" ");
}
