import type { Address } from "../protocol/bytes.ts";
import type { Output, Want } from "./machine.ts";

/** Digests wanted at once: every observation of two proposals in each of a few rounds of the largest committee. */
const MAX_JOBS = 1_024;
/** Requests under way at once; those for documents apart, so many to one peer: who names what he does not have holds up nobody else. */
const MAX_IN_FLIGHT = 32;
const MAX_DOCUMENTS_OF_ONE = 4;
/** Pause after the last candidate failed, before the first is asked again. */
const RETRY_MS = 200;
/** How long one peer may take to answer. */
export const TIMEOUT_MS = {
  observation: 400,
  certificate: 400,
  body: 2_000,
  document: 1_000,
  transition: 2_000,
} as const satisfies Record<Want["kind"], number>;
/** A shell that never answered a fetch is given this much longer before the request counts as failed. */
const SHELL_SLACK_MS = 500;

type Job = {
  readonly want: Want;
  /** In the order in which they are asked. */
  candidates: readonly Address[];
  /** Who answered with something else: taken out, and not put back. */
  readonly refused: Set<Address>;
  next: number;
  /** Nothing is asked before. */
  readyAt: number;
  asked: { readonly from: Address; readonly giveUpAt: number } | undefined;
  until: number;
};

/** Fetches by digest: each want goes round its candidates, one at a time, until it is answered or its time is over. */
export type Fetching = {
  /** Wants it until `until`; a want that stands gets the new candidates behind its own and the later end. */
  readonly need: (want: Want, candidates: readonly Address[], until: number) => void;
  readonly has: (want: Want) => boolean;
  /** Whether this candidate is being asked for it: any other answer is not ours. */
  readonly isAsked: (want: Want, from: Address) => boolean;
  /** Answered, or no longer wanted. */
  readonly drop: (want: Want) => void;
  /** This candidate had nothing: the next one. */
  readonly failed: (want: Want, from: Address) => void;
  /** This candidate gave something else: it is not asked again for it. */
  readonly bad: (want: Want, from: Address) => void;
  /** What to ask now, and what was given up: its time is over or nobody is left to ask. */
  readonly step: (now: number) => { readonly outputs: readonly Output[]; readonly abandoned: readonly Want[] };
  readonly wakeAt: () => number;
};

export function createFetching(): Fetching {
  const jobs = new Map<string, Job>();
  const find = (want: Want, from: Address): Job | undefined => {
    const job = jobs.get(keyOf(want));
    return job?.asked?.from === from ? job : undefined;
  };
  return {
    need: (want, candidates, until) => {
      const job = jobs.get(keyOf(want));
      if (job !== undefined) {
        job.candidates = [...new Set([...job.candidates, ...candidates])].filter((from) => !job.refused.has(from));
        job.until = Math.max(job.until, until);
      } else if (jobs.size < MAX_JOBS) {
        jobs.set(keyOf(want), { want, candidates, refused: new Set(), next: 0, readyAt: 0, asked: undefined, until });
      }
    },
    has: (want) => jobs.has(keyOf(want)),
    isAsked: (want, from) => find(want, from) !== undefined,
    drop: (want) => {
      jobs.delete(keyOf(want));
    },
    failed: (want, from) => {
      const job = find(want, from);
      if (job !== undefined) job.asked = undefined;
    },
    bad: (want, from) => {
      const job = find(want, from);
      if (job === undefined) return;
      job.asked = undefined;
      job.refused.add(from);
      job.candidates = job.candidates.filter((candidate) => candidate !== from);
      job.next = Math.max(0, job.next - 1);
    },
    step: (now) => stepJobs(jobs, now),
    wakeAt: () => {
      let earliest = Number.POSITIVE_INFINITY;
      const full = inFlight(jobs) >= MAX_IN_FLIGHT;
      for (const job of jobs.values()) {
        const { asked, readyAt, until } = job;
        const isHeldUp = isDocument(job) ? isBusy(jobs, job) : full;
        earliest = Math.min(earliest, until, asked?.giveUpAt ?? (isHeldUp ? until : readyAt));
      }
      return earliest;
    },
  };
}

function stepJobs(
  jobs: Map<string, Job>,
  now: number,
): { readonly outputs: readonly Output[]; readonly abandoned: readonly Want[] } {
  const outputs: Output[] = [];
  const abandoned: Want[] = [];
  for (const [key, job] of jobs) {
    if (job.asked !== undefined && now >= job.asked.giveUpAt) job.asked = undefined;
    if (now < job.until && job.candidates.length > 0) continue;
    jobs.delete(key);
    abandoned.push(job.want);
  }
  let free = MAX_IN_FLIGHT - inFlight(jobs);
  for (const job of jobs.values()) {
    if (job.asked !== undefined || (isDocument(job) ? isBusy(jobs, job) : free === 0)) continue;
    if (job.next >= job.candidates.length) {
      job.next = 0;
      job.readyAt = now + RETRY_MS;
    }
    const from = job.candidates[job.next];
    if (from === undefined || now < job.readyAt) continue;
    const timeoutMs = TIMEOUT_MS[job.want.kind];
    job.next += 1;
    job.asked = { from, giveUpAt: now + timeoutMs + SHELL_SLACK_MS };
    outputs.push({ kind: "fetch", want: job.want, from, timeoutMs });
    if (!isDocument(job)) free -= 1;
  }
  return { outputs, abandoned };
}

function inFlight(jobs: ReadonlyMap<string, Job>): number {
  let count = 0;
  for (const job of jobs.values()) if (job.asked !== undefined && !isDocument(job)) count += 1;
  return count;
}

function isDocument({ want }: Job): boolean {
  return want.kind === "document";
}

/** Whether the one to be asked next has as many of our questions for documents as it may have. */
function isBusy(jobs: ReadonlyMap<string, Job>, { candidates, next }: Job): boolean {
  const from = candidates[next] ?? candidates[0];
  let count = 0;
  for (const job of jobs.values()) if (isDocument(job) && job.asked?.from === from) count += 1;
  return count >= MAX_DOCUMENTS_OF_ONE;
}

function keyOf(want: Want): string {
  return `${want.kind} ${want.digest}`;
}
