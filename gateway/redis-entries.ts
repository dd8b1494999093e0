import { type Digest, isHex } from "../protocol/bytes.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import { MAX_BODY_BYTES } from "../protocol/round-codec.ts";
import { MAX_TRANSITION_BYTES } from "../protocol/transition.ts";
import type { LogEntry } from "./log.ts";

/** Header, count, and signer with signature of 64 members come to less. */
const MAX_CERTIFICATE_BYTES = 8_192;
/** Two signed statements as JSON come to less. */
const MAX_EVIDENCE_BYTES = 8_192;
/** What the names of the fields and the digest add. */
const FIELDS_BYTES = 256;

/** Names and values of the longest kind of entry, a round's. */
export const MAX_ENTRY_PARTS = 6;
/** An entry that is larger is passed over in Redis and never sent to whoever reads. */
export const MAX_ENTRY_BYTES = MAX_BODY_BYTES + MAX_CERTIFICATE_BYTES + FIELDS_BYTES;

/** Why an entry of a stream is passed over before anybody verifies it; the label of a counter. */
export const ENTRY_FAULTS = ["too-large", "malformed"] as const;
export type EntryFault = (typeof ENTRY_FAULTS)[number];

export type StreamName = "rounds" | "papers";

/** The stream that carries an entry, and its fields as XADD takes them: names and values in turn. */
export function entryFields(entry: LogEntry): { readonly stream: StreamName; readonly fields: readonly (string | Uint8Array)[] } {
  if (entry.kind !== "round") return { stream: "papers", fields: ["k", entry.kind, "v", entry.bytes] };
  return { stream: "rounds", fields: ["d", entry.digest, "c", entry.certificate, "b", entry.body] };
}

/** An entry as XRANGE answers it, names and values in turn. Only the exact form of {@link entryFields} is one; nothing is decoded here. */
export function readEntry(stream: StreamName, parts: readonly Uint8Array[]): Result<LogEntry, EntryFault> {
  return stream === "rounds" ? readRound(parts) : readPaper(parts);
}

function readRound(parts: readonly Uint8Array[]): Result<LogEntry, EntryFault> {
  const [digestName, digestBytes, certificateName, certificate, bodyName, body] = parts;
  if (parts.length !== 6 || body === undefined || certificate === undefined) return fail("malformed");
  if (text(digestName) !== "d" || text(certificateName) !== "c" || text(bodyName) !== "b") return fail("malformed");
  if (certificate.length > MAX_CERTIFICATE_BYTES || body.length > MAX_BODY_BYTES) return fail("too-large");
  const digest = text(digestBytes);
  return isHex(digest, 32) ? ok({ kind: "round", digest: digest as Digest, certificate, body }) : fail("malformed");
}

function readPaper(parts: readonly Uint8Array[]): Result<LogEntry, EntryFault> {
  const [kindName, kindBytes, bytesName, bytes] = parts;
  if (parts.length !== 4 || bytes === undefined) return fail("malformed");
  if (text(kindName) !== "k" || text(bytesName) !== "v") return fail("malformed");
  const kind = text(kindBytes);
  if (kind !== "transition" && kind !== "evidence") return fail("malformed");
  const most = kind === "transition" ? MAX_TRANSITION_BYTES : MAX_EVIDENCE_BYTES;
  return bytes.length > most ? fail("too-large") : ok({ kind, bytes });
}

/** Latin text of something short; what is longer than a digest is no name of ours. */
function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined || bytes.length > 66 ? undefined : String.fromCharCode(...bytes);
}

const ID = /^(\d{1,20})-(\d{1,20})$/;
/** The last id that a stream can have. A stream that holds it takes no further entry: it is bricked. */
export const LAST_ID = "18446744073709551615-18446744073709551615";
/** Before every entry. */
export const FIRST_ID = "0-0";

/**
 * Which of two ids of a stream is later: negative, zero or positive, as for sorting. Anything that is no id counts as {@link FIRST_ID}.
 *
 * @example compareIds("1795300123000-2", "1795300123000-10") // -1
 */
export function compareIds(a: string, b: string): number {
  const [[aMs, aSeq], [bMs, bSeq]] = [partsOf(a), partsOf(b)];
  if (aMs !== bMs) return aMs < bMs ? -1 : 1;
  return aSeq === bSeq ? 0 : aSeq < bSeq ? -1 : 1;
}

function partsOf(id: string): readonly [bigint, bigint] {
  const [, ms = "0", seq = "0"] = ID.exec(id) ?? [];
  return [BigInt(ms), BigInt(seq)];
}
