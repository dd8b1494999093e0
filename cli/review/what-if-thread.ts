import { setPriority } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import { readStore } from "../../node/io/store.ts";
import type { Domain } from "../../protocol/eip712.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { createAnswering, type Question, type Reply } from "./what-if-answering.ts";

/** What the thread is started with. */
export type ThreadData = { readonly path: string; readonly domain: Domain };
export type Asked = { readonly id: number; readonly question: Question };
export type Answered = { readonly id: number; readonly reply: Reply | { readonly kind: "fault"; readonly detail: string } };

const LOW_PRIORITY = 10;
/** So long the first question of a feed waits for the rounds to be opened before it is told how far that is. */
const WAIT_MS = 1_000;
/** Opening goes on for so long without being asked again. */
const ABANDONED_MS = 20_000;

// On Linux a priority is a thread's own: what is asked here gives way to what the node signs, and still ends on a busy machine.
if (process.platform === "linux") setPriority(0, LOW_PRIORITY);
const { path, domain } = workerData as ThreadData;
const store = readStore({ path, domain });
const answering = createAnswering({ store, scheme: loadSecp256k1(), now: () => performance.now() });
let wanted: { readonly question: Question; readonly until: number } | undefined;
let working = false;

async function answer(question: Question): Promise<Reply> {
  const startedAt = performance.now();
  while (answering.step(question)) {
    if (performance.now() - startedAt > WAIT_MS) {
      if (answering.isNearlyThere(question)) break;
      return answering.progress(question);
    }
    await nextTurn();
  }
  return { kind: "answer", whatIf: answering.answer(question) };
}

/** Opens what the last question lacked, between questions. */
async function goOn(): Promise<void> {
  while (!working && wanted !== undefined && performance.now() < wanted.until) {
    if (!answering.step(wanted.question)) return;
    await nextTurn();
  }
}

parentPort?.on("message", ({ id, question }: Asked) => {
  working = true;
  answer(question)
    .catch((error: unknown) => {
      if (!(error instanceof OperationalError)) throw error;
      return { kind: "fault", detail: reasonOf(error) } as const;
    })
    .then((reply) => {
      wanted = { question, until: performance.now() + ABANDONED_MS };
      working = false;
      parentPort?.postMessage({ id, reply } satisfies Answered);
      if (reply.kind === "loading") void goOn();
    });
});
