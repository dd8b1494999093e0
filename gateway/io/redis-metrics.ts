import { Counter, Gauge, type Registry } from "prom-client";

const ENTRIES = "breakwater_follower_entries_total";

/**
 * Counts an entry that the reader passed over, in the same counter as the follower's verdicts, which whoever comes first registers.
 */
export function createEntryCounter(registry: Registry): (labels: { readonly source: string; readonly code: string }) => void {
  return (labels) => {
    const known = registry.getSingleMetric(ENTRIES);
    const counter = known instanceof Counter ? known : newEntryCounter(registry);
    counter.inc(labels);
  };
}

function newEntryCounter(registry: Registry): Counter {
  return new Counter({
    name: ENTRIES,
    help: "Entries read of logs that are followed: `head`, `history`, `duplicate`, `orphan`, or why one was refused or passed over",
    labelNames: ["source", "code"],
    registers: [registry],
  });
}

/** How an append ended; the label of a counter. `late` was made up for after Redis had been away. */
export const APPEND_OUTCOMES = ["appended", "late", "failed", "dropped", "restarted"] as const;
export type AppendOutcome = (typeof APPEND_OUTCOMES)[number];

export function createPublisherMetrics(registry: Registry): {
  readonly up: (isUp: boolean) => void;
  readonly append: (outcome: AppendOutcome) => void;
} {
  const registers = [registry];
  const up = new Gauge({
    name: "breakwater_redis_up",
    help: "1 while this node's streams in Redis take what it appends",
    registers,
  });
  const appends = new Counter({
    name: "breakwater_redis_appends_total",
    help:
      "Entries for this node's streams in Redis: `appended`, `late` (made up for), `failed` (tried again), `dropped` (not kept while Redis " +
      "was away; rounds are made up for), `restarted` (a stream that took no more was begun anew)",
    labelNames: ["outcome"],
    registers,
  });
  up.set(0);
  for (const outcome of APPEND_OUTCOMES) appends.inc({ outcome }, 0);
  return { up: (isUp) => up.set(isUp ? 1 : 0), append: (outcome) => appends.inc({ outcome }) };
}

export function createLimitsGauge(registry: Registry): (isUp: boolean) => void {
  const gauge = new Gauge({
    name: "breakwater_limits_redis_up",
    help: "1 while requests are counted in Redis, 0 while each gateway counts its own",
    registers: [registry],
  });
  gauge.set(0);
  return (isUp) => gauge.set(isUp ? 1 : 0);
}
