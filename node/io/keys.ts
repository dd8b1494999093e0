import { randomBytes } from "node:crypto";
import { readFile, stat, unlink } from "node:fs/promises";
import type { Address } from "../../protocol/bytes.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { addressOfPublicKey, type Secp256k1 } from "../../protocol/secp256k1.ts";
import { nameBeside, placeNewFile, writeOwnerOnly } from "./durable-file.ts";
import { decryptKey, encryptKey, type KeyFile, keyFileSchema, SCRYPT_N } from "./key-cipher.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";

const OTHERS = 0o077;
const MAX_FILE_BYTES = 16 * 1024;
export const PASSWORD_VARIABLE = "BREAKWATER_PASSWORD";

/** A node's one key: it signs observations, proposals and rounds, and is its identity on the wire. */
export type NodeKey = { readonly scheme: Secp256k1; readonly privateKey: Uint8Array; readonly address: Address };

export type KeyLog = { readonly warn: (details: object, message: string) => void };

/** @throws OperationalError `not-a-key` when the 32 bytes are zero or not below the curve's order. */
export function nodeKeyOf(privateKey: Uint8Array, scheme: Secp256k1 = loadSecp256k1()): NodeKey {
  try {
    return { scheme, privateKey, address: addressOfPublicKey(scheme.publicKey(privateKey)) };
  } catch (error) {
    throw new OperationalError("the decrypted bytes are no private key of secp256k1", { code: "not-a-key", cause: error });
  }
}

/**
 * Makes a new key and writes it encrypted, readable by its owner only. The file appears whole or not at all and never replaces one.
 *
 * @param options.n scrypt's cost, a power of two; tests and dev networks lower it
 * @param options.privateKey 32 bytes to keep instead of new random ones
 * @throws OperationalError `exists`, `empty-password`, `unwritable`
 */
export async function createKeyFile(
  path: string,
  password: string,
  options: { readonly n?: number; readonly privateKey?: Uint8Array; readonly scheme?: Secp256k1 } = {},
): Promise<NodeKey> {
  if (password === "") throw new OperationalError("a key file needs a password that is not empty", { code: "empty-password" });
  const key = nodeKeyOf(options.privateKey ?? randomBytes(32), options.scheme);
  const file = await encryptKey(key.privateKey, { password, address: key.address, n: options.n ?? SCRYPT_N });
  await writeNewFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return key;
}

/**
 * Reads a web3 secret storage v3 file (scrypt or pbkdf2), whoever wrote it.
 *
 * @throws OperationalError `unreadable`, `not-a-key-file`, `wrong-password`, `not-a-key`, `address-mismatch`; each names the file
 */
export async function readKeyFile(
  path: string,
  password: string,
  options: { readonly scheme?: Secp256k1; readonly log?: KeyLog } = {},
): Promise<NodeKey> {
  const file = await readEncryptedFile(path);
  await warnIfOthersMayRead(path, options.log);
  return openKeyFile(path, file, { password, ...options });
}

/** A key file's content, still encrypted. @throws OperationalError `unreadable`, `not-a-key-file` */
export async function readEncryptedFile(path: string): Promise<KeyFile> {
  return parseKeyFile(path, await readSmallFile(path, "key file"));
}

/** Decrypts a key file's content. Throws as {@link readKeyFile}; `path` is what its messages name. */
export async function openKeyFile(
  path: string,
  file: KeyFile,
  { password, scheme }: { readonly password: string; readonly scheme?: Secp256k1 },
): Promise<NodeKey> {
  const privateKey = await decryptKey(file, password).catch((error: unknown) => {
    if (!(error instanceof OperationalError)) throw error;
    throw new OperationalError(`${path}: ${error.message}`, { code: error.code, details: { path }, cause: error });
  });
  const key = nodeKeyOf(privateKey, scheme);
  const named = file.address?.toLowerCase().replace(/^0x/, "");
  if (named !== undefined && `0x${named}` !== key.address) {
    throw new OperationalError(`${path}: it names address 0x${named} but holds the key of ${key.address}`, {
      code: "address-mismatch",
      details: { path, named: `0x${named}`, address: key.address },
    });
  }
  return key;
}

/**
 * The key's password: the file's content without its trailing newline, else the variable BREAKWATER_PASSWORD.
 *
 * @throws OperationalError `unreadable`, `empty-password`, `no-password`
 */
export async function readPassword(
  {
    passwordFile,
    environment,
  }: { readonly passwordFile?: string; readonly environment: Readonly<Record<string, string | undefined>> },
  log?: KeyLog,
): Promise<string> {
  if (passwordFile !== undefined) {
    const text = (await readSmallFile(passwordFile, "password file")).replace(/\r?\n$/, "");
    if (text === "") {
      throw new OperationalError(`${passwordFile}: the password file is empty`, {
        code: "empty-password",
        details: { path: passwordFile },
      });
    }
    await warnIfOthersMayRead(passwordFile, log);
    return text;
  }
  const password = environment[PASSWORD_VARIABLE];
  if (password === undefined || password === "") {
    throw new OperationalError(
      `no password for the key: set key.passwordFile in node.yaml or the variable ${PASSWORD_VARIABLE}`,
      {
        code: "no-password",
      },
    );
  }
  return password;
}

function parseKeyFile(path: string, text: string): KeyFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new OperationalError(`${path}: not a key file: not JSON`, { code: "not-a-key-file", details: { path } });
  }
  const parsed = keyFileSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
  throw new OperationalError(`${path}: not a key file this node reads: ${where}${issue?.message ?? "unknown form"}`, {
    code: "not-a-key-file",
    details: { path },
  });
}

async function readSmallFile(path: string, what: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes, expected at most ${MAX_FILE_BYTES}`);
    return await readFile(path, "utf8");
  } catch (error) {
    throw new OperationalError(`${path}: cannot read the ${what}: ${reasonOf(error)}`, {
      code: "unreadable",
      details: { path },
      cause: error,
    });
  }
}

async function warnIfOthersMayRead(path: string, log: KeyLog | undefined): Promise<void> {
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & OTHERS) === 0) return;
  const found = mode.toString(8);
  log?.warn({ path, mode: found }, `${path} can be read by others (mode ${found}): run chmod 600 on it`);
}

/** The file appears whole or not at all. */
async function writeNewFile(path: string, content: string): Promise<void> {
  const temporary = nameBeside(path);
  try {
    await writeOwnerOnly(temporary, content);
    await placeNewFile(temporary, path);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new OperationalError(
      taken ? `${path} exists already: a key is never overwritten; move it away first` : `${path}: ${reasonOf(error)}`,
      { code: taken ? "exists" : "unwritable", details: { path }, cause: error },
    );
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}
