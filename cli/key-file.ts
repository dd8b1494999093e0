import { keyFileSchema } from "../node/io/key-cipher.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import type { Address } from "../protocol/bytes.ts";
import { readTextFile } from "./input.ts";

const MAX_KEY_FILE_BYTES = 16 * 1024;

/**
 * The address that a key file states, unproven; undefined when it states none.
 *
 * @throws OperationalError `unreadable`, `oversize`, `not-a-key-file`
 */
export async function readStatedAddress(path: string): Promise<Address | undefined> {
  const text = await readTextFile(path, MAX_KEY_FILE_BYTES);
  const refused = (what: string) => new OperationalError(`${path}: not a key file: ${what}`, { code: "not-a-key-file" });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw refused("not JSON");
  }
  const parsed = keyFileSchema.safeParse(content);
  if (!parsed.success) throw refused("expected web3 secret storage, version 3");
  const address = parsed.data.address?.toLowerCase().replace(/^0x/, "");
  return address === undefined ? undefined : `0x${address}`;
}
