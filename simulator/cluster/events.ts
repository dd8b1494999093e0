type Event = { readonly at: number; readonly sequence: number; readonly run: () => void };

/** The one queue of a simulated world: what happens next, in true time; what falls on the same ms happens in the order it was put in. */
export type EventQueue = {
  /** True time, Unix ms. */
  readonly now: () => number;
  readonly at: (at: number, run: () => void) => void;
  readonly after: (ms: number, run: () => void) => void;
  /** Runs everything up to and including `end`; then it is `end`. */
  readonly runUntil: (end: number) => void;
};

/** A binary heap: thousands of messages are under way at once. */
export function createEventQueue(startAt: number): EventQueue {
  const heap: Event[] = [];
  let now = startAt;
  let sequence = 0;

  const push = (event: Event): void => {
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  };
  const pop = (): Event | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first !== undefined && last !== undefined && heap.length > 0) sink(heap, last);
    return first;
  };
  const at = (when: number, run: () => void): void => push({ at: Math.max(when, now), sequence: sequence++, run });

  return {
    now: () => now,
    at,
    after: (ms, run) => at(now + ms, run),
    runUntil: (end) => {
      for (let next = heap[0]; next !== undefined && next.at <= end; next = heap[0]) {
        pop();
        now = next.at;
        next.run();
      }
      now = Math.max(now, end);
    },
  };
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** The event takes the root's place and goes down to where it belongs. */
function sink(heap: Event[], event: Event): void {
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const [first, second] = [heap[left], heap[left + 1]];
    if (first === undefined) break;
    const isRight = second !== undefined && isBefore(second, first);
    const child = isRight ? second : first;
    if (!isBefore(child, event)) break;
    heap[index] = child;
    index = isRight ? left + 1 : left;
  }
  heap[index] = event;
}
