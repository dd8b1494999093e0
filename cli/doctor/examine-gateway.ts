import type { GatewayConfig } from "../../gateway/gateway-config.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { Network } from "../../protocol/config.ts";
import { readGatewayFile, readNetworkFile } from "../files.ts";
import { readUpstream } from "../upstream-keys.ts";
import type { Surroundings } from "./examine-node.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";
import { judgeClock } from "./judge-clock.ts";
import { judgeSecretFile } from "./judge-files.ts";
import { type ApiOutcome, judgeApi, judgePort } from "./judge-ports.ts";
import { judgeRedis } from "./judge-redis.ts";
import { judgeDisk, judgeReplica } from "./judge-store.ts";
import { probeClocks } from "./probe-clock.ts";
import { probeApi, probeApiPort } from "./probe-ports.ts";
import { probeReader } from "./probe-redis.ts";
import { probeDisk, probeFile, probeStore } from "./probe-store.ts";

/** Everything that a gateway needs, looked at without changing anything: whether the gateway runs makes no difference. */
export async function examineGateway(configFile: string, { now, peerApis }: Surroundings): Promise<readonly Finding[]> {
  const read = readConfigs(configFile);
  if ("finding" in read) return [read.finding];
  const { config, network } = read;
  const genesis = network.genesisConfigDigest;
  const relays = [...config.forward, ...peerApis.map((url) => ({ url }))];
  const others = [...config.follow.http, ...relays].map(({ url }) => url);
  const [files, port, clock, followed, compared, store, redis] = await Promise.all([
    examineFiles(config),
    probeApiPort(config.api, genesis),
    probeClocks(others, now),
    Promise.all(config.follow.http.map((followed) => examineSource("follow", followed, genesis))),
    Promise.all(relays.map((relay) => examineSource("digest", relay, genesis))),
    examineStore(config, network),
    examineRedis(config, network),
  ]);
  const { redis: redisSettings } = config.follow;
  const answering =
    followed.filter(({ verdict }) => verdict === "ok").length + redis.filter(({ verdict }) => verdict === "ok").length;
  const sources = followed.length + (redisSettings === undefined ? 0 : 1);
  return [
    fine("config", `network ${network.config.network}, genesis ${genesis}`),
    ...files,
    ...(others.length === 0 ? [] : [judgeClock(clock, network.config.maxSkewMs)]),
    judgePort("api", `${config.api.host}:${config.api.port}`, port),
    ...[...store, ...redis, ...followed, judgeSources(answering, sources), ...compared],
  ];
}

/** One source is enough while it stands; of two one may be down. */
export function judgeSources(answering: number, sources: number): Finding {
  const measured = `${answering} of ${sources} answer`;
  if (answering === 0)
    return failure("sources", measured, "a gateway that hears nobody serves nothing once its last round's lease is over");
  if (answering === 1) return warning("sources", measured, "follow a second one, so that one may be down");
  return fine("sources", measured);
}

type Configs = { readonly config: GatewayConfig; readonly network: Network };

function readConfigs(configFile: string): Configs | { readonly finding: Finding } {
  try {
    const config = readGatewayFile(configFile);
    return { config, network: readNetworkFile(config.network) };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { finding: failure("config", error.message, "nothing else can be looked at before it is put right") };
  }
}

async function examineFiles({ keysFile, follow: { redis, http }, forward }: GatewayConfig): Promise<readonly Finding[]> {
  const secrets: readonly (readonly [check: string, path: string | undefined])[] = [
    ["keys file", keysFile],
    ["redis password", redis?.passwordFile],
    ...[...new Set([...http, ...forward].map(({ keyFile }) => keyFile))].map((path) => ["api key", path] as const),
  ];
  const found = secrets.flatMap(([check, path]) => (path === undefined ? [] : [{ check, path }]));
  return Promise.all(found.map(async ({ check, path }) => judgeSecretFile(check, path, await probeFile(path))));
}

async function examineSource(what: string, upstream: GatewayConfig["forward"][number], genesis: string): Promise<Finding> {
  const host = URL.parse(upstream.url)?.host ?? upstream.url;
  return judgeApi(`${what} ${host}`, await probeUpstream(upstream), { genesis, inForce: undefined });
}

async function probeUpstream(upstream: GatewayConfig["forward"][number]): Promise<ApiOutcome> {
  try {
    const { url, key } = readUpstream(upstream);
    return await probeApi(url, key);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { ok: false, reason: error.message };
  }
}

async function examineStore({ storage }: GatewayConfig, { config }: Network): Promise<readonly Finding[]> {
  if (storage.path === undefined) return [fine("store", `${storage.rounds} rounds in memory`)];
  try {
    const store = probeStore(storage.path);
    const growth = { store, keeps: storage, feeds: config.feeds.length, members: config.committee.length };
    return [judgeReplica(storage.path, store), judgeDisk(storage.path, { ...growth, freeBytes: await probeDisk(storage.path) })];
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return [failure("store", error.message, "a gateway's store holds nothing of its own: it may be moved away")];
  }
}

async function examineRedis({ follow: { redis }, limits }: GatewayConfig, { config }: Network): Promise<readonly Finding[]> {
  const [member] = config.committee;
  if (redis === undefined || member === undefined) return [];
  return [judgeRedis(await probeReader(redis, config.network, { member: member.address, counts: limits.redis }))];
}
