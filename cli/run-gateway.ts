import type { Logger } from "pino";
import { Registry } from "prom-client";
import { createFollower, type Follower } from "../gateway/follower.ts";
import type { GatewayConfig } from "../gateway/gateway-config.ts";
import { createFollowMetrics } from "../gateway/io/follow-metrics.ts";
import { createFollowShell, type FollowShell } from "../gateway/io/follow-shell.ts";
import { createHttpReader, sourcesOf } from "../gateway/io/http-reader.ts";
import { RedisSettingsError } from "../gateway/io/redis-connection.ts";
import { createRedisLimits } from "../gateway/io/redis-limits.ts";
import { createRedisReader } from "../gateway/io/redis-reader.ts";
import type { LogReader, LogSource } from "../gateway/log.ts";
import { FOLD } from "../node/fold.ts";
import { createLog, secretsOf } from "../node/io/log.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import { watchProcess } from "../node/io/process-faults.ts";
import { collectProcessMetrics } from "../node/io/process-metrics.ts";
import { openStore } from "../node/io/store.ts";
import { createMemoryStore } from "../node/memory-store.ts";
import { startState } from "../node/start-state.ts";
import { MAX_EVIDENCE, type Store } from "../node/store.ts";
import type { Network } from "../protocol/config.ts";
import { loadSecp256k1 } from "../protocol/io/libsecp256k1.ts";
import { DASHBOARD_FOLDER } from "./dashboard-folder.ts";
import { endOfLife, leaveParent } from "./end-of-life.ts";
import { readAccessFile, readGatewayFile, readNetworkFile } from "./files.ts";
import { openGateway } from "./open-gateway.ts";
import { readUpstreams, type Upstreams } from "./upstream-keys.ts";

const MINUTE_MS = 60_000;
/** Of each member's stream in Redis at the start, where as much is to be kept. */
const MAX_BACKFILL = 3_600;

/**
 * Runs a replica: follows logs, verifies all of them, serves what is true. Until SIGINT, SIGTERM or the end of a parent; then it is not
 * ready at once, and ends when its streams' readers had the time to go elsewhere and running replies are out.
 *
 * @throws OperationalError naming the file and field, the port or the store at fault; nothing is left running then
 */
export async function runGateway(configFile: string): Promise<void> {
  const ended = endOfLife();
  try {
    await runUntil(ended, configFile);
  } finally {
    leaveParent();
  }
}

async function runUntil(ended: Promise<void>, configFile: string): Promise<void> {
  const config = readGatewayFile(configFile);
  const genesis = readNetworkFile(config.network);
  const access = config.keysFile === undefined ? undefined : readAccessFile(config.keysFile);
  const upstreams = readUpstreams(config);
  const log = createLog({ level: config.logLevel, secrets: [...secretsIn(config), ...upstreams.keys] });
  for (const path of upstreams.exposed)
    log.warn({ path }, `${path} holds an API key and can be read by others: chmod 600 ${path}`);
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    stops.push(watchProcess(log, process));
    const registry = new Registry();
    collectProcessMetrics(registry);
    const store = openReplica(config, genesis);
    stops.push(() => store.close());
    const follower = followerOver(store, genesis);
    const readers = new Map<LogSource, LogReader>();
    const metrics = createFollowMetrics(registry, readers);
    const shell = createFollowShell({ follower, store, metrics, log, now: Date.now });
    const wiring = { config, upstreams, genesis, follower, shell, log, registry };
    for (const [source, reader] of openReaders(wiring)) readers.set(source, reader);
    stops.push(() => stopReaders([...readers.values()]));
    const limits = openLimits(wiring);
    stops.push(() => limits?.stop());
    const gateway = await openGateway({
      host: config.api.host,
      port: config.api.port,
      trustProxy: config.api.trustProxy,
      cors: config.api.cors,
      rateLimit: { max: config.api.requestsPerMinute, windowMs: MINUTE_MS },
      stream: { maxReadersPerAddress: config.api.streamsPerAddress },
      ...(access === undefined ? {} : { access }),
      ...(limits === undefined ? {} : { limits }),
      dashboard: DASHBOARD_FOLDER,
      forward: upstreams.forward,
      network: follower.network,
      genesis: genesis.config,
      // A store may hold two first rounds under a config; the follower knows the way.
      store: { ...store, transitions: follower.transitions },
      subscribe: shell.subscribe,
      sources: () => undefined,
      governance: follower.governance,
      now: Date.now,
      registry,
      log,
    });
    stops.push(() => gateway.close());
    for (const reader of readers.values()) reader.start();
    const follows = [...readers.keys()];
    log.info(
      { api: gateway.address, network: genesis.config.network, follows, forward: config.forward.length },
      "gateway started",
    );
    await ended;
    log.info({}, "gateway stopping: not ready from now on");
    await gateway.drain();
    log.info({}, "gateway stopped");
  } finally {
    await stopAll();
  }
}

/** A path may hold a key, as an RPC endpoint's does. */
function secretsIn(config: GatewayConfig): readonly string[] {
  const { follow, forward } = config;
  return secretsOf({
    rpc: {},
    alerts: [],
    redis: redisOf(config),
    upstreams: [...follow.http, ...forward].map(({ url }) => url),
  });
}

function redisOf({ follow: { redis } }: GatewayConfig): Parameters<typeof secretsOf>[0]["redis"] {
  return redis === undefined ? undefined : { ...redis, rounds: 0 };
}

function openReplica({ storage: { path, rounds, bodies } }: GatewayConfig, { domain }: Network): Store {
  const retention = { rounds, bodies };
  return path === undefined ? createMemoryStore({ now: Date.now, domain, retention }) : openStore({ path, domain, retention });
}

function followerOver(store: Store, genesis: Network): Follower {
  const { head, history, transitions } = startState(store);
  return createFollower({
    genesis,
    scheme: loadSecp256k1(),
    recompute: FOLD.recomputeBody,
    start: { head, links: history, transitions, evidence: store.evidence({ limit: MAX_EVIDENCE }) },
  });
}

type Wiring = {
  readonly config: GatewayConfig;
  readonly upstreams: Upstreams;
  readonly genesis: Network;
  readonly follower: Follower;
  readonly shell: FollowShell;
  readonly log: Logger;
  readonly registry: Registry;
};

function openReaders(wiring: Wiring): readonly (readonly [LogSource, LogReader])[] {
  const { config, upstreams, genesis, follower, shell, log, registry } = wiring;
  const { redis } = config.follow;
  const { onEntry, onGarbage } = shell;
  const followed = [...sourcesOf(upstreams.follow)].map(([source, { url, key }]) => {
    const reader = createHttpReader({ base: url, key, source, resumeAfter: follower.resumeAfter, onEntry, onGarbage, log });
    return [source, reader] as const;
  });
  if (redis === undefined) return followed;
  const backfill = Math.min(config.storage.rounds, MAX_BACKFILL);
  const named = { settings: redis, network: genesis.config.network, log, registry };
  const reader = settled(() => createRedisReader({ ...named, writers: follower.writers, onEntry, backfill }));
  return [...followed, ["redis", reader]];
}

function openLimits({ config, genesis, log, registry }: Wiring): ReturnType<typeof createRedisLimits> | undefined {
  const { redis } = config.follow;
  if (!config.limits.redis || redis === undefined) return undefined;
  return settled(() => createRedisLimits({ settings: redis, network: genesis.config.network, log, registry }));
}

async function stopReaders(readers: readonly LogReader[]): Promise<void> {
  await Promise.all(readers.map((reader) => reader.stop()));
}

/** The gateway may not import the node's error; to the operator it is one line that names the field. */
function settled<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof RedisSettingsError)) throw error;
    throw new OperationalError(error.message, { code: error.code, cause: error });
  }
}
