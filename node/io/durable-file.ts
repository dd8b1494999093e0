import { randomBytes } from "node:crypto";
import { link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export const OWNER_ONLY = 0o600;

/** A name beside the file, in its folder so that it can be moved into its place in one step, that nothing else has. */
export function nameBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
}

/** Until everything written to the file, or every name made in the folder, is on the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a new owner-only file; its content is on the disk when it returns, its name need not be. */
export async function writeOwnerOnly(path: string, content: string): Promise<void> {
  const file = await open(path, "wx", OWNER_ONLY);
  try {
    await file.chmod(OWNER_ONLY);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives a synced file its name for good, whole or not at all. `link` instead of `rename`, because it fails when the name is taken.
 *
 * @throws what the file system says; `EEXIST` when the name is taken
 */
export async function placeNewFile(temporary: string, path: string): Promise<void> {
  await link(temporary, path);
  await unlink(temporary);
  await syncPath(dirname(path));
}

/** Puts a synced file in the place of another, of which nothing stays. Somebody who reads sees the one or the other, never a part. */
export async function replaceFile(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncPath(dirname(path));
}
