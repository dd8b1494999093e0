import { Registry } from "prom-client";
import type { RedisSettings } from "../../gateway/io/redis-connection.ts";
import { createRedisPublisher, type MissedRound } from "../../gateway/io/redis-publisher.ts";
import { createRedisReader } from "../../gateway/io/redis-reader.ts";
import type { LogEntry, LogPublisher, LogReader, LogSource } from "../../gateway/log.ts";
import type { Address } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { bodyOf, roundOf } from "../node/store-fixtures.ts";
import { testKeys } from "../support/network.ts";

export const NETWORK = "test";
export const WRITERS: readonly Address[] = testKeys(4).map(({ address }) => address);
export function writerOf(index: number): Address {
  const writer = WRITERS[index];
  if (writer === undefined) throw new Error(`no writer ${index}`);
  return writer;
}

/** A round's entry whose certificate nobody's follower would take: who carries it does not look. */
export function entryOf(round: number): Extract<LogEntry, { kind: "round" }> {
  const certified = roundOf(round);
  const certificate = encodeCertificate(certified.certificate);
  return { kind: "round", digest: certified.digest, certificate, body: encodeRoundBody(bodyOf(certified)) };
}

export function paperOf(text: string): LogEntry {
  return { kind: "evidence", bytes: new TextEncoder().encode(text) };
}

type Line = { readonly message: string; readonly details: object };

/** A log that is kept, so that a test can see what an operator would and what he must never see. */
export function keptLog() {
  const lines: Line[] = [];
  const keep = (details: object, message: string): void => void lines.push({ details, message });
  return { lines, warn: keep, error: keep };
}

/** A node as far as its publisher sees it: a store of numbers up to the head, and its papers. */
export function openWriter(settings: RedisSettings, writer: Address, { rounds = 1_000 } = {}) {
  const registry = new Registry();
  const log = keptLog();
  const papers: LogEntry[] = [];
  const store: MissedRound[] = [];
  const publisher: LogPublisher = createRedisPublisher({
    ...{ settings, network: NETWORK, writer, rounds, registry, log },
    missed: ({ since, limit }) =>
      store
        .slice(-rounds)
        .filter(({ round }) => round > since)
        .slice(0, limit),
    papers: () => papers,
  });
  return {
    publisher,
    log,
    registry,
    /** Certifies this round: the store has it, then the log is told. */
    certify: (round: number): void => {
      const entry = entryOf(round);
      store.push({ round, entry });
      publisher.append(entry);
    },
    /** In the store only, as what was certified before this process began. */
    keep: (round: number): void => void store.push({ round, entry: entryOf(round) }),
    say: (paper: LogEntry): void => {
      papers.push(paper);
      publisher.append(paper);
    },
    count: async (outcome: string): Promise<number> => counterOf(registry, "breakwater_redis_appends_total", { outcome }),
  };
}

type Heard = { readonly from: LogSource; readonly entry: LogEntry; readonly at: number };

/** A gateway as far as its reader sees it. */
export function openReader(
  settings: RedisSettings,
  { writers = () => WRITERS, backfill = 1_000 }: { readonly writers?: () => readonly Address[]; readonly backfill?: number } = {},
) {
  const registry = new Registry();
  const log = keptLog();
  const heard: Heard[] = [];
  const reader: LogReader = createRedisReader({
    ...{ settings, network: NETWORK, writers, backfill, registry, log },
    onEntry: (from, entry) => heard.push({ from, entry, at: performance.now() }),
  });
  const digests = new Map(Array.from({ length: 3_000 }, (_, round) => [roundOf(round).digest, round]));
  reader.start();
  return {
    reader,
    log,
    registry,
    heard,
    /** Numbers of the rounds heard of one writer, in order. */
    roundsOf: (writer: Address): readonly (number | undefined)[] =>
      heard.flatMap(({ from, entry }) =>
        from === `redis:${writer}` && entry.kind === "round" ? [digests.get(entry.digest)] : [],
      ),
    papersOf: (writer: Address): readonly string[] =>
      heard.flatMap(({ from, entry }) =>
        from === `redis:${writer}` && entry.kind !== "round" ? [new TextDecoder().decode(entry.bytes)] : [],
      ),
    count: async (writer: Address, code: string): Promise<number> =>
      counterOf(registry, "breakwater_follower_entries_total", { source: `redis:${writer}`, code }),
  };
}

export async function counterOf(registry: Registry, name: string, labels: Record<string, string>): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  const found = metric?.values.find((value) => Object.entries(labels).every(([key, label]) => value.labels[key] === label));
  return found?.value ?? 0;
}

/** From one number to another, both included. */
export function span(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
