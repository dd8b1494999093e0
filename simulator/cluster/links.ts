import type { Random } from "../random.ts";
import type { EventQueue } from "./events.ts";
import type { LinkFault } from "./fault.ts";

/** The wires between the nodes, one each way for every pair. */
export type Links = {
  /** Delivers later: once, not at all, or twice, as the faults in force have it. */
  readonly carry: (from: number, to: number, deliver: () => void) => void;
  /** False while nothing at all passes this way: a connection that is cut. */
  readonly isOpen: (from: number, to: number) => boolean;
  readonly begin: (fault: LinkFault) => void;
  readonly end: (fault: LinkFault) => void;
};

export function createLinks({
  queue,
  random,
  delayMs: [shortest, longest],
}: {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly delayMs: readonly [number, number];
}): Links {
  let faults: readonly LinkFault[] = [];
  const held = new Map<LinkFault, (() => void)[]>();

  const isOpen = (from: number, to: number): boolean => !faults.some((fault) => cuts(fault, from, to));
  const send = (from: number, to: number, deliver: () => void): void => {
    const clog = faults.find((fault) => fault.kind === "clog" && fault.from === from && fault.to === to);
    if (clog !== undefined) held.get(clog)?.push(deliver);
    else queue.after(shortest + random.below(longest - shortest + 1) + extraMs(faults, random, from, to), deliver);
  };
  return {
    isOpen,
    carry: (from, to, deliver) => {
      if (faults.length === 0) {
        queue.after(shortest + random.below(longest - shortest + 1), deliver);
        return;
      }
      if (!isOpen(from, to)) return;
      if (happens(faults, "loss", random, [from, to])) return;
      send(from, to, deliver);
      if (happens(faults, "duplicate", random, [from, to])) send(from, to, deliver);
    },
    begin: (fault) => {
      faults = [...faults, fault];
      if (fault.kind === "clog") held.set(fault, []);
    },
    end: (fault) => {
      faults = faults.filter((other) => other !== fault);
      for (const deliver of held.get(fault) ?? []) queue.after(shortest, deliver);
      held.delete(fault);
    },
  };
}

function cuts(fault: LinkFault, from: number, to: number): boolean {
  if (fault.kind === "partition") return fault.nodes.includes(from) !== fault.nodes.includes(to);
  return fault.kind === "one-way" && fault.from.includes(from) && fault.to.includes(to);
}

function happens(faults: readonly LinkFault[], kind: "loss" | "duplicate", random: Random, ends: readonly number[]): boolean {
  return faults.some((fault) => {
    if (fault.kind !== kind) return false;
    const concerned = fault.nodes === undefined || ends.some((node) => fault.nodes?.includes(node));
    return concerned && random.below(100) < fault.percent;
  });
}

function extraMs(faults: readonly LinkFault[], random: Random, from: number, to: number): number {
  let extra = 0;
  for (const fault of faults) {
    if (fault.kind === "reorder") extra += random.below(fault.byMs + 1);
    if (fault.kind === "slow" && (fault.nodes.includes(from) || fault.nodes.includes(to))) extra += fault.byMs;
  }
  return extra;
}
