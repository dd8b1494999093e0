import type { Digest } from "../protocol/bytes.ts";
import { encodeCertificate } from "../protocol/certificate.ts";
import { encodeRoundBody } from "../protocol/round-codec.ts";
import { encodeTransition } from "../protocol/transition.ts";
import type { Want } from "./machine.ts";
import type { Store } from "./store.ts";

/** Digests remembered as answered from the own store. */
const MAX_OWN_ANSWERS = 1_024;

type Kept = Pick<Store, "bodyOf" | "byDigest" | "document" | "transitions">;

/** Wire bytes of what the store holds; observations are kept inside bodies only. */
const STORED = {
  observation: () => undefined,
  body: (store, digest) => {
    const body = store.bodyOf(digest);
    return body === undefined ? undefined : encodeRoundBody(body);
  },
  certificate: (store, digest) => {
    const round = store.byDigest(digest);
    return round === undefined ? undefined : encodeCertificate(round.certified.certificate);
  },
  document: (store, digest) => store.document(digest)?.bytes,
  // A config that was rolled back to came into force twice: the newest way into it counts.
  transition: (store, digest) => {
    const newest = store.transitions().findLast(({ certificate }) => certificate.header.configDigest === digest);
    return newest === undefined ? undefined : encodeTransition(newest);
  },
} as const satisfies Record<Want["kind"], (store: Kept, digest: Digest) => Uint8Array | undefined>;

export function storedBytes(store: Kept, { kind, digest }: Want): Uint8Array | undefined {
  return STORED[kind](store, digest);
}

/** The own store's answer to a question for the peers. Asked a second time, its bytes were not good enough: then the peer's count. */
export function createOwnAnswers(store: Kept): (want: Want) => Uint8Array | undefined {
  const answered = new Set<Digest>();
  return (want) => {
    if (answered.has(want.digest)) return undefined;
    if (answered.size >= MAX_OWN_ANSWERS) answered.clear();
    const own = storedBytes(store, want);
    if (own !== undefined) answered.add(want.digest);
    return own;
  };
}
