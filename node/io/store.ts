import type { Domain } from "../../protocol/eip712.ts";
import { DEFAULT_RETENTION, type Retention, type Store } from "../store.ts";
import { advised, openStoreFile, readStoreFile } from "./store-file.ts";
import { createGovernance } from "./store-governance.ts";
import { createEvidence, createGuard } from "./store-guard.ts";
import { createRounds } from "./store-rounds.ts";

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
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
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
