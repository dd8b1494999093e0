import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** How long a child may take to answer or to end by itself. */
const ANSWER_MS = 30_000;
const STOP_MS = 5_000;

/** A process of a benchmark's own, so that what is measured does not share a thread with what measures. */
export type Child = {
  /** One question, one answer; the child answers in order. */
  readonly ask: (question: object) => Promise<unknown>;
  readonly stop: () => Promise<void>;
};

/** Starts a file of this folder; it ends itself when its channel closes, so it does not outlive a crash of this process. */
export function startChild(url: URL, argument = ""): Child {
  const child = fork(url, [argument], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return {
    ask: async (question) => {
      const answered = new AbortController();
      const signal = AbortSignal.any([answered.signal, AbortSignal.timeout(ANSWER_MS)]);
      const ended = once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`a process of the benchmark ended early (${code})`);
      });
      const answer = once(child, "message", { signal });
      child.send(question);
      try {
        const [message] = await Promise.race([answer, ended]);
        return message;
      } finally {
        answered.abort();
        await Promise.allSettled([answer, ended]);
      }
    },
    stop: () => endChild(child),
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** The child's side: answers every question until the parent is gone, then ends. */
export function answerParent(answer: (question: unknown) => Promise<unknown> | unknown, stop: () => Promise<void>): void {
  process.on("message", async (question) => process.send?.((await answer(question)) ?? {}));
  process.once("disconnect", async () => {
    await stop();
    process.exit(0);
  });
}
