import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import { isHex } from "../../protocol/bytes.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { MAX_BODY_BYTES } from "../../protocol/round-codec.ts";
import type { LogEntry, LogKind } from "../log.ts";

export const FOLLOW_ROUTE = "/v1/follow";

/** Bodies are mostly zero words: the fastest level takes one of 15 feeds and 4 nodes to a tenth, the others hardly further. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const packedSchema = z.string().regex(BASE64);
const roundSchema = z.object({
  digest: z.custom<`0x${string}`>((value) => isHex(value, 32)),
  certificate: packedSchema,
  body: packedSchema,
});
const paperSchema = z.object({ bytes: packedSchema });

/**
 * An entry as an event of `GET /v1/follow`: `event` is its kind, `data` JSON. Of a round `digest` is hex, `certificate` the base64 of its
 * bytes and `body` the base64 of its bytes under Zstandard; of the others `bytes` the base64 of theirs under Zstandard.
 *
 * @param id a round's number, after which a reader may resume; none for a round that comes late
 */
export function encodeEvent(entry: LogEntry, id?: number): string {
  const data =
    entry.kind === "round"
      ? { digest: entry.digest, certificate: base64(entry.certificate), body: pack(entry.body) }
      : { bytes: pack(entry.bytes) };
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${entry.kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Total; of a sender that nobody has to trust. What it unpacks is bounded by the largest body there is. */
export function decodeEvent(kind: LogKind, data: string): Result<LogEntry, string> {
  const json = parseJson(data);
  if (kind === "round") {
    const parsed = roundSchema.safeParse(json);
    const body = parsed.success ? unpack(parsed.data.body) : undefined;
    if (!parsed.success || body === undefined) return fail("expected a round's digest, certificate and body");
    return ok({ kind, digest: parsed.data.digest, certificate: Buffer.from(parsed.data.certificate, "base64"), body });
  }
  const parsed = paperSchema.safeParse(json);
  const bytes = parsed.success ? unpack(parsed.data.bytes) : undefined;
  return bytes === undefined ? fail(`expected a ${kind}'s bytes`) : ok({ kind, bytes });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function pack(bytes: Uint8Array): string {
  return zstdCompressSync(bytes, COMPRESSION).toString("base64");
}

function unpack(text: string): Uint8Array | undefined {
  try {
    return zstdDecompressSync(Buffer.from(text, "base64"), { maxOutputLength: MAX_BODY_BYTES });
  } catch {
    // No Zstandard, or of more than there can be.
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
