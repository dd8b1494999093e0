import { existsSync, mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { OperationalError, reasonOf } from "../node/io/operational-error.ts";

/** `mode` as chmod takes it; without one what the process's umask leaves. */
export type NewFile = { readonly path: string; readonly content: string; readonly mode?: number };

/**
 * Writes files that must not exist yet, then asks `check` to read them back. Either all of them stay or none: when one is taken, cannot
 * be written or does not pass, those already written are removed.
 *
 * @throws OperationalError `exists`, `unwritable`, or what `check` threw
 */
export function writeNewFiles<T>(files: readonly NewFile[], check: () => T): T {
  const taken = files.find(({ path }) => existsSync(path));
  if (taken !== undefined) {
    throw new OperationalError(`${taken.path} exists already and is never overwritten: move it away or choose another --dir`, {
      code: "exists",
      details: { path: taken.path },
    });
  }
  const written: string[] = [];
  try {
    for (const file of files) {
      const { path } = file;
      writeNewFile(file);
      written.push(path);
    }
    return check();
  } catch (error) {
    for (const path of written) unlinkSync(path);
    throw error;
  }
}

function writeNewFile({ path, content, mode }: NewFile): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { flag: "wx", ...(mode === undefined ? {} : { mode }) });
  } catch (error) {
    throw new OperationalError(`${path}: cannot write the file: ${reasonOf(error)}`, {
      code: "unwritable",
      details: { path },
      cause: error,
    });
  }
}
