import { Worker } from "node:worker_threads";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { ReviewerParts } from "../../node/io/review.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import type { Order } from "./incident-thread.ts";
import { planPlays } from "./plays.ts";

/** Outcomes that are remembered: every incident before and after a change of every preset, and as much again for the next proposal. */
const MAX_REMEMBERED = 512;
const THREAD = new URL(import.meta.filename.endsWith(".ts") ? "./incident-thread.ts" : "./incident-thread.js", import.meta.url);

export type IncidentSuite = { readonly incidents: ReviewerParts["incidents"]; readonly stop: () => Promise<void> };

/**
 * The incident suite for replay reports, in a thread of its own: an incident takes up to a second of computing, and a node signs every
 * second. What was played is remembered, so that governors who sign one after another wait once.
 */
export function createIncidentSuite(): IncidentSuite {
  const known = new Map<string, string>();
  const threads = new Set<Worker>();
  const play = async (order: Order): Promise<void> => {
    const thread = new Worker(THREAD, { workerData: order });
    threads.add(thread);
    try {
      const summaries = await answerOf(thread);
      for (const [index, item] of order.entries()) remember(known, keyOf(item), String(summaries[index]));
    } finally {
      threads.delete(thread);
      await thread.terminate();
    }
  };
  const playUnknown = async (wanted: Order): Promise<void> => {
    const unknown = new Map(wanted.filter((item) => !known.has(keyOf(item))).map((item) => [keyOf(item), item]));
    if (unknown.size > 0) await play([...unknown.values()]);
  };
  return {
    incidents: async (current, next) => {
      const plays = planPlays(current, next).map(({ incident, name, before, after }) => ({
        name,
        before: { incident, thresholds: before },
        after: { incident, thresholds: after },
      }));
      await playUnknown(plays.flatMap(({ before, after }) => [before, after]));
      const outcome = (item: Order[number]): string => known.get(keyOf(item)) ?? "not played";
      return plays.map(({ name, before, after }) => ({ name, before: outcome(before), after: outcome(after) }));
    },
    stop: async () => {
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}

function answerOf(thread: Worker): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    thread.once("message", (summaries: readonly unknown[]) => resolve(summaries));
    thread.once("error", reject);
    thread.once("exit", () => reject(new OperationalError("the incident suite was stopped", { code: "replay" })));
  });
}

function keyOf(item: Order[number]): string {
  return canonicalJson(item as unknown as Json);
}

/** The oldest goes first. One proposal has less than half as many outcomes as there is room for, so none of its own goes. */
function remember(known: Map<string, string>, key: string, summary: string): void {
  known.set(key, summary);
  for (const oldest of known.keys()) {
    if (known.size <= MAX_REMEMBERED) return;
    known.delete(oldest);
  }
}
