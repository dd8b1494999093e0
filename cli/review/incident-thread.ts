import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { ThresholdsOf } from "../../simulator/incidents/network.ts";
import { runIncidents } from "../../simulator/incidents/suite.ts";
import type { PresetThresholds } from "./plays.ts";

/** What the thread is started with, and what it answers: a summary for each, in their order. */
export type Order = readonly { readonly incident: string; readonly thresholds: PresetThresholds }[];

const LOWEST_PRIORITY = 19;

// On Linux a priority is a thread's own: the suite takes what the node's other threads leave.
if (process.platform === "linux") setPriority(0, LOWEST_PRIORITY);
const summaries = (workerData as Order).map(({ incident, thresholds }) => {
  const thresholdsOf: ThresholdsOf = (preset) => {
    const { liquidateNone = [], ...rest } = thresholds[preset] ?? {};
    return { ...rest, liquidateNone: [...liquidateNone] };
  };
  return runIncidents({ only: incident, thresholdsOf })[0]?.summary;
});
parentPort?.postMessage(summaries);
