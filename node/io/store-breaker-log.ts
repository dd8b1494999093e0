import type { DatabaseSync } from "node:sqlite";
import { concat, fromHex, toHex } from "../../protocol/bytes.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { BREAKER_STATES } from "../../protocol/report.ts";
import type { BreakerTransition } from "../../protocol/round.ts";
import { decodeVerdict } from "../stored-verdict.ts";
import { intact } from "./store-file.ts";

const DIGEST_BYTES = 32;

export type BreakerLogRows = {
  /** Of one round, inside its transaction; what is there stays. */
  readonly insert: (id: number, transitions: readonly BreakerTransition[], feedIdOf: (feed: FeedId) => number) => void;
  readonly read: (query: {
    readonly feed?: number;
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }) => readonly BreakerTransition[];
  readonly drop: (round: number, id: number) => void;
};

/** What a transition shares with its round (time, leaf, reasons) is read from the round's rows, so an orphan's do not show. */
export function prepareBreakerLog(db: DatabaseSync): BreakerLogRows {
  const insert = db.prepare("INSERT OR IGNORE INTO breaker_log (round, feed, id, state_before) VALUES (?, ?, ?, ?)");
  const setObservations = db.prepare("UPDATE rounds SET observations = ? WHERE id = ?");
  const drop = db.prepare("DELETE FROM breaker_log WHERE round = ? AND id = ?");
  const joined = `
    rounds.round AS round, timestamp, digest, observations, feeds.feed AS feed, state_before, verdict FROM breaker_log
    CROSS JOIN rounds ON rounds.id = breaker_log.id
    CROSS JOIN feeds ON feeds.id = breaker_log.feed
    CROSS JOIN reports ON reports.id = breaker_log.id AND reports.feed = breaker_log.feed
    WHERE orphan = 0 AND breaker_log.round BETWEEN ? AND ?`;
  const all = db.prepare(`SELECT ${joined} ORDER BY breaker_log.round DESC, feeds.feed LIMIT ?`);
  const ofFeed = db.prepare(`SELECT ${joined} AND breaker_log.feed = ? ORDER BY breaker_log.round DESC LIMIT ?`);
  return {
    insert: (id, transitions, feedIdOf) => {
      const [first] = transitions;
      if (first === undefined) return;
      setObservations.run(concat(...first.observations.map(fromHex)), id);
      for (const { round, feed, from } of transitions) insert.run(round, feedIdOf(feed), id, from);
    },
    read: ({ feed, from, to, limit }) =>
      (feed === undefined ? all.all(from, to, limit) : ofFeed.all(from, to, feed, limit)).map((row) =>
        intact(() => readRow(row)),
      ),
    drop: (round, id) => {
      drop.run(round, id);
    },
  };
}

function readRow(row: Record<string, unknown>): BreakerTransition {
  const feed = String(row.feed) as FeedId;
  const { report, reasons } = decodeVerdict(feed, String(row.verdict));
  const bytes = row.observations as Uint8Array;
  return {
    feed,
    round: Number(row.round),
    timestamp: Number(row.timestamp),
    digest: toHex(row.digest as Uint8Array),
    from: BREAKER_STATES.find((state) => state === row.state_before) ?? null,
    to: report.state,
    reasons,
    observations: Array.from({ length: bytes.length / DIGEST_BYTES }, (_, index) =>
      toHex(bytes.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES)),
    ),
  };
}
