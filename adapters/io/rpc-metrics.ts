import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { FaultCode } from "../adapter.ts";
import type { EndpointStanding } from "../chain/agreement.ts";

/** An endpoint by its place in node.yaml and its host; never its whole URL, which may hold a key. */
export type EndpointLabels = { readonly chain: string; readonly endpoint: string };

export type RpcMetrics = {
  readonly onRequest: (event: EndpointLabels & { readonly code: "ok" | FaultCode; readonly ms: number }) => void;
  readonly onFault: (event: EndpointLabels & { readonly read: string; readonly code: FaultCode }) => void;
  readonly onHead: (event: EndpointLabels & { readonly number: number; readonly gapMs: number | undefined }) => void;
  /** After each of its polls: whether it counts against the others. */
  readonly onStanding: (event: EndpointLabels & { readonly standing: EndpointStanding }) => void;
  readonly onDissent: (event: EndpointLabels & { readonly gauge: string }) => void;
};

/** `breakwater_rpc_…`; labels come from the configs and from closed unions. */
export function createRpcMetrics(registry: Registry): RpcMetrics {
  const registers = [registry];
  const endpoint = ["chain", "endpoint"] as const;
  const requests = new Histogram({
    name: "breakwater_rpc_request_seconds",
    help: "Requests to chain RPC endpoints by outcome",
    labelNames: [...endpoint, "code"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const faults = new Counter({
    name: "breakwater_rpc_faults_total",
    help: "Reads of a chain that an endpoint did not give, by fault",
    labelNames: [...endpoint, "read", "code"],
    registers,
  });
  const head = new Gauge({
    name: "breakwater_rpc_head_block",
    help: "Newest block an endpoint shows",
    labelNames: endpoint,
    registers,
  });
  const gap = new Gauge({
    name: "breakwater_rpc_block_gap_seconds",
    help: "Mean time between an endpoint's last blocks",
    labelNames: endpoint,
    registers,
  });
  const standings = new Counter({
    name: "breakwater_rpc_standing_total",
    help: "Polls by whether the endpoint counted against the others: counted, silent, lagging or ahead",
    labelNames: [...endpoint, "standing"],
    registers,
  });
  const dissents = new Counter({
    name: "breakwater_rpc_dissents_total",
    help: "Values of an endpoint that the others contradict",
    labelNames: [...endpoint, "gauge"],
    registers,
  });
  return {
    onRequest: ({ ms, ...labels }) => requests.observe(labels, ms / 1_000),
    onFault: (labels) => faults.inc(labels),
    onHead: ({ number, gapMs, ...labels }) => {
      head.set(labels, number);
      if (gapMs !== undefined) gap.set(labels, gapMs / 1_000);
    },
    onStanding: (labels) => standings.inc(labels),
    onDissent: (labels) => dissents.inc(labels),
  };
}
