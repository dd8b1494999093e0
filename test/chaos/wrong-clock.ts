import { readFileSync } from "node:fs";

/**
 * Loaded before the program of one node (`node --import …/wrong-clock.ts?file=<path>`): its `Date.now` then differs from this machine's
 * by what the file says at the moment, so that a clock can be set and drift while the process runs and the program knows nothing of it.
 */
export type ClockFile = {
  /** At `setAt`, in ms; positive is ahead. */
  readonly offsetMs: number;
  /** Ms gained in a second from then on. */
  readonly gainMsPerSecond: number;
  /** Unix ms of the true clock. */
  readonly setAt: number;
};

const LOOK_MS = 20;
const file = new URL(import.meta.url).searchParams.get("file");
const trueNow = Date.now.bind(Date);

if (file !== null) {
  const read = (): ClockFile => JSON.parse(readFileSync(file, "utf8")) as ClockFile;
  let clock = read();
  Date.now = () => {
    const now = trueNow();
    return Math.floor(now + clock.offsetMs + ((now - clock.setAt) / 1_000) * clock.gainMsPerSecond);
  };
  setInterval(() => {
    clock = read();
  }, LOOK_MS).unref();
}
