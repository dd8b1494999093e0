import type { Want } from "../../../node/machine.ts";
import { encodeTransitionAnswer } from "../../../node/wire.ts";
import { ZERO_DIGEST } from "../../../protocol/bytes.ts";
import type { SignedDocument } from "../../../protocol/governance.ts";
import { encodeSignedObservation, signObservation } from "../../../protocol/observation.ts";
import { entriesOf, FIRST_ROUND, memberKey, network } from "./chain.ts";
import { CHANGED, DOCUMENTS, INTO_CHANGED } from "./governance-memory.ts";

export function documentAt(index: number): SignedDocument {
  const document = DOCUMENTS[index % DOCUMENTS.length];
  if (document === undefined) throw new Error("keyholders have said something");
  return document;
}

/** A member's observation that names a document, or the config that it says; some of another config, or on a head that nobody has. */
export function naming(
  round: number,
  { link, member, value }: { readonly link: number; readonly member: number; readonly value: number },
): Uint8Array {
  const { digest, document } = documentAt(link);
  const named = value % 3 === 2 && document.kind === "config" ? document.configDigest : digest;
  const head = value % 5 === 4 ? { round: FIRST_ROUND, digest: CHANGED.configDigest } : { round: 0, digest: ZERO_DIGEST };
  const configDigest = value % 7 === 6 ? CHANGED.configDigest : network.configDigest;
  const said = { entries: entriesOf(round, member), gauges: [], shadows: [], documents: [named] };
  return encodeSignedObservation(signObservation({ round, configDigest, head, ...said }, network.domain, memberKey(member)));
}

/** What answers a fetch of a document by its own digest or its config's, and of a transition. */
export function heldDocument({ kind, digest }: Want): Uint8Array | undefined {
  if (kind === "transition") return encodeTransitionAnswer({ from: network.configDigest, transition: INTO_CHANGED });
  return DOCUMENTS.find(
    ({ digest: own, document }) => own === digest || (document.kind === "config" && document.configDigest === digest),
  )?.bytes;
}
