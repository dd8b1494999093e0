import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { FeedId } from "../../protocol/feed.ts";
import { ALERT_KINDS, type AlertKind } from "../alert-message.ts";
import type { Sample } from "../sampler.ts";
import { STAGES, type Stage } from "./stages.ts";

/** `delivered`: the receiver said 2xx. `lost`: refused for good, or given up. `dropped`: pushed out of a full queue. */
export const ALERT_OUTCOMES = ["delivered", "lost", "dropped"] as const;
export type AlertOutcome = (typeof ALERT_OUTCOMES)[number];

/** What an operator asks of one node: where a round's time goes, whether it counts, and what it stands on. */
export type FlowMetrics = {
  readonly onStage: (stage: Stage, seconds: number) => void;
  /** A round became the head: whether its body holds this node's observation. */
  readonly onInclusion: (included: boolean) => void;
  /** Undefined: nobody to compare with. */
  readonly onClockOffset: (ms: number | undefined) => void;
  /** Undefined: the file system does not say. */
  readonly onFreeBytes: (bytes: number | undefined) => void;
  readonly onAlert: (kind: AlertKind, outcome: AlertOutcome) => void;
};

const STAGE_BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Every label of a closed set exists at 0 from the start: `rate` and `increase` see the first event. */
export function flowMetrics(registers: Registry[]): FlowMetrics {
  const stages = new Histogram({
    name: "breakwater_stage_seconds",
    help: `Stages of a round through this node. ${helpOf(STAGES)}`,
    labelNames: ["stage"],
    buckets: STAGE_BUCKETS,
    registers,
  });
  const inclusion = new Counter({
    name: "breakwater_own_inclusion_total",
    help: "Rounds that became the head, by whether their body holds this node's observation",
    labelNames: ["included"],
    registers,
  });
  const alerts = new Counter({
    name: "breakwater_alerts_sent_total",
    help: "Alerts to webhooks by kind; delivered, lost (refused for good or given up), dropped (queue full)",
    labelNames: ["kind", "outcome"],
    registers,
  });
  for (const stage of Object.keys(STAGES)) stages.zero({ stage });
  for (const included of ["yes", "no"]) inclusion.inc({ included }, 0);
  for (const kind of ALERT_KINDS) for (const outcome of ALERT_OUTCOMES) alerts.inc({ kind, outcome }, 0);
  return {
    onStage: (stage, seconds) => stages.observe({ stage }, seconds),
    onInclusion: (included) => inclusion.inc({ included: included ? "yes" : "no" }),
    onClockOffset: optionalGauge(
      "breakwater_clock_offset_seconds",
      "Peers' median clock minus this machine's: positive when this one is behind; absent while unknown",
      { registers, scale: 1e-3 },
    ),
    onFreeBytes: optionalGauge("breakwater_storage_free_bytes", "Free for this user on the store's file system", {
      registers,
      scale: 1,
    }),
    onAlert: (kind, outcome) => alerts.inc({ kind, outcome }),
  };
}

/** Sources of each feed in this node's newest sample. A feed that left the config leaves the metric. */
export function sourceMetrics(registers: Registry[]): (sample: Sample) => void {
  const sources = new Gauge({
    name: "breakwater_feed_sources",
    help: "Sources of a feed in this node's newest sample, used or dropped",
    labelNames: ["feed", "status"],
    registers,
  });
  let shown = new Set<FeedId>();
  return ({ prices }) => {
    for (const feed of shown) {
      if (prices.has(feed)) continue;
      sources.remove({ feed, status: "used" });
      sources.remove({ feed, status: "dropped" });
    }
    shown = new Set(prices.keys());
    for (const { feed, sources: outcomes } of prices.values()) {
      const dropped = outcomes.reduce((count, { drop }) => (drop === undefined ? count : count + 1), 0);
      sources.set({ feed, status: "used" }, outcomes.length - dropped);
      sources.set({ feed, status: "dropped" }, dropped);
    }
  };
}

/** A gauge that shows nothing rather than a zero while its value is unknown. */
function optionalGauge(
  name: string,
  help: string,
  { registers, scale }: { readonly registers: Registry[]; readonly scale: number },
): (value: number | undefined) => void {
  const gauge = new Gauge({ name, help, registers });
  gauge.remove();
  return (value) => (value === undefined ? gauge.remove() : gauge.set(value * scale));
}

function helpOf(stages: Readonly<Record<string, string>>): string {
  return Object.entries(stages)
    .map(([stage, span]) => `${stage}: ${span}`)
    .join("; ");
}
