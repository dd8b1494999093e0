import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import { readVersion } from "./version.ts";

/** What every process tells of itself: memory, CPU and event loop as prom-client names them, and the version that runs. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const info = new Gauge({
    name: "breakwater_build_info",
    help: "1, by the version that runs",
    labelNames: ["version"],
    registers: [registry],
  });
  info.set({ version: readVersion() }, 1);
}
