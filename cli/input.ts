import { open } from "node:fs/promises";
import { OperationalError, reasonOf } from "../node/io/operational-error.ts";

/**
 * A text file of at most `maxBytes`; a pipe or a device is read no further than that either.
 *
 * @throws OperationalError `unreadable`, `oversize`; the message names the path
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      return await collectText(file.createReadStream({ autoClose: false }), { name: path, maxBytes });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw new OperationalError(`${path}: cannot read the file: ${reasonOf(error)}`, {
      code: "unreadable",
      details: { path },
      cause: error,
    });
  }
}

/**
 * A stream's UTF-8 text. `name` is what the message calls the stream.
 *
 * @throws OperationalError `oversize` as soon as more than `maxBytes` have come
 */
export async function collectText(
  stream: AsyncIterable<Uint8Array | string>,
  { name, maxBytes }: { readonly name: string; readonly maxBytes: number },
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new OperationalError(`${name}: expected at most ${maxBytes} bytes`, { code: "oversize" });
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString("utf8");
}
