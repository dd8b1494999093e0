import { type KeyFile, keyFileSchema } from "../node/io/key-cipher.ts";
import { type KeyLog, PASSWORD_VARIABLE, readPassword } from "../node/io/keys.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import type { Address } from "../protocol/bytes.ts";
import { readTextFile } from "./input.ts";
import type { Terminal } from "./terminal.ts";

const MAX_KEY_FILE_BYTES = 16 * 1024;

export type PasswordOption = { readonly passwordFile?: string };

export const PASSWORD_FLAG = [
  "--password-file <file>",
  `file with the password; without it the variable ${PASSWORD_VARIABLE}`,
] as const;

/**
 * The address that a key file states, unproven; undefined when it states none.
 *
 * @throws OperationalError `unreadable`, `oversize`, `not-a-key-file`
 */
export async function readStatedAddress(path: string): Promise<Address | undefined> {
  return statedAddressOf(await readEncryptedKey(path));
}

/** A key file's content, still encrypted. Throws as {@link readStatedAddress}. */
export async function readEncryptedKey(path: string): Promise<KeyFile> {
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
  return parsed.data;
}

export function statedAddressOf({ address }: KeyFile): Address | undefined {
  const digits = address?.toLowerCase().replace(/^0x/, "");
  return digits === undefined ? undefined : `0x${digits}`;
}

/** The commands' own flag in the message, where node.yaml's key would be named otherwise. */
export async function passwordFor(options: PasswordOption, terminal: Terminal): Promise<string> {
  try {
    return await readPassword({ ...options, environment: terminal.environment }, logTo(terminal));
  } catch (error) {
    if (!(error instanceof OperationalError) || error.code !== "no-password") throw error;
    throw new OperationalError(`no password for the key: give --password-file <file> or set the variable ${PASSWORD_VARIABLE}`, {
      code: error.code,
      cause: error,
    });
  }
}

export function logTo({ note }: Terminal): KeyLog {
  return { warn: (_, message) => note(`warning: ${message}`) };
}
