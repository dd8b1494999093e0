import type { Address } from "../../protocol/bytes.ts";
import type { Input, Output } from "../machine.ts";
import type { Store } from "../store.ts";
import { createOwnAnswers } from "../stored-bytes.ts";
import { encodeRequest } from "../wire.ts";
import type { Transport } from "./transport-types.ts";

/** How long a peer may take to answer a greeting; a later answer would say too little about its clock. */
const HELLO_TIMEOUT_MS = 1_000;

/** The machine's questions to its peers; each `fetch` is answered exactly once, a greeting only by who replies in time. */
export type Fetcher = {
  readonly greet: (to: Address) => Promise<void>;
  /** Asks for a hello for the sake of its round trip alone. */
  readonly measure: (to: Address) => Promise<void>;
  readonly fetch: (output: Extract<Output, { kind: "fetch" }>) => Promise<void>;
};

export function createFetcher({
  transport,
  store,
  handle,
  now,
  onTrip,
  onHello = () => undefined,
}: {
  readonly transport: Pick<Transport, "request">;
  readonly store: Store;
  readonly handle: (input: Input) => void;
  readonly now: () => number;
  /** How long one question and its answer took, in ms. */
  readonly onTrip: (peer: Address, ms: number) => void;
  /** A peer's hello, with our clock at asking and at receiving. */
  readonly onHello?: (hello: { peer: Address; bytes: Uint8Array; sentAt: number; receivedAt: number }) => void;
}): Fetcher {
  const ownAnswer = createOwnAnswers(store);
  const askHello = async (to: Address) => {
    let sentAt = now();
    // Clocks are compared over the exchange alone: with the round trip before it, half the world would be too far away to start.
    const onOpen = (): void => {
      sentAt = now();
    };
    const bytes = encodeRequest({ kind: "hello" });
    const answer = await transport.request({ to, protocol: "hello", bytes, timeoutMs: HELLO_TIMEOUT_MS, onOpen });
    const receivedAt = now();
    if (answer.ok) {
      onTrip(to, Math.max(0, receivedAt - sentAt));
      onHello({ peer: to, bytes: answer.value, sentAt, receivedAt });
    }
    return { answer, sentAt, receivedAt };
  };
  return {
    greet: async (to) => {
      const { answer, sentAt, receivedAt } = await askHello(to);
      if (answer.ok) handle({ kind: "hello", from: to, bytes: answer.value, sentAt, receivedAt });
    },
    measure: async (to) => {
      await askHello(to);
    },
    fetch: async ({ want, from, timeoutMs }) => {
      const own = ownAnswer(want);
      const asked =
        own === undefined
          ? await transport.request({ to: from, protocol: "fetch", bytes: encodeRequest(want), timeoutMs })
          : ({ ok: true, value: own } as const);
      if (asked.ok && asked.value.length > 0) handle({ kind: "fetched", want, from, bytes: asked.value });
      else handle({ kind: "fetch-failed", want, from });
    },
  };
}
