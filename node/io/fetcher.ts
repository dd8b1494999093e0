import type { Address, Digest } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { Input, Output, Want } from "../machine.ts";
import type { Store } from "../store.ts";
import { encodeRequest, encodeRoundBody } from "../wire.ts";
import type { Transport } from "./transport-types.ts";

/** How long a peer may take to answer a greeting; a later answer would say too little about its clock. */
const HELLO_TIMEOUT_MS = 1_000;
/** Digests remembered as answered from the own store. */
const MAX_OWN_ANSWERS = 1_024;

/** The machine's questions to its peers; each `fetch` is answered exactly once, a greeting only by who replies in time. */
export type Fetcher = {
  readonly greet: (to: Address) => Promise<void>;
  readonly fetch: (output: Extract<Output, { kind: "fetch" }>) => Promise<void>;
};

export function createFetcher({
  transport,
  store,
  handle,
  now,
}: {
  readonly transport: Pick<Transport, "request">;
  readonly store: Store;
  readonly handle: (input: Input) => void;
  readonly now: () => number;
}): Fetcher {
  const answeredHere = new Set<Digest>();
  // Asked a second time for the same thing, the store's bytes were not good enough: then the peer's count.
  const ownAnswer = (want: Want): Uint8Array | undefined => {
    if (answeredHere.has(want.digest)) return undefined;
    if (answeredHere.size >= MAX_OWN_ANSWERS) answeredHere.clear();
    const own = storedBytes(store, want);
    if (own !== undefined) answeredHere.add(want.digest);
    return own;
  };
  return {
    greet: async (to) => {
      const sentAt = now();
      const bytes = encodeRequest({ kind: "hello" });
      const answer = await transport.request({ to, protocol: "hello", bytes, timeoutMs: HELLO_TIMEOUT_MS });
      if (answer.ok) handle({ kind: "hello", from: to, bytes: answer.value, sentAt, receivedAt: now() });
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

/** Wire bytes of what the store holds; observations are kept inside bodies only. */
export function storedBytes(store: Store, { kind, digest }: Want): Uint8Array | undefined {
  if (kind === "observation") return undefined;
  if (kind === "body") {
    const body = store.bodyOf(digest);
    return body === undefined ? undefined : encodeRoundBody(body);
  }
  const round = store.byDigest(digest);
  return round === undefined ? undefined : encodeCertificate(round.certified.certificate);
}
