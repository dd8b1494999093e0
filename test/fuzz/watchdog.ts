import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

/** An execution that takes this long has hung: nothing in its own thread can say so any more. */
const HUNG_MS = 30_000;
const LOOK_MS = 1_000;
const MAX_SHOWN = 64 * 1024;
const STARTED = 0;
const LENGTH = 1;

/** Watches from a thread of its own: shows the input of an execution that does not end, and ends this process. */
export function startWatchdog(): { readonly onInput: (input: Uint8Array) => void; readonly stop: () => Promise<void> } {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const shown = new Uint8Array(new SharedArrayBuffer(MAX_SHOWN));
  const worker = new Worker(new URL("./watchdog.ts", import.meta.url), { workerData: { counters, shown } });
  worker.unref();
  return {
    onInput: (input) => {
      shown.set(input.subarray(0, MAX_SHOWN));
      Atomics.store(counters, LENGTH, Math.min(input.length, MAX_SHOWN));
      Atomics.add(counters, STARTED, 1);
    },
    stop: async () => void (await worker.terminate()),
  };
}

function watch({ counters, shown }: { readonly counters: Int32Array; readonly shown: Uint8Array }): void {
  let last = 0;
  let since = performance.now();
  setInterval(() => {
    const started = Atomics.load(counters, STARTED);
    if (started !== last || started === 0) {
      last = started;
      since = performance.now();
    } else if (performance.now() - since > HUNG_MS) {
      const input = Buffer.from(shown.slice(0, Atomics.load(counters, LENGTH))).toString("hex");
      writeSync(2, `\nan execution did not end within ${HUNG_MS} ms; its input as hex:\n${input}\n`);
      process.kill(process.pid, "SIGKILL");
    }
  }, LOOK_MS);
}

if (!isMainThread && workerData !== null && "counters" in workerData) watch(workerData);
