import { fastify } from "fastify";
import { Registry } from "prom-client";
import { createRpcMetrics } from "../../adapters/io/rpc-metrics.ts";
import { createVenueStreamMetrics } from "../../adapters/io/stream-metrics.ts";
import { createFollowMetrics } from "../../gateway/io/follow-metrics.ts";
import { createAccessMetrics, createStreamMetrics, registerRequestMetrics } from "../../gateway/io/metrics.ts";
import { createLimitsGauge, createPublisherMetrics } from "../../gateway/io/redis-metrics.ts";
import { createNodeMetrics } from "../../node/io/metrics.ts";
import { collectProcessMetrics } from "../../node/io/process-metrics.ts";

/** Labels that Prometheus gives every series of a target. */
const TARGET_LABELS = ["job", "instance"];

/** Every series' name that a node or gateway exports, with its labels, those of its target included: asked of the registries themselves. */
export function seriesOfCode(): ReadonlyMap<string, ReadonlySet<string>> {
  const series = new Map<string, ReadonlySet<string>>();
  for (const registry of registries()) {
    for (const { name, type, labelNames } of metricsOf(registry)) {
      const labels = [...labelNames, ...TARGET_LABELS];
      if (type !== "histogram") series.set(name, new Set(labels));
      else {
        series.set(`${name}_bucket`, new Set([...labels, "le"]));
        for (const part of ["sum", "count"]) series.set(`${name}_${part}`, new Set(labels));
      }
    }
  }
  return series;
}

/** As cli/run-node.ts and cli/run-gateway.ts fill theirs. */
function registries(): readonly Registry[] {
  const { registry: node } = createNodeMetrics();
  createRpcMetrics(node);
  createVenueStreamMetrics(node);
  createPublisherMetrics(node);
  const gateway = new Registry();
  collectProcessMetrics(gateway);
  registerRequestMetrics(fastify(), gateway);
  createStreamMetrics(gateway);
  createAccessMetrics(gateway);
  createFollowMetrics(gateway, new Map()).onEntry("redis:0x01", "head");
  createLimitsGauge(gateway);
  return [node, gateway];
}

type Described = { readonly name: string; readonly type: string; readonly labelNames: readonly string[] };

/** prom-client keeps a metric's label names to itself; its type says nothing of them. */
function metricsOf(registry: Registry): readonly Described[] {
  return registry.getMetricsAsArray().map((metric) => {
    const { name, type, labelNames = [] } = metric as unknown as Omit<Described, "type"> & { readonly type?: unknown };
    const isHistogram = metric.constructor.name === "Histogram" || type === "histogram";
    return { name, type: isHistogram ? "histogram" : "plain", labelNames };
  });
}
