import type { EventQueue } from "../cluster/events.ts";

/** One node's single thread: one thing after the other, each taking its time. */
export type Processor = {
  /** Runs it after so many ms of work, behind everything that waits. */
  readonly run: (ms: number, job: () => void) => void;
  /** The same, before what waits: what follows from a job in the same turn of the event loop. */
  readonly next: (ms: number, job: () => void) => void;
  /** The job that runs now takes so much longer: nothing else starts before. */
  readonly charge: (ms: number) => void;
  /** Ms worked so far. */
  readonly worked: () => number;
};

type Job = { readonly ms: number; readonly run: () => void };

export function createProcessor(queue: EventQueue): Processor {
  const waiting: Job[] = [];
  let first: Job[] = [];
  let busy = false;
  let charged = 0;
  let worked = 0;

  const work = (): void => {
    if (busy) return;
    if (charged > 0) {
      const ms = charged;
      charged = 0;
      occupy(ms, () => undefined);
      return;
    }
    const job = first.shift() ?? waiting.shift();
    if (job !== undefined) occupy(job.ms, job.run);
  };
  const occupy = (ms: number, run: () => void): void => {
    busy = true;
    worked += ms;
    queue.after(ms, () => {
      // What it causes comes before what waits, in the order in which it is caused.
      const later = first;
      first = [];
      run();
      first = [...first, ...later];
      busy = false;
      work();
    });
  };
  return {
    run: (ms, run) => {
      waiting.push({ ms, run });
      work();
    },
    next: (ms, run) => {
      first.push({ ms, run });
      work();
    },
    charge: (ms) => {
      charged += ms;
      work();
    },
    worked: () => worked,
  };
}
