import type { Digest } from "../protocol/bytes.ts";
import type { Domain } from "../protocol/eip712.ts";
import type { Evidence } from "../protocol/evidence.ts";
import { compareText } from "../protocol/feed.ts";
import type { BreakerTransition, CertifiedRound, RoundBody, StoredRound } from "../protocol/round.ts";
import type { Transition } from "../protocol/transition.ts";
import { transitionsOf } from "./breaker-log.ts";
import {
  DEFAULT_RETENTION,
  DOCUMENTS_KEPT,
  evidenceRound,
  type KeptDocument,
  MAX_DOCUMENTS,
  MAX_EVIDENCE,
  MAX_HISTORY,
  MAX_RANGE,
  type Retention,
  type SignedRecord,
  type Store,
  settleWalk,
  type WalkRow,
} from "./store.ts";

/**
 * A store that forgets with the process: tests and the simulator. Durable only in the sense that what it accepted it still answers.
 *
 * @param options.now stamps records, Unix ms
 * @param options.domain the network's, under which the breaker log names observations; without it no log is kept
 */
export function createMemoryStore(options: {
  readonly now: () => number;
  readonly retention?: Partial<Retention>;
  readonly domain?: Domain;
}): Store {
  const retention: Retention = { ...DEFAULT_RETENTION, ...options.retention };
  return {
    ...createGuard(retention, options.now),
    ...createRounds(retention, options.domain),
    ...createEvidence(retention),
    ...createGovernance(),
    close: () => undefined,
  };
}

function createGuard(retention: Retention, now: () => number): Pick<Store, "recordSigned" | "signedAt" | "newestSignedRound"> {
  const records = new Map<string, SignedRecord>();
  let newest: number | undefined;
  let floor = -1;
  const keyOf = (kind: string, round: number) => `${kind} ${round}`;

  /** By count, never by distance: one record of a wrong clock's far future must not raise the floor over the present. */
  const prune = (): void => {
    if (records.size <= retention.signed) return;
    const rounds = [...records.values()].map(({ round }) => round).sort((a, b) => a - b);
    floor = rounds[records.size - retention.signed - 1] ?? floor;
    for (const [key, { round }] of records) if (round <= floor) records.delete(key);
  };

  return {
    recordSigned: (signing) => {
      const known = records.get(keyOf(signing.kind, signing.round));
      if (known !== undefined) {
        return known.digest === signing.digest && known.configDigest === signing.configDigest ? "same" : "conflict";
      }
      if (signing.round <= floor) return "conflict";
      records.set(keyOf(signing.kind, signing.round), { ...signing, recordedAt: now() });
      newest = Math.max(newest ?? signing.round, signing.round);
      prune();
      return "recorded";
    },
    signedAt: (kind, round) => records.get(keyOf(kind, round)),
    newestSignedRound: () => newest,
  };
}

type Kept = WalkRow & {
  orphan: boolean;
  readonly certified: CertifiedRound;
  body: RoundBody | undefined;
  log: readonly BreakerTransition[];
};
type RoundsPart = Pick<
  Store,
  "saveRound" | "latest" | "byDigest" | "byRound" | "bodyOf" | "range" | "history" | "breakerLog" | "orphans"
>;

function createRounds(retention: Retention, domain: Domain | undefined): RoundsPart {
  const byDigest = new Map<Digest, Kept>();
  /** Ascending by round. */
  let ordered: Kept[] = [];
  const onWalk = () => ordered.filter(({ orphan }) => !orphan);
  const stored = (kept: Kept | undefined): StoredRound | undefined =>
    kept === undefined ? undefined : { certified: kept.certified, orphan: kept.orphan };

  const settle = (added: Kept): void =>
    settleWalk(
      {
        row: (digest) => byDigest.get(digest),
        headBut: (digest) => ordered.findLast((kept) => kept.digest !== digest),
        childOnWalk: (digest) => ordered.find(({ parent, orphan }) => parent === digest && !orphan),
        mark: (digest, orphan) => {
          const kept = byDigest.get(digest);
          if (kept !== undefined) kept.orphan = orphan;
        },
        orphanAllBut: (digest, { from, to }) => {
          for (const kept of ordered) if (kept.round >= from && kept.round < to && kept.digest !== digest) kept.orphan = true;
        },
      },
      added,
    );

  const prune = (): void => {
    const dropped = ordered.slice(0, Math.max(0, ordered.length - retention.rounds));
    for (const { digest } of dropped) byDigest.delete(digest);
    ordered = ordered.slice(dropped.length);
    for (const kept of ordered.slice(0, Math.max(0, ordered.length - retention.bodies))) kept.body = undefined;
  };

  const logOf = (certified: CertifiedRound, body: RoundBody | undefined): readonly BreakerTransition[] =>
    body === undefined || domain === undefined ? [] : transitionsOf(certified, body, domain);

  return {
    saveRound: ({ certified, body }) => {
      const known = byDigest.get(certified.digest);
      if (known !== undefined) {
        if (body === undefined || known.body !== undefined) return "known";
        known.body = body;
        known.log = logOf(certified, body);
        prune();
        return "saved";
      }
      const { round, parent } = certified.certificate.header;
      const kept: Kept = { digest: certified.digest, round, parent, orphan: true, certified, body, log: logOf(certified, body) };
      byDigest.set(kept.digest, kept);
      ordered.splice(ordered.findLastIndex((other) => other.round <= round) + 1, 0, kept);
      settle(kept);
      prune();
      return "saved";
    },
    latest: () => stored(ordered.findLast(({ orphan }) => !orphan)),
    byDigest: (digest) => stored(byDigest.get(digest)),
    byRound: (round) => {
      const found = ordered.filter((kept) => kept.round === round);
      return stored(found.find(({ orphan }) => !orphan) ?? found[0]);
    },
    bodyOf: (digest) => byDigest.get(digest)?.body,
    range: ({ from, to, limit = MAX_RANGE }) =>
      onWalk()
        .filter(({ round }) => round >= from && round <= to)
        .slice(0, Math.min(limit, MAX_RANGE))
        .map(({ certified, orphan }) => ({ certified, orphan })),
    history: (feed, { from = 0, to = Number.MAX_SAFE_INTEGER, limit }) =>
      onWalk()
        .filter(({ round }) => round >= from && round <= to)
        .reverse()
        .flatMap(({ certified: { digest, certificate, feeds } }) => {
          const verdict = feeds.find(({ report }) => report.feed === feed);
          const { round, timestamp } = certificate.header;
          return verdict === undefined ? [] : [{ round, timestamp, digest, verdict }];
        })
        .slice(0, Math.min(limit, MAX_HISTORY)),
    breakerLog: ({ feed, from = 0, to = Number.MAX_SAFE_INTEGER, limit }) =>
      onWalk()
        .filter(({ round }) => round >= from && round <= to)
        .reverse()
        .flatMap(({ log }) => [...log].sort((a, b) => compareText(a.feed, b.feed)))
        .filter((entry) => feed === undefined || entry.feed === feed)
        .slice(0, Math.min(limit, MAX_HISTORY)),
    orphans: () => ordered.length - onWalk().length,
  };
}

function createEvidence(retention: Retention): Pick<Store, "saveEvidence" | "evidence"> {
  const kept: Evidence[] = [];
  return {
    saveEvidence: (evidence) => {
      const ofSigner = kept.filter(({ signer }) => signer === evidence.signer);
      if (ofSigner.some((other) => other.kind === evidence.kind && evidenceRound(other) === evidenceRound(evidence)))
        return "known";
      if (ofSigner.length >= retention.evidencePerSigner || kept.length >= MAX_EVIDENCE) return "full";
      kept.push(evidence);
      return "saved";
    },
    evidence: ({ limit }) => kept.toReversed().slice(0, limit),
  };
}

function createGovernance(): Pick<Store, "saveDocument" | "document" | "documents" | "saveTransition" | "transitions"> {
  const documents = new Map<Digest, KeptDocument>();
  const transitions = new Map<number, Transition>();
  return {
    saveDocument: ({ digest, bytes, document: { kind } }) => {
      if (documents.has(digest)) return "known";
      documents.set(digest, { digest, kind, bytes });
      const ofKind = [...documents.values()].filter((kept) => kept.kind === kind);
      for (const { digest: oldest } of ofKind.slice(0, Math.max(0, ofKind.length - DOCUMENTS_KEPT[kind])))
        documents.delete(oldest);
      return "saved";
    },
    document: (digest) => documents.get(digest),
    documents: ({ limit }) => [...documents.values()].reverse().slice(0, Math.min(limit, MAX_DOCUMENTS)),
    saveTransition: (transition) => {
      const { round } = transition.certificate.header;
      if (!transitions.has(round)) transitions.set(round, transition);
    },
    transitions: () => [...transitions].sort(([a], [b]) => a - b).map(([, transition]) => transition),
  };
}
