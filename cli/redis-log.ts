import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { RedisSettingsError } from "../gateway/io/redis-connection.ts";
import { createRedisPublisher, type MissedRound } from "../gateway/io/redis-publisher.ts";
import type { LogEntry } from "../gateway/log.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import type { NodeConfig } from "../node/node-config.ts";
import { MAX_EVIDENCE, type Store } from "../node/store.ts";
import { type Address, utf8 } from "../protocol/bytes.ts";
import { encodeCertificate } from "../protocol/certificate.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { CertifiedRound, RoundBody } from "../protocol/round.ts";
import { encodeRoundBody } from "../protocol/round-codec.ts";
import { encodeTransition, type Transition } from "../protocol/transition.ts";

/** A node's store that tells its streams in Redis what it takes in, and what the node calls with each new head. */
export type TellingStore = {
  readonly store: Store;
  readonly onHead: (certified: CertifiedRound) => void;
  readonly stop: () => Promise<void>;
};

/**
 * Puts a node's streams in Redis behind its store: transitions and evidence are told as they are saved, rounds as they become the head.
 *
 * @throws OperationalError naming the field of `redis` that cannot be used
 */
export function tellRedis(
  store: Store,
  {
    redis,
    ...options
  }: {
    readonly redis: NonNullable<NodeConfig["redis"]>;
    readonly network: string;
    readonly writer: Address;
    readonly log: Logger;
    readonly registry: Registry;
  },
): TellingStore {
  const { rounds, ...settings } = redis;
  const publisher = openPublisher({
    ...options,
    settings,
    rounds,
    missed: ({ since, limit }) => missedRounds(store, { since, limit, rounds }),
    papers: () => [...store.transitions().map(transitionEntry), ...store.evidence({ limit: MAX_EVIDENCE }).map(evidenceEntry)],
  });
  return {
    store: {
      ...store,
      saveTransition: (transition) => {
        store.saveTransition(transition);
        publisher.append(transitionEntry(transition));
      },
      saveEvidence: (evidence) => {
        const outcome = store.saveEvidence(evidence);
        if (outcome === "saved") publisher.append(evidenceEntry(evidence));
        return outcome;
      },
    },
    onHead: (certified) => {
      const body = store.bodyOf(certified.digest);
      if (body !== undefined) publisher.append(roundEntry(certified, body));
    },
    stop: publisher.stop,
  };
}

/** The gateway may not import the node's error; to the operator it is one line that names the field. */
function openPublisher(options: Parameters<typeof createRedisPublisher>[0]): ReturnType<typeof createRedisPublisher> {
  try {
    return createRedisPublisher(options);
  } catch (error) {
    if (!(error instanceof RedisSettingsError)) throw error;
    throw new OperationalError(error.message, { code: error.code, cause: error });
  }
}

/** Rounds of the walk after `since` whose bodies are kept, ascending; nothing older than what the stream is to hold. */
function missedRounds(
  store: Pick<Store, "latest" | "range" | "bodyOf">,
  { since, limit, rounds }: { readonly since: number; readonly limit: number; readonly rounds: number },
): readonly MissedRound[] {
  const to = store.latest()?.certified.certificate.header.round ?? 0;
  let from = Math.max(since + 1, to - rounds + 1);
  for (;;) {
    const range = store.range({ from, to, limit });
    const found = range.flatMap(({ certified }) => {
      const body = store.bodyOf(certified.digest);
      const { round } = certified.certificate.header;
      return body === undefined ? [] : [{ round, entry: roundEntry(certified, body) }];
    });
    const last = range.at(-1)?.certified.certificate.header.round;
    if (found.length > 0 || last === undefined) return found;
    from = last + 1;
  }
}

function roundEntry({ digest, certificate }: CertifiedRound, body: RoundBody): LogEntry {
  return { kind: "round", digest, certificate: encodeCertificate(certificate), body: encodeRoundBody(body) };
}

function transitionEntry(transition: Transition): LogEntry {
  return { kind: "transition", bytes: encodeTransition(transition) };
}

function evidenceEntry(evidence: Evidence): LogEntry {
  return { kind: "evidence", bytes: utf8(JSON.stringify(evidence)) };
}
