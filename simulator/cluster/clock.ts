/** A node's wall clock as a function of true time; both Unix ms. It may be set back. */
export type NodeClock = {
  readonly read: (now: number) => number;
  /** How long, in true ms, until it shows this time if nobody touches it; 0 when it does already. */
  readonly until: (reading: number, now: number) => number;
  readonly step: (ms: number) => void;
  /** From now on it runs so many millionths fast (or slow, when negative). */
  readonly drift: (ppm: number, now: number) => void;
  /** Sets it right again, as far as it ever was. */
  readonly correct: (now: number) => void;
};

export function createNodeClock(skewMs: number, startAt: number): NodeClock {
  let base = { at: startAt, reading: startAt + skewMs };
  let ppm = 0;
  const exact = (now: number): number => base.reading + ((now - base.at) * (1_000_000 + ppm)) / 1_000_000;
  const read = (now: number): number => Math.floor(exact(now));
  return {
    read,
    until: (reading, now) => Math.max(0, Math.ceil(((reading - exact(now)) * 1_000_000) / (1_000_000 + ppm))),
    step: (ms) => {
      base = { ...base, reading: base.reading + ms };
    },
    drift: (next, now) => {
      base = { at: now, reading: exact(now) };
      ppm = next;
    },
    correct: (now) => {
      base = { at: now, reading: now + skewMs };
      ppm = 0;
    },
  };
}
