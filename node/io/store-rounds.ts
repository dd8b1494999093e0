import type { DatabaseSync, StatementSync } from "node:sqlite";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Digest, fromHex, toHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { Domain } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound, RoundBody, StoredRound } from "../../protocol/round.ts";
import { transitionsOf } from "../breaker-log.ts";
import { MAX_HISTORY, MAX_RANGE, type Retention, type Store, settleWalk, type WalkRow } from "../store.ts";
import { decodeVerdict, encodeVerdict } from "../stored-verdict.ts";
import { prepareBreakerLog } from "./store-breaker-log.ts";
import { certificateOf, intact, numberOf, transaction } from "./store-file.ts";

/** Rows pruned per saved round: above one, so that a lowered retention is reached, and small, so that no save waits for it. */
const PRUNE_BATCH = 8;
/** Free pages are reused; only a file with many of them is shrunk, a few at a time. */
const FREE_PAGES_KEPT = 1024;
const VACUUM_PAGES = 64;
/** Bodies are hex of mostly zero words: the fastest level takes one of 15 feeds and 4 nodes from 60 kB to 3.5 kB, the others no further. */
const BODY_COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

type RoundsPart = Pick<
  Store,
  "saveRound" | "latest" | "byDigest" | "byRound" | "bodyOf" | "range" | "history" | "breakerLog" | "orphans"
>;
type RoundRow = { id: number; digest: Uint8Array; round: number; parent: Uint8Array; orphan: number; certificate: Uint8Array };

/** Certified rounds, their bodies, and the breaker log that is drawn from both. */
export function createRounds(
  db: DatabaseSync,
  { retention, domain }: { readonly retention: Retention; readonly domain: Domain },
): RoundsPart {
  const rows = prepareRounds(db);
  const log = prepareBreakerLog(db);
  const feedIds = new Map<string, number>();
  for (const { id, feed } of db.prepare("SELECT id, feed FROM feeds").all()) feedIds.set(String(feed), Number(id));
  let kept = numberOf(db, "SELECT count(*) FROM rounds");
  let bodies = numberOf(db, "SELECT count(*) FROM bodies");
  const rowOf = (digest: Digest) => rows.byDigest.get(fromHex(digest)) as RoundRow | undefined;
  const stored = (row: unknown): StoredRound | undefined => (row === undefined ? undefined : readRound(rows, row as RoundRow));

  const insert = ({ digest, certificate, feeds }: CertifiedRound): number => {
    const { round, timestamp, parent } = certificate.header;
    const bytes = encodeCertificate(certificate);
    const id = Number(rows.insert.run(fromHex(digest), round, timestamp, fromHex(parent), bytes).lastInsertRowid);
    for (const verdict of feeds) {
      rows.insertReport.run(id, feedIdOf(rows, feedIds, verdict.report.feed), encodeVerdict(verdict));
    }
    settleWalk(walkRows(rows, rowOf), { digest, round, parent, orphan: true });
    return id;
  };
  const insertBody = (id: number, certified: CertifiedRound, body: RoundBody): void => {
    const { round } = certified.certificate.header;
    rows.insertBody.run(id, round, zstdCompressSync(JSON.stringify(body), BODY_COMPRESSION));
    const transitions = transitionsOf(certified, body, domain);
    log.insert(id, transitions, (feed) => feedIdOf(rows, feedIds, feed));
  };

  return {
    saveRound: ({ certified, body }) => {
      const known = rowOf(certified.digest);
      const hasBody = known !== undefined && rows.hasBody.get(known.id) !== undefined;
      if (known !== undefined && (body === undefined || hasBody)) return "known";
      const pruned = transaction(db, () => {
        const id = known?.id ?? insert(certified);
        if (body !== undefined) insertBody(id, certified, body);
        return prune(
          { rows, log },
          {
            rounds: kept + (known === undefined ? 1 : 0) - retention.rounds,
            bodies: bodies + (body === undefined ? 0 : 1) - retention.bodies,
          },
        );
      });
      kept += (known === undefined ? 1 : 0) - pruned.rounds;
      bodies += (body === undefined ? 0 : 1) - pruned.bodies;
      if (pruned.rounds + pruned.bodies > 0 && numberOf(db, "PRAGMA freelist_count") > FREE_PAGES_KEPT) {
        db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
      }
      return "saved";
    },
    latest: () => stored(rows.latest.get()),
    byDigest: (digest) => stored(rowOf(digest)),
    byRound: (round) => stored(rows.byRound.get(round)),
    bodyOf: (digest) => {
      const row = rows.body.get(fromHex(digest));
      return row === undefined ? undefined : readBody(row.body as Uint8Array);
    },
    range: ({ from, to, limit = MAX_RANGE }) =>
      rows.range.all(from, to, Math.min(limit, MAX_RANGE)).map((row) => readRound(rows, row as RoundRow)),
    history: (feed, { from = 0, to = Number.MAX_SAFE_INTEGER, limit }) => {
      const id = feedIds.get(feed);
      if (id === undefined) return [];
      return rows.history.all(id, from, to, Math.min(limit, MAX_HISTORY)).map(({ round, timestamp, digest, verdict }) => ({
        round: Number(round),
        timestamp: Number(timestamp),
        digest: toHex(digest as Uint8Array),
        verdict: intact(() => decodeVerdict(feed, String(verdict))),
      }));
    },
    breakerLog: ({ feed, from = 0, to = Number.MAX_SAFE_INTEGER, limit }) => {
      const id = feed === undefined ? undefined : feedIds.get(feed);
      if (feed !== undefined && id === undefined) return [];
      return log.read({ ...(id === undefined ? {} : { feed: id }), from, to, limit: Math.min(limit, MAX_HISTORY) });
    },
    orphans: () => Number(rows.orphans.get()?.count),
  };
}

type Statements = ReturnType<typeof prepareRounds>;

function prepareRounds(db: DatabaseSync) {
  const columns = "id, digest, round, parent, orphan, certificate";
  return {
    insert: db.prepare("INSERT INTO rounds (digest, round, timestamp, parent, orphan, certificate) VALUES (?, ?, ?, ?, 1, ?)"),
    insertReport: db.prepare("INSERT INTO reports (id, feed, verdict) VALUES (?, ?, ?)"),
    insertFeed: db.prepare("INSERT INTO feeds (feed) VALUES (?) ON CONFLICT (feed) DO UPDATE SET feed = feed RETURNING id"),
    insertBody: db.prepare("INSERT INTO bodies (id, round, body) VALUES (?, ?, ?)"),
    byDigest: db.prepare(`SELECT ${columns} FROM rounds WHERE digest = ?`),
    byRound: db.prepare(`SELECT ${columns} FROM rounds WHERE round = ? ORDER BY orphan LIMIT 1`),
    latest: db.prepare(`SELECT ${columns} FROM rounds WHERE orphan = 0 ORDER BY round DESC LIMIT 1`),
    headBut: db.prepare(`SELECT ${columns} FROM rounds WHERE digest <> ? ORDER BY round DESC LIMIT 1`),
    childOnWalk: db.prepare(`SELECT ${columns} FROM rounds WHERE parent = ? AND orphan = 0 LIMIT 1`),
    range: db.prepare(`SELECT ${columns} FROM rounds WHERE round BETWEEN ? AND ? AND orphan = 0 ORDER BY round LIMIT ?`),
    mark: db.prepare("UPDATE rounds SET orphan = ? WHERE digest = ?"),
    orphanAllBut: db.prepare("UPDATE rounds SET orphan = 1 WHERE round >= ? AND round < ? AND digest <> ? AND orphan = 0"),
    orphans: db.prepare("SELECT count(*) AS count FROM rounds WHERE orphan = 1"),
    body: db.prepare("SELECT body FROM rounds JOIN bodies ON bodies.id = rounds.id WHERE digest = ?"),
    hasBody: db.prepare("SELECT 1 FROM bodies WHERE id = ?"),
    reports: db.prepare(
      "SELECT feeds.feed AS feed, verdict FROM feeds JOIN reports ON reports.feed = feeds.id WHERE reports.id = ? ORDER BY feeds.feed",
    ),
    history: db.prepare(
      `SELECT round, timestamp, digest, verdict FROM rounds CROSS JOIN reports ON reports.id = rounds.id AND reports.feed = ?
       WHERE round BETWEEN ? AND ? AND orphan = 0 ORDER BY round DESC LIMIT ?`,
    ),
    oldestRounds: db.prepare("SELECT id, round FROM rounds ORDER BY round LIMIT ?"),
    oldestBodies: db.prepare("SELECT id FROM bodies ORDER BY round LIMIT ?"),
    dropReports: db.prepare("DELETE FROM reports WHERE id = ?"),
    dropRound: db.prepare("DELETE FROM rounds WHERE id = ?"),
    dropBody: db.prepare("DELETE FROM bodies WHERE id = ?"),
  } satisfies Record<string, StatementSync>;
}

/** Drops what is in excess, a few rows at a time; says how many went. */
function prune(
  { rows, log }: { readonly rows: Statements; readonly log: ReturnType<typeof prepareBreakerLog> },
  excess: { readonly rounds: number; readonly bodies: number },
) {
  const dropped = { rounds: 0, bodies: 0 };
  for (const { id, round } of rows.oldestRounds.all(batchOf(excess.rounds))) {
    log.drop(Number(round), Number(id));
    rows.dropReports.run(id ?? null);
    dropped.bodies += Number(rows.dropBody.run(id ?? null).changes);
    dropped.rounds += Number(rows.dropRound.run(id ?? null).changes);
  }
  for (const { id } of rows.oldestBodies.all(batchOf(excess.bodies - dropped.bodies))) {
    dropped.bodies += Number(rows.dropBody.run(id ?? null).changes);
  }
  return dropped;
}

function batchOf(excess: number): number {
  return Math.min(PRUNE_BATCH, Math.max(0, excess));
}

function walkRows(rows: Statements, rowOf: (digest: Digest) => RoundRow | undefined): Parameters<typeof settleWalk>[0] {
  return {
    row: (digest) => walkRow(rowOf(digest)),
    headBut: (digest) => walkRow(rows.headBut.get(fromHex(digest)) as RoundRow | undefined),
    childOnWalk: (digest) => walkRow(rows.childOnWalk.get(fromHex(digest)) as RoundRow | undefined),
    mark: (digest, orphan) => {
      rows.mark.run(orphan ? 1 : 0, fromHex(digest));
    },
    orphanAllBut: (digest, { from, to }) => {
      rows.orphanAllBut.run(from, to, fromHex(digest));
    },
  };
}

function walkRow(row: RoundRow | undefined): WalkRow | undefined {
  if (row === undefined) return undefined;
  return { digest: toHex(row.digest), round: row.round, parent: toHex(row.parent), orphan: row.orphan === 1 };
}

function feedIdOf(rows: Statements, known: Map<string, number>, feed: FeedId): number {
  const id = known.get(feed) ?? Number(rows.insertFeed.get(feed)?.id);
  known.set(feed, id);
  return id;
}

function readRound(rows: Statements, row: RoundRow): StoredRound {
  const reports = rows.reports.all(row.id);
  return intact(() => ({
    certified: {
      digest: toHex(row.digest),
      certificate: certificateOf(row.certificate),
      feeds: reports.map(({ feed, verdict }) => decodeVerdict(String(feed) as FeedId, String(verdict))),
    },
    orphan: row.orphan === 1,
  }));
}

/** A body as it is kept. */
export function readBody(bytes: Uint8Array): RoundBody {
  const body = intact(() => JSON.parse(zstdDecompressSync(bytes).toString("utf8")) as RoundBody);
  // JSON drops a key that is undefined; a body of schema 1 knew no documents.
  return { ...body, parent: body.parent, documents: body.documents ?? [] };
}
