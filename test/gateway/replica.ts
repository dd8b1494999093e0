import { Registry } from "prom-client";
import { createFollower, type Follower } from "../../gateway/follower.ts";
import { createFollowMetrics } from "../../gateway/io/follow-metrics.ts";
import { createFollowShell } from "../../gateway/io/follow-shell.ts";
import { createHttpReader, type HttpReaderOptions, sourcesOf } from "../../gateway/io/http-reader.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../gateway/io/server.ts";
import type { LogEntry, LogReader, LogSource } from "../../gateway/log.ts";
import type { Upstream } from "../../gateway/upstream.ts";
import { FOLD } from "../../node/fold.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import type { Store } from "../../node/store.ts";
import type { Network } from "../../protocol/config.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { scheme } from "../support/network.ts";
import { NOTHING } from "./followed.ts";

export type Replica = {
  readonly gateway: Gateway;
  readonly store: Store;
  readonly follower: Follower;
  readonly registry: Registry;
  /** Lines, with their details as JSON. */
  readonly logged: readonly string[];
  /** As if a reader had read it. */
  readonly feed: (entry: LogEntry, from?: LogSource) => void;
  /** Rounds it published, in that order. */
  readonly published: readonly CertifiedRound[];
  readonly stop: () => Promise<void>;
};

/** A whole gateway of cli/run-gateway.ts's parts on a free port, with a clock of its own. */
export async function startReplica({
  genesis,
  now,
  follows = [],
  reading = {},
  serving = {},
}: {
  readonly genesis: Network;
  readonly now: () => number;
  readonly follows?: readonly (string | Upstream)[];
  readonly reading?: NonNullable<HttpReaderOptions["limits"]>;
  readonly serving?: Partial<GatewayOptions>;
}): Promise<Replica> {
  const store = createMemoryStore({ now, domain: genesis.domain });
  const registry = new Registry();
  const readers = new Map<LogSource, LogReader>();
  const logged: string[] = [];
  const tell = (details: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(details)}`);
  };
  const log = { warn: tell, error: tell };
  const follower = createFollower({ genesis, scheme, recompute: FOLD.recomputeBody, start: NOTHING });
  const metrics = createFollowMetrics(registry, readers);
  const shell = createFollowShell({ follower, store, metrics, log, now });
  const upstreams = follows.map((entry): Upstream => (typeof entry === "string" ? { url: entry } : entry));
  for (const [source, { url: base, key }] of sourcesOf(upstreams)) {
    const { onEntry, onGarbage } = shell;
    const limits = { firstRetryMs: 20, maxRetryMs: 200, ...reading };
    const named = { base, key, source, resumeAfter: follower.resumeAfter };
    readers.set(source, createHttpReader({ ...named, onEntry, onGarbage, log, limits }));
  }
  const published: CertifiedRound[] = [];
  shell.subscribe((round) => published.push(round));
  const gateway = await startGateway({
    ...{ host: "127.0.0.1", port: 0, network: follower.network, genesis: genesis.config },
    ...{ store: { ...store, transitions: follower.transitions }, subscribe: shell.subscribe, governance: follower.governance },
    ...{ sources: () => undefined, now, registry, log },
    ...serving,
  });
  for (const reader of readers.values()) reader.start();
  return {
    ...{ gateway, store, follower, registry, logged, published },
    feed: (entry, from = "test") => shell.onEntry(from, entry),
    stop: async () => {
      await Promise.all([...readers.values()].map((reader) => reader.stop()));
      await gateway.close();
    },
  };
}

/** Asks again and again until it is so. */
export async function until(what: string, isSo: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
