import type { DatabaseSync } from "node:sqlite";
import type { Domain } from "../../protocol/eip712.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { DEFAULT_RETENTION, type Retention, type Store } from "../store.ts";
import { advised, openStoreFile, readStoreFile } from "./store-file.ts";
import { createGovernance } from "./store-governance.ts";
import { createEvidence, createGuard } from "./store-guard.ts";
import { createRounds, readBody } from "./store-rounds.ts";

/**
 * The node's store in one SQLite file (`node:sqlite`, WAL, `synchronous=FULL` verified). What it throws is an OperationalError with
 * a code and advice; a failed write is rolled back whole.
 *
 * @param options.domain the network's: the breaker log names observations by their digests under it
 * @param options.now stamps records, Unix ms
 * @throws OperationalError as {@link openStoreFile}
 */
export function openStore(options: {
  readonly path: string;
  readonly domain: Domain;
  readonly retention?: Partial<Retention>;
  readonly now?: () => number;
}): Store {
  const { path, domain } = options;
  const retention: Retention = { ...DEFAULT_RETENTION, ...options.retention };
  const { db, close } = openStoreFile(path);
  try {
    const parts = advised(path, () => ({
      ...createGuard(db, { retention, now: options.now ?? Date.now }),
      ...createRounds(db, { retention, domain }),
      ...createEvidence(db, retention),
      ...createGovernance(db),
    }));
    return { ...adviseAll(path, parts), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What can be asked of a store that somebody else writes. */
export type ReadStore = Pick<Store, "latest" | "byRound" | "bodyOf" | "range" | "breakerLog" | "transitions" | "close"> & {
  /** The oldest round whose body is kept. */
  readonly firstBody: () => number | undefined;
  /** Bodies of the walk with from ≤ round ≤ to, newest first, at most `limit`; without the certificates, which cost more than they. */
  readonly bodies: (span: { readonly from: number; readonly to: number; readonly limit: number }) => readonly RoundBody[];
  /** How many rounds of the walk with from ≤ round ≤ to are kept, with or without a body. */
  readonly countRounds: (span: { readonly from: number; readonly to: number }) => number;
  /** The newest round of the walk. */
  readonly newestRound: () => number | undefined;
};

/**
 * Reads beside the node that writes the file, or after it; nothing is written and no lock is taken.
 *
 * @throws OperationalError `store-missing`, `store-older`, and as {@link openStore}
 */
export function readStore({ path, domain }: { readonly path: string; readonly domain: Domain }): ReadStore {
  const { db, close } = readStoreFile(path);
  try {
    const { latest, byRound, bodyOf, range, breakerLog } = advised(path, () =>
      createRounds(db, { retention: DEFAULT_RETENTION, domain }),
    );
    const { transitions } = createGovernance(db);
    const oldest = db.prepare("SELECT min(round) AS round FROM bodies");
    const walk = prepareWalk(db);
    const wrap = adviceFor(path);
    return {
      latest: wrap(latest),
      byRound: wrap(byRound),
      bodyOf: wrap(bodyOf),
      range: wrap(range),
      breakerLog: wrap(breakerLog),
      transitions: wrap(transitions),
      firstBody: wrap(() => {
        const round = oldest.get()?.round;
        return typeof round === "number" ? round : undefined;
      }),
      bodies: wrap(walk.bodies),
      countRounds: wrap(walk.countRounds),
      newestRound: wrap(walk.newestRound),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Of the walk what needs no certificate to be read. */
function prepareWalk(db: DatabaseSync): Pick<ReadStore, "bodies" | "countRounds" | "newestRound"> {
  const bodies = db.prepare(
    `SELECT body FROM rounds JOIN bodies ON bodies.id = rounds.id
     WHERE rounds.round BETWEEN ? AND ? AND orphan = 0 ORDER BY rounds.round DESC LIMIT ?`,
  );
  const count = db.prepare("SELECT count(*) AS count FROM rounds WHERE round BETWEEN ? AND ? AND orphan = 0");
  const newest = db.prepare("SELECT max(round) AS round FROM rounds WHERE orphan = 0");
  return {
    bodies: ({ from, to, limit }) => bodies.all(from, to, limit).map(({ body }) => readBody(body as Uint8Array)),
    countRounds: ({ from, to }) => Number(count.get(from, to)?.count),
    newestRound: () => {
      const round = newest.get()?.round;
      return typeof round === "number" ? round : undefined;
    },
  };
}

type Parts = Omit<Store, "close">;

function adviceFor(path: string) {
  return <A extends readonly unknown[], R>(action: (...args: A) => R) =>
    (...args: A): R =>
      advised(path, () => action(...args));
}

function adviseAll(path: string, parts: Parts): Parts {
  const wrap = adviceFor(path);
  return {
    recordSigned: wrap(parts.recordSigned),
    signedAt: wrap(parts.signedAt),
    newestSignedRound: wrap(parts.newestSignedRound),
    saveRound: wrap(parts.saveRound),
    latest: wrap(parts.latest),
    byDigest: wrap(parts.byDigest),
    byRound: wrap(parts.byRound),
    bodyOf: wrap(parts.bodyOf),
    range: wrap(parts.range),
    history: wrap(parts.history),
    breakerLog: wrap(parts.breakerLog),
    orphans: wrap(parts.orphans),
    saveDocument: wrap(parts.saveDocument),
    document: wrap(parts.document),
    documents: wrap(parts.documents),
    saveTransition: wrap(parts.saveTransition),
    transitions: wrap(parts.transitions),
    saveEvidence: wrap(parts.saveEvidence),
    evidence: wrap(parts.evidence),
  };
}
