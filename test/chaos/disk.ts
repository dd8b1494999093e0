import { execFileSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Promised, promisesIn } from "../e2e/stores.ts";

const DISK_MEGABYTES = 32;
/** Pieces in which a disk is filled, down to less than a page of any file system. */
const PIECES = [1 << 20, 1 << 16, 1 << 12, 1 << 9];
const FLIPPED_BYTES = 1 << 16;

/** A small file system under a folder, which keeps its files when it comes and when it goes. */
export type SmallDisk = {
  /** Until not one more byte fits. */
  readonly fill: () => void;
  readonly free: () => void;
  readonly unmount: () => void;
};

/**
 * Mounts a tmpfs over a folder that nobody has open.
 *
 * @throws when this cannot be done here: it takes root and `mount`
 */
export function mountSmallDisk(folder: string): SmallDisk {
  const away = `${folder}.away`;
  cpSync(folder, away, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MEGABYTES}m`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    throw new Error(`a disk that fills needs root and mount(8) for a tmpfs; run this suite as root: ${String(error)}`);
  }
  const drop = (): void => void execFileSync("umount", ["--lazy", folder], { stdio: "pipe" });
  process.once("exit", drop);
  cpSync(away, folder, { recursive: true });
  const ballast = join(folder, "ballast");
  return {
    fill: () => fillWith(ballast),
    free: () => rmSync(ballast),
    unmount: () => {
      rmSync(ballast, { force: true });
      rmSync(away, { recursive: true });
      cpSync(folder, away, { recursive: true });
      process.off("exit", drop);
      drop();
      rmSync(folder, { recursive: true });
      renameSync(away, folder);
    },
  };
}

function fillWith(file: string): void {
  const handle = openSync(file, "a");
  for (const size of PIECES) {
    try {
      while (writeSync(handle, Buffer.alloc(size, 1)) === size);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOSPC") throw error;
    }
  }
  closeSync(handle);
}

/** What a dead node had promised, read from a copy: a reader must not touch the log that belongs to the file. */
export function promisesOfDead(store: string): readonly Promised[] {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-chaos-read-"));
  try {
    cpSync(dirname(store), folder, { recursive: true });
    return promisesIn(join(folder, basename(store)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What happens to files, by what a person would say has happened. */
export const DAMAGES = {
  "bytes flipped in the middle": (store) => {
    checkpoint(store);
    const bytes = readFileSync(store);
    const from = Math.max(0, (bytes.length - FLIPPED_BYTES) >> 1);
    for (let at = from; at < Math.min(bytes.length, from + FLIPPED_BYTES); at++) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(store, bytes);
  },
  "cut to its half": (store) => {
    checkpoint(store);
    truncateSync(store, statSync(store).size >> 1);
  },
  "every byte of its newest certificate flipped": (store) => {
    const db = new DatabaseSync(store);
    const newest = db.prepare("SELECT id, certificate FROM rounds ORDER BY round DESC LIMIT 1").get();
    if (newest === undefined) throw new Error(`${store} holds no round`);
    const rotten = Uint8Array.from(newest.certificate as Uint8Array, (byte) => byte ^ 0xff);
    db.prepare("UPDATE rounds SET certificate = ? WHERE id = ?").run(rotten, newest.id ?? null);
    db.close();
  },
  "its write-ahead log gone": (store) => {
    if (statSync(`${store}-wal`).size === 0) throw new Error(`${store}-wal is empty: nothing is lost with it`);
    rmSync(`${store}-wal`);
    rmSync(`${store}-shm`, { force: true });
  },
} as const satisfies Record<string, (store: string) => void>;

/** What a kill left in the write-ahead log goes into the file, so that damage to the file is damage to what it keeps. */
function checkpoint(store: string): void {
  const db = new DatabaseSync(store);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}
