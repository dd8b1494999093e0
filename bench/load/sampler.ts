import { readFileSync } from "node:fs";

const PAGE_BYTES = 4_096;
/** Linux' USER_HZ: ticks of /proc's times are hundredths of a second on every platform that Node runs on. */
const TICK_MS = 10;
export const SAMPLE_EVERY_MS = 5_000;

/** One look at one process. */
export type Sample = {
  /** Ms after the start of the run. */
  readonly atMs: number;
  readonly pid: number;
  readonly rssMb: number;
  readonly cpuMs: number;
};

export type Sampler = { readonly samples: ReadonlyMap<string, readonly Sample[]>; readonly stop: () => void };

/** Memory and CPU time of named processes from /proc, every five seconds; one that is dead is left out. */
export function startSampler(
  pids: () => readonly (readonly [name: string, pid: number | undefined])[],
  startedAt: number,
): Sampler {
  const samples = new Map<string, Sample[]>();
  const look = (): void => {
    const atMs = Date.now() - startedAt;
    for (const [name, pid] of pids()) {
      const usage = pid === undefined ? undefined : readUsage(pid);
      if (pid === undefined || usage === undefined) continue;
      const kept = samples.get(name) ?? [];
      samples.set(name, kept);
      kept.push({ atMs, pid, ...usage });
    }
  };
  look();
  const timer = setInterval(look, SAMPLE_EVERY_MS);
  return {
    samples,
    stop: () => {
      clearInterval(timer);
      look();
    },
  };
}

function readUsage(pid: number): { readonly rssMb: number; readonly cpuMs: number } | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    // The name in brackets may hold spaces; what follows it does not: utime and stime are the 12th and 13th of it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { rssMb: (pages * PAGE_BYTES) / 1_048_576, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    // It ended between the two looks.
    return undefined;
  }
}
