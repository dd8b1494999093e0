import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";

/** Up to this size the whole file is checked at open; beyond it the guard, which signing depends on, is. */
const FULL_CHECK_BYTES = 256 * 1024 * 1024;
const MAX_WAL_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 4096;
const SYNCHRONOUS_FULL = 2;
/** A reader waits this long for a writer's checkpoint. */
const READER_PATIENCE_MS = 5_000;
/** "Database disk image is malformed". */
const SQLITE_CORRUPT = 11;

/** The schema is the sum of its steps: a new file takes all of them, an older one those after its own version. None is ever edited. */
const SCHEMA_STEPS = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE signed (
    round INTEGER NOT NULL, kind TEXT NOT NULL, config_digest TEXT NOT NULL, digest TEXT NOT NULL, recorded_at INTEGER NOT NULL,
    PRIMARY KEY (round, kind)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE rounds (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, round INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    parent BLOB NOT NULL, orphan INTEGER NOT NULL, certificate BLOB NOT NULL
  ) STRICT;
  CREATE INDEX rounds_by_round ON rounds (round, orphan);
  CREATE INDEX rounds_by_parent ON rounds (parent);
  CREATE TABLE bodies (id INTEGER PRIMARY KEY, round INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE INDEX bodies_by_round ON bodies (round);
  CREATE TABLE feeds (id INTEGER PRIMARY KEY, feed TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE reports (id INTEGER NOT NULL, feed INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (id, feed)) WITHOUT ROWID, STRICT;
  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY, signer TEXT NOT NULL, kind TEXT NOT NULL, round INTEGER NOT NULL, document TEXT NOT NULL,
    UNIQUE (signer, kind, round)
  ) STRICT;
`,
  // The breaker log holds what the round's own rows do not: the state before, and, once for the round, what the quorum had seen.
  `
  ALTER TABLE rounds ADD COLUMN observations BLOB;
  CREATE TABLE breaker_log (
    round INTEGER NOT NULL, feed INTEGER NOT NULL, id INTEGER NOT NULL, state_before TEXT, PRIMARY KEY (round, feed, id)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX breaker_log_by_feed ON breaker_log (feed, round);
  CREATE TABLE documents (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE INDEX documents_by_kind ON documents (kind, id);
  CREATE TABLE transitions (round INTEGER PRIMARY KEY, config TEXT NOT NULL, certificate BLOB NOT NULL) STRICT;
`,
] as const;
/** A newer program's store is refused: its guard may mean something this program does not know. */
const SCHEMA_VERSION = SCHEMA_STEPS.length;

/** SQLite's primary result codes (sqlite.org/rescode.html) that an operator can act on. */
const ADVICE: Readonly<Record<number, readonly [code: string, advice: string]>> = {
  5: ["store-locked", "another process holds the store: stop it first"],
  8: ["store-unwritable", "the file or its folder is read-only: check owner and mount"],
  10: ["store-io", "the disk refused: check its health, its free space and the file size limit"],
  [SQLITE_CORRUPT]: [
    "store-corrupt",
    "the file is damaged: move it away and restart; the node catches up from its peers after its quarantine",
  ],
  13: ["store-full", "the disk is full: free some space; the node signs nothing meanwhile"],
  14: ["store-unopenable", "it cannot be opened: check that the folder exists and belongs to this user"],
  26: [
    "store-corrupt",
    "it is no SQLite file: move it away and restart; the node catches up from its peers after its quarantine",
  ],
};

/** Runs `action`; what SQLite throws becomes an OperationalError with a code and advice. */
export function advised<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    const errcode = (error as { errcode?: unknown }).errcode;
    if (typeof errcode !== "number") throw error;
    const [code, advice] = ADVICE[errcode & 0xff] ?? ["store-failed", "see SQLite's message"];
    throw new OperationalError(`store ${path}: ${reasonOf(error)}; ${advice}`, {
      code,
      details: { path, errcode },
      cause: error,
    });
  }
}

export type StoreFile = { readonly db: DatabaseSync; readonly close: () => void };

/**
 * Holds the store against every other writer until it is called back. One process at a time writes: it holds a lock on a second, empty
 * database beside the file, which the system frees when the process dies. The file itself stays readable for inspection.
 *
 * @throws OperationalError `store-locked`, `store-unopenable`, `store-unwritable`, `store-io`
 */
export function lockStore(path: string): () => void {
  return advised(path, () => {
    makeFolder(path);
    const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
    try {
      lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    } catch (error) {
      lock.close();
      throw error;
    }
    return () => lock.close();
  });
}

/**
 * Opens or makes the file, held as by {@link lockStore}; nothing stays open when it throws.
 *
 * @throws OperationalError `store-locked`, `store-corrupt`, `store-newer`, `store-not-durable`, `store-unopenable`, `store-unwritable`, `store-io`
 */
export function openStoreFile(path: string): StoreFile {
  const unlock = lockStore(path);
  let db: DatabaseSync | undefined;
  const close = () => {
    db?.close();
    unlock();
  };
  try {
    return advised(path, () => {
      const isNew = !existsSync(path) || statSync(path).size === 0;
      db = new DatabaseSync(path, { timeout: 0 });
      prepareFile(db, path, isNew);
      return { db, close };
    });
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Opens an existing file of this program's schema for reading alone.
 *
 * @throws OperationalError `store-missing`, `store-older`, `store-newer`, `store-corrupt`, `store-foreign`
 */
export function readStoreFile(path: string): StoreFile {
  if (!existsSync(path)) throw new OperationalError(`store ${path}: no such file`, { code: "store-missing", details: { path } });
  return advised(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: READER_PATIENCE_MS });
    try {
      checkVersion(db, path);
      const version = numberOf(db, "PRAGMA user_version");
      if (version === SCHEMA_VERSION) return { db, close: () => db.close() };
      throw new OperationalError(
        `store ${path}: written by an older version (schema ${version}, this one reads ${SCHEMA_VERSION}); its node brings it up to date when it starts`,
        { code: "store-older", details: { path, version } },
      );
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** The single number in a pragma's or query's one row. */
export function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}

/** One transaction; rolled back whole when `work` throws. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite checks its pages and not what is written on them: a record that cannot be read is a damaged file to whoever runs this. */
export function intact<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw Object.assign(new Error(`a record is damaged: ${reasonOf(error)}`, { cause: error }), { errcode: SQLITE_CORRUPT });
  }
}

export function certificateOf(bytes: Uint8Array): Certificate {
  const certificate = decodeCertificate(bytes);
  if (!certificate.ok) throw new Error(`a certificate: ${certificate.error}`);
  return certificate.value;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperationalError(`store ${path}: cannot make its folder: ${reasonOf(error)}`, {
      code: "store-unopenable",
      details: { path },
      cause: error,
    });
  }
}

function prepareFile(db: DatabaseSync, path: string, isNew: boolean): void {
  if (isNew) db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`);
  else checkFile(db, path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
  const journal = Object.values(db.prepare("PRAGMA journal_mode").get() ?? {})[0];
  if (journal !== "wal" || numberOf(db, "PRAGMA synchronous") !== SYNCHRONOUS_FULL) {
    throw new OperationalError(
      `store ${path}: this file system gives no write-ahead log with full sync; a node must not sign on it`,
      {
        code: "store-not-durable",
        details: { path, journal: String(journal) },
      },
    );
  }
  migrate(db);
}

/** All missing steps or none: a process that dies meanwhile leaves the file as it was. */
function migrate(db: DatabaseSync): void {
  const version = numberOf(db, "PRAGMA user_version");
  if (version === SCHEMA_VERSION) return;
  transaction(db, () => {
    for (const step of SCHEMA_STEPS.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function checkVersion(db: DatabaseSync, path: string): void {
  const version = numberOf(db, "PRAGMA user_version");
  if (version > SCHEMA_VERSION) {
    throw new OperationalError(
      `store ${path}: written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      {
        code: "store-newer",
        details: { path, version },
      },
    );
  }
  const tables = numberOf(db, "SELECT count(*) FROM sqlite_schema");
  if (version === 0 && tables > 0) {
    throw new OperationalError(`store ${path}: a database of something else; point storage.path elsewhere`, {
      code: "store-foreign",
      details: { path },
    });
  }
}

function checkFile(db: DatabaseSync, path: string): void {
  checkVersion(db, path);
  if (numberOf(db, "PRAGMA user_version") === 0) return;
  const whole = statSync(path).size <= FULL_CHECK_BYTES;
  const found = whole ? ["PRAGMA quick_check(1)"] : ["PRAGMA quick_check(signed)", "PRAGMA quick_check(meta)"];
  for (const check of found) {
    const verdict = Object.values(db.prepare(check).get() ?? {})[0];
    if (verdict === "ok") continue;
    const [code, advice] = ADVICE[SQLITE_CORRUPT] ?? ["store-corrupt", ""];
    // SQLite heads its finding with a line of its own; an operator gets one line.
    const finding = String(verdict).replaceAll(/\s*\n\s*/g, " ");
    throw new OperationalError(`store ${path}: ${finding}; ${advice}`, { code, details: { path } });
  }
}
