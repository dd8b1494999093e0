import { getHeapStatistics } from "node:v8";
import { ALLOCATION_A_BYTE, type Harness, type Target } from "./target.ts";

/** What one execution came to. A fault is what it threw, or the bound it broke; its text is the finding's identity. */
export type Measured = {
  readonly signature: string;
  /** Of CPU, in this thread: a busy machine makes nothing slow. Waiting is for the target to bound. */
  readonly ms: number;
  readonly allocated: number;
  readonly fault: { readonly kind: "thrown" | "slow" | "allocation"; readonly what: string } | undefined;
};

/** A bound is broken only when it is broken each time: the machine has others to serve, and a collection may fall in between. */
const ATTEMPTS = 3;
const MAX_WHAT = 240;

/** Runs one input and holds it against the target's bounds. */
export async function measure(target: Target, harness: Harness, input: Uint8Array): Promise<Measured> {
  let best = await once(harness, input);
  const maxAllocation = target.maxAllocation + ALLOCATION_A_BYTE * input.length;
  for (let attempt = 1; attempt < ATTEMPTS && best.fault === undefined; attempt++) {
    if (best.ms <= target.limitMs && best.allocated <= maxAllocation) return best;
    const again = await once(harness, input);
    best = { ...again, ms: Math.min(again.ms, best.ms), allocated: Math.min(again.allocated, best.allocated) };
  }
  if (best.fault !== undefined) return best;
  if (best.ms > target.limitMs) return { ...best, fault: { kind: "slow", what: `more than ${target.limitMs} ms` } };
  if (best.allocated > maxAllocation) return { ...best, fault: { kind: "allocation", what: "more than its input accounts for" } };
  return best;
}

async function once(harness: Harness, input: Uint8Array): Promise<Measured> {
  const before = allocatedNow();
  const startedAt = process.threadCpuUsage();
  let signature = "";
  let fault: Measured["fault"];
  try {
    const outcome = harness.execute(input);
    signature = typeof outcome === "string" ? outcome : await outcome;
  } catch (error) {
    fault = { kind: "thrown", what: describe(error) };
  }
  const { user, system } = process.threadCpuUsage(startedAt);
  const ms = (user + system) / 1_000;
  return { signature, ms, allocated: Math.max(0, allocatedNow() - before), fault };
}

/** Heap and array buffers; what is freed in between makes it less, never more. */
function allocatedNow(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** The error and where it came from, without the numbers that differ from input to input. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error).slice(0, MAX_WHAT)}`;
  const frame = /(?:\/|\()([\w-]+(?:\/[\w-]+)*\.ts):\d+:\d+/.exec(error.stack?.split("\n").slice(1).join("\n") ?? "")?.[1];
  const text = error.message.slice(0, MAX_WHAT).replace(/\d+/g, "#");
  return `${error.name}: ${text}${frame === undefined ? "" : ` (${frame.split("/").slice(-2).join("/")})`}`;
}
