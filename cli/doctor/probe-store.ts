import { existsSync, statSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { readStore } from "../../node/io/store.ts";
import { advised, numberOf, readStoreFile } from "../../node/io/store-file.ts";
import type { Domain } from "../../protocol/eip712.ts";
import type { Transition } from "../../protocol/transition.ts";
import type { StoreFacts } from "./judge-store.ts";

/** Up to this size every page is read; beyond it those of the records that signing depends on are. */
const FULL_CHECK_BYTES = 2 * 1024 * 1024 * 1024;

/**
 * What is in a store, read beside the node that writes it. Undefined when there is none.
 *
 * @throws OperationalError as readStoreFile: an older or newer schema, a file that is none
 */
export function probeStore(path: string): StoreFacts | undefined {
  if (!existsSync(path)) return undefined;
  const { db, close } = readStoreFile(path);
  try {
    return advised(path, () => {
      const { size } = statSync(path);
      const checks = size <= FULL_CHECK_BYTES ? ["quick_check(1)"] : ["quick_check(signed)", "quick_check(meta)"];
      const verdicts = checks.map((check) => String(Object.values(db.prepare(`PRAGMA ${check}`).get() ?? {})[0]));
      const newest = numberOf(db, "SELECT coalesce(max(round), -1) FROM rounds");
      const guard = numberOf(
        db,
        "SELECT max(coalesce((SELECT max(round) FROM signed), -1), coalesce((SELECT value FROM meta WHERE name = 'guard_floor'), -1))",
      );
      return {
        bytes: size,
        integrity: verdicts.find((verdict) => verdict !== "ok")?.replaceAll(/\s*\n\s*/g, " ") ?? "ok",
        rounds: numberOf(db, "SELECT count(*) FROM rounds"),
        bodies: numberOf(db, "SELECT count(*) FROM bodies"),
        newestRound: newest < 0 ? undefined : newest,
        guard: guard < 0 ? undefined : guard,
      };
    });
  } finally {
    close();
  }
}

/** The way from the genesis config to the one in force, as far as this store has followed it. Throws as {@link probeStore}. */
export function readTransitions(path: string, domain: Domain): readonly Transition[] {
  const store = readStore({ path, domain });
  try {
    return store.transitions();
  } finally {
    store.close();
  }
}

/** Free bytes, for this user, on the disk that holds a path or the nearest folder of it that there is. */
export async function probeDisk(path: string): Promise<number> {
  let folder = dirname(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Mode and owner, or why the file cannot be read. */
export async function probeFile(path: string) {
  try {
    const { mode, uid } = await stat(path);
    return { ok: true, mode, owner: uid, self: process.getuid?.() ?? uid } as const;
  } catch (error) {
    return { ok: false, reason: (error as NodeJS.ErrnoException).code ?? String(error) } as const;
  }
}
