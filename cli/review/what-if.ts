import { Worker } from "node:worker_threads";
import type { WhatIf } from "../../aggregator/replay/what-if.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { Question, Reply } from "./what-if-answering.ts";
import type { Answered, Asked, ThreadData } from "./what-if-thread.ts";

const THREAD = new URL(import.meta.filename.endsWith(".ts") ? "./what-if-thread.ts" : "./what-if-thread.js", import.meta.url);
/** A thread that nobody asks is ended, and with it what it keeps. */
const IDLE_MS = 600_000;
/** Two feeds' days, and as much again for what is being opened. */
const MAX_HEAP_MB = 256;

export type WhatIfDesk = {
  /**
   * One question at a time: the caller waits for the answer before it asks another.
   *
   * @throws OperationalError `replay` when the store cannot be read, or the thread ended
   */
  readonly ask: (
    question: Question,
  ) => Promise<Exclude<Reply, { kind: "answer" }> | { readonly kind: "answer"; readonly whatIf: WhatIf }>;
  readonly stop: () => Promise<void>;
};

type Waiting = { readonly resolve: (reply: Answered["reply"]) => void; readonly reject: (error: Error) => void };

/** What other thresholds would have done, in a thread of its own over the node's store file, which it only reads. Begun by the first question. */
export function createWhatIf(data: ThreadData): WhatIfDesk {
  let thread: Worker | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const waiting = new Map<number, Waiting>();
  const failAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const stop = async (): Promise<void> => {
    clearTimeout(idle);
    const ended = thread;
    thread = undefined;
    await ended?.terminate();
  };
  const begin = (): Worker => {
    const worker = new Worker(THREAD, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    worker.unref();
    worker.on("message", ({ id, reply }: Answered) => {
      waiting.get(id)?.resolve(reply);
      waiting.delete(id);
    });
    worker.on("error", (error) =>
      failAll(new OperationalError(`the what-if failed: ${error.message}`, { code: "replay", cause: error })),
    );
    worker.on("exit", () => {
      if (thread === worker) thread = undefined;
      failAll(new OperationalError("the what-if was stopped", { code: "replay" }));
    });
    return worker;
  };
  return {
    ask: async (question) => {
      thread ??= begin();
      clearTimeout(idle);
      idle = setTimeout(() => void stop(), IDLE_MS);
      idle.unref();
      const id = asked++;
      const { promise, resolve, reject } = Promise.withResolvers<Answered["reply"]>();
      waiting.set(id, { resolve, reject });
      thread.postMessage({ id, question } satisfies Asked);
      const reply = await promise;
      if (reply.kind === "fault") throw new OperationalError(reply.detail, { code: "replay" });
      return reply;
    },
    stop,
  };
}
