import type { DatabaseSync } from "node:sqlite";
import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { EVIDENCE_KINDS, type Evidence } from "../../protocol/evidence.ts";
import { evidenceRound, MAX_EVIDENCE, type Retention, type SignedRecord, type Store } from "../store.ts";
import { numberOf, transaction } from "./store-file.ts";

/** Records are dropped this many at a time, so that one signing in so many pays for it. */
const GUARD_BATCH = 256;
const FLOOR = "guard_floor";
const RAISE_FLOOR =
  "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
const INSERT_SIGNED = "INSERT INTO signed (round, kind, config_digest, digest, recorded_at) VALUES (?, ?, ?, ?, ?)";

/** The records of what was signed (P2). Every write is one commit, and a commit is on disk when it returns (`synchronous=FULL`). */
export function createGuard(
  db: DatabaseSync,
  { retention, now }: { readonly retention: Retention; readonly now: () => number },
): Pick<Store, "recordSigned" | "signedAt" | "newestSignedRound"> {
  const find = db.prepare("SELECT config_digest, digest, recorded_at FROM signed WHERE round = ? AND kind = ?");
  const insert = db.prepare(INSERT_SIGNED);
  const newest = db.prepare("SELECT max(round) AS round FROM signed");
  const lowest = db.prepare("SELECT max(round) AS round FROM (SELECT round FROM signed ORDER BY round LIMIT ?)");
  const drop = db.prepare("DELETE FROM signed WHERE round <= ?");
  const raise = db.prepare(RAISE_FLOOR);
  let kept = numberOf(db, "SELECT count(*) FROM signed");
  let floor = numberOf(db, `SELECT coalesce(max(value), -1) FROM meta WHERE name = '${FLOOR}'`);

  const signedAt: Store["signedAt"] = (kind, round) => {
    const row = find.get(round, kind);
    if (row === undefined) return undefined;
    return {
      kind,
      round,
      configDigest: String(row.config_digest) as Digest,
      digest: String(row.digest) as Digest,
      recordedAt: Number(row.recorded_at),
    } satisfies SignedRecord;
  };

  /**
   * The floor rises in the same transaction in which records go, so no number can be signed again. By count, never by distance: one
   * record of a wrong clock's far future must not raise the floor over the present.
   */
  const prune = (): void => {
    if (kept < retention.signed + GUARD_BATCH) return;
    const upTo = Number(lowest.get(kept - retention.signed)?.round);
    const dropped = transaction(db, () => {
      raise.run(FLOOR, upTo);
      return Number(drop.run(upTo).changes);
    });
    kept -= dropped;
    floor = Math.max(floor, upTo);
  };

  return {
    recordSigned: (signing) => {
      const known = signedAt(signing.kind, signing.round);
      if (known !== undefined) {
        return known.digest === signing.digest && known.configDigest === signing.configDigest ? "same" : "conflict";
      }
      if (signing.round <= floor) return "conflict";
      insert.run(signing.round, signing.kind, signing.configDigest, signing.digest, now());
      kept += 1;
      prune();
      return "recorded";
    },
    signedAt,
    newestSignedRound: () => {
      const round = newest.get()?.round;
      return typeof round === "number" ? round : undefined;
    },
  };
}

/**
 * From now on nothing at or below this round is signed, whatever the store knows of it (P2). The floor alone would make the node sign
 * and be refused, which it takes for a second copy of itself: a record of nothing at the floor, for each kind, tells it where to begin.
 */
export function raiseGuardFloor(db: DatabaseSync, { round, now }: { readonly round: number; readonly now: number }): void {
  const insert = db.prepare(`${INSERT_SIGNED} ON CONFLICT (round, kind) DO NOTHING`);
  const raise = db.prepare(RAISE_FLOOR);
  transaction(db, () => {
    raise.run(FLOOR, round);
    for (const kind of EVIDENCE_KINDS) insert.run(round, kind, ZERO_DIGEST, ZERO_DIGEST, now);
  });
}

export function createEvidence(db: DatabaseSync, retention: Retention): Pick<Store, "saveEvidence" | "evidence"> {
  const find = db.prepare("SELECT 1 FROM evidence WHERE signer = ? AND kind = ? AND round = ?");
  const count = db.prepare("SELECT count(*) AS everyone, count(*) FILTER (WHERE signer = ?) AS signer FROM evidence");
  const insert = db.prepare("INSERT INTO evidence (signer, kind, round, document) VALUES (?, ?, ?, ?)");
  const newest = db.prepare("SELECT document FROM evidence ORDER BY id DESC LIMIT ?");
  return {
    saveEvidence: (evidence) => {
      const round = evidenceRound(evidence);
      if (find.get(evidence.signer, evidence.kind, round) !== undefined) return "known";
      const kept = count.get(evidence.signer);
      if (Number(kept?.signer) >= retention.evidencePerSigner || Number(kept?.everyone) >= MAX_EVIDENCE) return "full";
      insert.run(evidence.signer, evidence.kind, round, JSON.stringify(evidence));
      return "saved";
    },
    evidence: ({ limit }) => newest.all(limit).map(({ document }) => JSON.parse(String(document)) as Evidence),
  };
}
