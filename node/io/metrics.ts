import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { PollerMetrics } from "../../adapters/io/reporter.ts";
import { BREAKER_STATES } from "../../protocol/report.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { EVENT_LEVELS, type EventCode } from "../events.ts";
import { GOSSIP_VERDICTS, type GossipCode, type Verdict } from "../gossip-codes.ts";
import { type MachineStatus, TOPICS, type Topic } from "../machine.ts";
import type { Sample } from "../sampler.ts";
import { type FlowMetrics, flowMetrics, sourceMetrics } from "./flow-metrics.ts";
import { collectProcessMetrics } from "./process-metrics.ts";
import { REQUEST_FAULTS, REQUEST_PROTOCOLS, type TransportMetrics } from "./transport-types.ts";

export type NodeMetrics = FlowMetrics & {
  readonly registry: Registry;
  readonly poller: PollerMetrics;
  readonly transport: TransportMetrics;
  /** Once a round, with what this node could say of the market. */
  readonly onSample: (sample: Sample) => void;
  readonly onEvent: (code: EventCode) => void;
  readonly onVerdict: (topic: Topic, verdict: Verdict, code: GossipCode) => void;
  readonly onCertified: (certified: CertifiedRound, now: number) => void;
  readonly onOrphan: () => void;
  readonly onPhase: (phase: MachineStatus["phase"]) => void;
};

const PHASES: readonly MachineStatus["phase"][] = ["quarantine", "running", "halted"];

/** One registry a node; names end in their unit, labels come from closed unions or the config. */
export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const registers = [registry];
  const onDrops = dropMetrics(registers);
  const onSources = sourceMetrics(registers);
  return {
    registry,
    poller: pollerMetrics(registers),
    transport: transportMetrics(registers),
    onSample: (sample) => {
      onDrops(sample);
      onSources(sample);
    },
    ...roundMetrics(registers),
    ...flowMetrics(registers),
  };
}

type RoundMetrics = Pick<NodeMetrics, "onEvent" | "onVerdict" | "onCertified" | "onOrphan" | "onPhase">;

function roundMetrics(registers: Registry[]): RoundMetrics {
  const events = new Counter({
    name: "breakwater_events_total",
    help: "Events of the round machine",
    labelNames: ["code"],
    registers,
  });
  const gossip = new Counter({
    name: "breakwater_gossip_messages_total",
    help: "Gossip messages by verdict and code",
    labelNames: ["topic", "verdict", "code"],
    registers,
  });
  const round = new Gauge({ name: "breakwater_round", help: "Newest certified round", registers });
  const validUntil = new Gauge({
    name: "breakwater_valid_until_seconds",
    help: "Lease of the newest certificate, Unix",
    registers,
  });
  const certified = new Counter({
    name: "breakwater_rounds_certified_total",
    help: "Certificates that became the head",
    registers,
  });
  const siblings = new Counter({ name: "breakwater_sibling_certificates_total", help: "Certificates off the chain", registers });
  const latency = new Histogram({
    name: "breakwater_certificate_delay_seconds",
    help: "From the start of a round to its certificate here",
    buckets: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6],
    registers,
  });
  const states = new Gauge({
    name: "breakwater_breaker_state",
    help: "Breaker state of a feed: 0 open, 1 half-open, 2 closed",
    labelNames: ["feed"],
    registers,
  });
  const phase = new Gauge({ name: "breakwater_phase", help: "1 for the phase the node is in", labelNames: ["phase"], registers });
  // A counter that appears with its first event has no rate from it: an alert on it would miss that one.
  for (const code of Object.keys(EVENT_LEVELS)) events.inc({ code }, 0);
  for (const topic of TOPICS) {
    for (const [code, verdict] of Object.entries(GOSSIP_VERDICTS)) gossip.inc({ topic, verdict, code }, 0);
  }
  return {
    onEvent: (code) => events.inc({ code }),
    onVerdict: (topic, verdict, code) => gossip.inc({ topic, verdict, code }),
    onCertified: ({ certificate: { header }, feeds }, now) => {
      round.set(header.round);
      validUntil.set(header.validUntil / 1_000);
      certified.inc();
      latency.observe(Math.max(0, now - header.timestamp) / 1_000);
      for (const { report } of feeds) states.set({ feed: report.feed }, BREAKER_STATES.indexOf(report.state));
    },
    onOrphan: () => siblings.inc(),
    onPhase: (current) => {
      for (const name of PHASES) phase.set({ phase: name }, name === current ? 1 : 0);
    },
  };
}

function pollerMetrics(registers: Registry[]): PollerMetrics {
  const requests = new Histogram({
    name: "breakwater_venue_request_seconds",
    help: "Venue requests by outcome",
    labelNames: ["venue", "code"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const faults = new Counter({
    name: "breakwater_venue_faults_total",
    help: "Markets without a quote in a venue's answer, by fault",
    labelNames: ["venue", "market", "code"],
    registers,
  });
  return {
    onRequest: ({ venue, code, ms }) => requests.observe({ venue, code }, ms / 1_000),
    onFault: (labels) => faults.inc(labels),
  };
}

/** A venue that answers and is not believed (offset, frozen) shows here and not among the poller's faults. */
function dropMetrics(registers: Registry[]): NodeMetrics["onSample"] {
  const drops = new Counter({
    name: "breakwater_source_drops_total",
    help: "Samples in which a source did not count, by why",
    labelNames: ["feed", "venue", "market", "code"],
    registers,
  });
  return ({ prices }) => {
    for (const { feed, sources } of prices.values()) {
      for (const { source, drop } of sources) {
        if (drop !== undefined) drops.inc({ feed, venue: source.venue, market: source.market, code: drop.code });
      }
    }
  };
}

function transportMetrics(registers: Registry[]): TransportMetrics {
  const peers = new Gauge({ name: "breakwater_peers", help: "Connected committee peers", registers });
  const refused = new Counter({ name: "breakwater_connections_refused_total", help: "Strangers turned away", registers });
  const exchanges = new Counter({
    name: "breakwater_peer_requests_total",
    help: "Requests between members, by side and outcome",
    labelNames: ["protocol", "side", "code"],
    registers,
  });
  const relayed = new Counter({
    name: "breakwater_gossip_relayed_total",
    help: "Gossip as the transport saw it",
    labelNames: ["topic", "verdict"],
    registers,
  });
  for (const protocol of REQUEST_PROTOCOLS) {
    for (const side of ["client", "server"]) {
      for (const code of ["ok", ...REQUEST_FAULTS]) exchanges.inc({ protocol, side, code }, 0);
    }
  }
  return {
    onGossip: (labels) => relayed.inc(labels),
    onRequest: (labels) => exchanges.inc(labels),
    onLink: ({ up }) => peers.inc(up ? 1 : -1),
    onRefused: () => refused.inc(),
  };
}
