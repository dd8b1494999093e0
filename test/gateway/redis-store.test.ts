import { pino } from "pino";
import { Registry } from "prom-client";
import { afterAll, beforeAll } from "vitest";
import { tellRedis } from "../../cli/redis-log.ts";
import { createRedisReader } from "../../gateway/io/redis-reader.ts";
import type { LogEntry } from "../../gateway/log.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import type { Store } from "../../node/store.ts";
import { type Digest, fromHex, keccakHex, toHex } from "../../protocol/bytes.ts";
import { decodeCertificate } from "../../protocol/certificate.ts";
import { evidenceSchema } from "../../protocol/evidence.ts";
import type { DocumentKind } from "../../protocol/governance.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { decodeRoundBody } from "../../protocol/round-codec.ts";
import { decodeTransition } from "../../protocol/transition.ts";
import { roundStoreContract, type SlowStore } from "../node/store.contract.ts";
import { bodyOf, roundOf } from "../node/store-fixtures.ts";
import { startRedis, type TestRedis, until } from "../support/redis.ts";
import { keptLog, writerOf } from "./redis-logs.ts";

let redis: TestRedis | undefined;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

/** What the fixtures' invented rounds and documents are taken for: where a follower computes, this one looks up. */
type Table = { readonly rounds: Map<Digest, CertifiedRound>; readonly documents: Map<Digest, DocumentKind> };

/** A follower that believes everything: decodes what came out of Redis and saves it. Gives back the outcomes by what was saved. */
function believingFollower(view: Store, table: Table): { follow: (entry: LogEntry) => void; outcomes: Map<Digest, string> } {
  const outcomes = new Map<Digest, string>();
  const follow = (entry: LogEntry): void => {
    if (entry.kind !== "round") {
      followPaper(view, entry, outcomes);
      return;
    }
    const [certificate, body] = [decodeCertificate(entry.certificate), decodeRoundBody(entry.body)];
    const known = table.rounds.get(entry.digest);
    if (!certificate.ok || !body.ok || known === undefined) throw new Error(`round ${entry.digest} did not come through`);
    outcomes.set(entry.digest, view.saveRound({ certified: { ...known, certificate: certificate.value }, body: body.value }));
    for (const bytes of body.value.documents.map(fromHex)) {
      const digest = keccakHex(bytes);
      const kind = table.documents.get(digest);
      if (kind !== undefined) outcomes.set(digest, view.saveDocument({ digest, bytes, document: { kind } }));
    }
  };
  return { follow, outcomes };
}

function followPaper(view: Store, entry: Exclude<LogEntry, { kind: "round" }>, outcomes: Map<Digest, string>): void {
  if (entry.kind === "evidence") {
    const text = Buffer.from(entry.bytes).toString();
    outcomes.set(keccakHex(entry.bytes), view.saveEvidence(evidenceSchema.parse(JSON.parse(text))));
    return;
  }
  const transition = decodeTransition(entry.bytes);
  if (!transition.ok) throw new Error(transition.error);
  view.saveTransition(transition.value);
  outcomes.set(transition.value.certificate.header.configDigest, "saved");
}

let opened = 0;

/**
 * A gateway's whole way to its rounds, and none of its verification: a node's store tells its streams in a real Redis, a reader follows
 * them, and what arrives is saved in a memory of its own, which answers.
 */
function openBehindRedis(options: Parameters<typeof createMemoryStore>[0]): SlowStore {
  opened += 1;
  const network = `store-${opened}`;
  const url = `redis://127.0.0.1:${redis?.port}`;
  const { evidencePerSigner = 16 } = options.retention ?? {};
  const [view, own] = [createMemoryStore(options), createMemoryStore({ ...options, retention: { evidencePerSigner } })];
  const table: Table = { rounds: new Map(), documents: new Map() };
  const { follow, outcomes } = believingFollower(view, table);
  const shared = { network, registry: new Registry() };
  const told = tellRedis(own, { ...shared, redis: { url, rounds: 1_000 }, writer: writerOf(0), log: pino({ level: "silent" }) });
  const reader = createRedisReader({
    ...shared,
    settings: { url },
    writers: () => [writerOf(0)],
    onEntry: (_, entry) => follow(entry),
    log: keptLog(),
    backfill: 1_000,
  });
  reader.start();
  const came = (digest: Digest) => until(`${digest} has come through Redis`, () => outcomes.has(digest));
  const saveRound: SlowStore["saveRound"] = async ({ certified, body = bodyOf(certified) }) => {
    const isNew = !outcomes.has(certified.digest);
    table.rounds.set(certified.digest, certified);
    told.store.saveRound({ certified, body });
    told.onHead(certified);
    await came(certified.digest);
    return isNew && outcomes.get(certified.digest) === "saved" ? "saved" : "known";
  };
  let carriers = 0;
  return {
    ...view,
    saveRound,
    /** Documents come in the bodies of the rounds that took them in. */
    saveDocument: async ({ digest, bytes, document }) => {
      const isNew = !outcomes.has(digest);
      table.documents.set(digest, document.kind);
      carriers += 1;
      const certified = roundOf(carriers);
      await saveRound({ certified, body: { ...bodyOf(certified), documents: [toHex(bytes)] } });
      return isNew && outcomes.get(digest) === "saved" ? "saved" : "known";
    },
    saveTransition: async (transition) => {
      told.store.saveTransition(transition);
      await came(transition.certificate.header.configDigest);
    },
    saveEvidence: async (evidence) => {
      const outcome = told.store.saveEvidence(evidence);
      if (outcome === "saved") await came(keccakHex(new TextEncoder().encode(JSON.stringify(evidence))));
      return outcome;
    },
    close: async () => {
      await told.stop();
      await reader.stop();
    },
  };
}

roundStoreContract("memory, filled through Redis", openBehindRedis);
