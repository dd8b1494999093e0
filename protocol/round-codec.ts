import { fromHex, type Hex, toHex } from "./bytes.ts";
import { createReader, createWriter, ended, readFlag, readSized } from "./codec.ts";
import { MAX_DOCUMENT_BYTES } from "./governance-codec.ts";
import { MAX_DOCUMENTS, MAX_OBSERVATION_BYTES } from "./observation.ts";
import { MAX_MEMBERS, readHeader, writeHeader } from "./proposal.ts";
import type { Result } from "./result.ts";
import type { RoundBody } from "./round.ts";

/** The memory of 2048 feeds in ABI words. */
const MAX_MEMORY_BYTES = 8 * 1024 * 1024;
/** A memory, and the observations of 64 members at their largest. */
export const MAX_BODY_BYTES = 40 * 1024 * 1024;

/** A body as it goes from node to node and on to gateways: exactly what a {@link RoundBody} holds, and nothing in it needs to be trusted. */
export function encodeRoundBody({ round, parent, memory, observations, documents }: RoundBody): Uint8Array {
  const writer = createWriter();
  writer.u64(round);
  writer.u8(parent === undefined ? 0 : 1);
  if (parent !== undefined) writeHeader(writer, parent);
  const bytes = fromHex(memory);
  writer.u32(bytes.length);
  writer.bytes(bytes);
  writer.u8(observations.length);
  for (const observation of observations.map(fromHex)) {
    writer.u32(observation.length);
    writer.bytes(observation);
  }
  writer.u16(documents.length);
  for (const document of documents.map(fromHex)) {
    writer.u32(document.length);
    writer.bytes(document);
  }
  return writer.finish();
}

export function decodeRoundBody(bytes: Uint8Array): Result<RoundBody, string> {
  const reader = createReader(bytes);
  const round = reader.u64();
  const parent = readFlag(reader) ? readHeader(reader) : undefined;
  const memory = toHex(readSized(reader, reader.u32(), MAX_MEMORY_BYTES));
  const count = reader.u8();
  if (count > MAX_MEMBERS) reader.refuse(`expected at most ${MAX_MEMBERS} observations`);
  const observations: Hex[] = [];
  while (observations.length < count && reader.fault() === undefined) {
    observations.push(toHex(readSized(reader, reader.u32(), MAX_OBSERVATION_BYTES)));
  }
  const documentCount = reader.u16();
  if (documentCount > MAX_MEMBERS * MAX_DOCUMENTS) reader.refuse(`expected at most ${MAX_MEMBERS * MAX_DOCUMENTS} documents`);
  const documents: Hex[] = [];
  while (documents.length < documentCount && reader.fault() === undefined) {
    documents.push(toHex(readSized(reader, reader.u32(), MAX_DOCUMENT_BYTES)));
  }
  return ended(reader, { round, parent, memory, observations, documents });
}
