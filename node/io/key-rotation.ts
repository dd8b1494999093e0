import { chown, realpath, stat, unlink } from "node:fs/promises";
import type { Address } from "../../protocol/bytes.ts";
import { nameBeside, replaceFile, writeOwnerOnly } from "./durable-file.ts";
import { encryptKey, type KeyFile, MAX_SCRYPT_BYTES, SCRYPT_N, SCRYPT_P, SCRYPT_R } from "./key-cipher.ts";
import { openKeyFile, readEncryptedFile } from "./keys.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";

/** What a reader of key files takes with this program's r. */
const MAX_N = MAX_SCRYPT_BYTES / (128 * SCRYPT_R);

export type Rotation = {
  readonly address: Address;
  /** scrypt's n before, as it would be with today's r and p, and after; undefined before when the file had another derivation. */
  readonly costBefore: number | undefined;
  readonly cost: number;
};

/**
 * Encrypts a key file anew under another password, in its place: whoever opens the path finds the old file or the new one, and nothing
 * of the old is kept. The cost of guessing the password never falls and rises to today's default. The file is owner-only afterwards and
 * stays its owner's; that the new one opens is tried before the old one goes.
 *
 * @param options.n the least cost; tests and dev networks lower it
 * @throws OperationalError `empty-password`, `unwritable`, or as readKeyFile
 */
export async function rotateKeyFile(
  path: string,
  { password, newPassword, n = SCRYPT_N }: { readonly password: string; readonly newPassword: string; readonly n?: number },
): Promise<Rotation> {
  if (newPassword === "") throw new OperationalError("a key file needs a password that is not empty", { code: "empty-password" });
  const file = await readEncryptedFile(path);
  const key = await openKeyFile(path, file, { password });
  const costBefore = costOf(file);
  const cost = Math.max(n, costBefore ?? 0);
  const encrypted = await encryptKey(key.privateKey, { password: newPassword, address: key.address, n: cost });
  await replaceWith(path, `${JSON.stringify(encrypted, null, 2)}\n`, newPassword);
  return { address: key.address, costBefore, cost };
}

/** Of scrypt's work, which is n · r · p, what it takes as n with this program's r and p; cut to what a reader accepts. */
function costOf({ crypto }: KeyFile): number | undefined {
  if (crypto.kdf !== "scrypt") return undefined;
  const { n, r, p } = crypto.kdfparams;
  return Math.min(MAX_N, 2 ** Math.ceil(Math.log2((n * r * p) / (SCRYPT_R * SCRYPT_P))));
}

async function replaceWith(path: string, content: string, password: string): Promise<void> {
  try {
    // A link's target is what is replaced, not the link.
    const target = await realpath(path);
    const temporary = nameBeside(target);
    try {
      await writeOwnerOnly(temporary, content);
      await keepOwner(target, temporary);
      await openKeyFile(temporary, await readEncryptedFile(temporary), { password });
      await replaceFile(temporary, target);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  } catch (error) {
    throw new OperationalError(`${path}: cannot replace the file: ${reasonOf(error)}`, {
      code: "unwritable",
      details: { path },
      cause: error,
    });
  }
}

/** An administrator who rotates a service's key must not take it away from the service. */
async function keepOwner(from: string, to: string): Promise<void> {
  const [before, now] = [await stat(from), await stat(to)];
  if (before.uid !== now.uid || before.gid !== now.gid) await chown(to, before.uid, before.gid);
}
