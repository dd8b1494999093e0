import type { Digest } from "../protocol/bytes.ts";
import { encodeCertificate } from "../protocol/certificate.ts";
import type { Want } from "./machine.ts";
import type { Store } from "./store.ts";
import { encodeRoundBody } from "./wire.ts";

/** Digests remembered as answered from the own store. */
const MAX_OWN_ANSWERS = 1_024;

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

/** The own store's answer to a question for the peers. Asked a second time, its bytes were not good enough: then the peer's count. */
export function createOwnAnswers(store: Store): (want: Want) => Uint8Array | undefined {
  const answered = new Set<Digest>();
  return (want) => {
    if (answered.has(want.digest)) return undefined;
    if (answered.size >= MAX_OWN_ANSWERS) answered.clear();
    const own = storedBytes(store, want);
    if (own !== undefined) answered.add(want.digest);
    return own;
  };
}
