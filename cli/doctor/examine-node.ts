import { readKeyFile, readPassword } from "../../node/io/keys.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { NodeConfig } from "../../node/node-config.ts";
import type { Address } from "../../protocol/bytes.ts";
import { type Network, networkUnder } from "../../protocol/config.ts";
import { readNetworkFile, readNodeFile } from "../files.ts";
import { adviseOperator } from "../node-advice.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";
import { judgeChain } from "./judge-chains.ts";
import { judgeClock } from "./judge-clock.ts";
import { judgeKey, judgeSecretFile, type KeyFacts } from "./judge-files.ts";
import { judgePeers } from "./judge-peers.ts";
import { judgeApi, judgePort } from "./judge-ports.ts";
import { judgeRedis } from "./judge-redis.ts";
import { judgeDisk, judgeStore } from "./judge-store.ts";
import { judgeVenues } from "./judge-venues.ts";
import { probeChain } from "./probe-chains.ts";
import { probeClocks } from "./probe-clock.ts";
import { probePeers } from "./probe-peers.ts";
import { apiUrl, probeApi, probeApiPort, probeListen } from "./probe-ports.ts";
import { probeWriter } from "./probe-redis.ts";
import { probeDisk, probeFile, probeStore, readTransitions } from "./probe-store.ts";
import { probeVenues } from "./probe-venues.ts";
import { venueHosts } from "./venue-hosts.ts";

export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Bases of other members' APIs. */
  readonly peerApis: readonly string[];
};

/** Everything that a node needs, looked at without changing anything: whether the node runs makes no difference. */
export async function examineNode(configFile: string, surroundings: Surroundings): Promise<readonly Finding[]> {
  const read = readConfigs(configFile);
  if ("finding" in read) return [read.finding];
  const { config, network: genesis } = read;
  const store = examineStore(config, genesis, surroundings.now);
  const network = store.network;
  const key = await openKey(config, surroundings.environment);
  const self = key.ok ? key.address : undefined;
  // Before everything else: what keeps this process busy makes the clocks look further apart.
  const clock = await examineClock(config, network, surroundings);
  const [files, disk, ports, venues, chains, peers, redis, apis] = await Promise.all([
    examineFiles(config),
    examineDisk(config, network, store.facts),
    examinePorts(config, genesis, self),
    probeVenues(config, network.config, surroundings.now).then((outcomes) => judgeVenues(outcomes, network.config)),
    examineChains(config, network, surroundings.now),
    probePeers(config, network.committee, self).then((outcomes) => judgePeers(outcomes, network.committee)),
    examineRedis(config, network, self),
    examineApis(config, genesis, surroundings.peerApis),
  ]);
  const advice = adviseOperator(config, network.config).map(({ text }) => splitAdvice(text));
  const members = judgeKey(key, { members: network.committee.members, joining: config.joining });
  return [
    ...[fine("config", `network ${network.config.network}, genesis ${genesis.genesisConfigDigest}`), ...advice, members],
    ...[...files, clock, ...ports, ...store.findings, disk, ...peers, ...apis, ...venues, ...chains, ...redis],
  ];
}

type Configs = { readonly config: NodeConfig; readonly network: Network };

function readConfigs(configFile: string): Configs | { readonly finding: Finding } {
  try {
    const config = readNodeFile(configFile);
    return { config, network: readNetworkFile(config.network) };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { finding: failure("config", error.message, "nothing else can be looked at before it is put right") };
  }
}

/** node/node-advice says what is there, then what to do about it. */
function splitAdvice(text: string): Finding {
  const at = text.lastIndexOf("; ");
  return warning("config", text.slice(0, at), text.slice(at + 2));
}

async function openKey({ key: { file, passwordFile } }: NodeConfig, environment: Surroundings["environment"]): Promise<KeyFacts> {
  try {
    const password = await readPassword({ ...(passwordFile === undefined ? {} : { passwordFile }), environment });
    return { ok: true, address: (await readKeyFile(file, password)).address };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { ok: false, code: error.code, reason: error.message };
  }
}

async function examineFiles({ key, alerts, redis }: NodeConfig): Promise<readonly Finding[]> {
  const secrets: readonly (readonly [check: string, path: string | undefined])[] = [
    ["key file", key.file],
    ["password file", key.passwordFile],
    ["redis password", redis?.passwordFile],
    ...alerts.map(({ url, secretFile }) => [`alert ${new URL(url).host}`, secretFile] as const),
  ];
  const found = secrets.flatMap(([check, path]) => (path === undefined ? [] : [{ check, path }]));
  return Promise.all(found.map(async ({ check, path }) => judgeSecretFile(check, path, await probeFile(path))));
}

/** The store's own findings, and the config in force as far as it knows: the genesis, or where governance has led. */
function examineStore({ storage }: NodeConfig, genesis: Network, now: () => number) {
  try {
    const facts = probeStore(storage.path);
    const last = facts === undefined ? undefined : readTransitions(storage.path, genesis.domain).at(-1);
    const network = last === undefined ? genesis : networkUnder(genesis, last.config);
    return { facts, network, findings: judgeStore(storage.path, facts, { now: now(), roundMs: genesis.config.roundMs }) };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { facts: undefined, network: genesis, findings: [failure("store", ...splitAt(error.message))] };
  }
}

function splitAt(message: string): readonly [measured: string, advice: string] {
  const at = message.lastIndexOf("; ");
  return at < 0 ? [message, "see the manual on stores and backups"] : [message.slice(0, at), message.slice(at + 2)];
}

async function examineDisk({ storage }: NodeConfig, { config }: Network, store: ReturnType<typeof probeStore>): Promise<Finding> {
  const growth = { store, keeps: storage, feeds: config.feeds.length, members: config.committee.length };
  return judgeDisk(storage.path, { ...growth, freeBytes: await probeDisk(storage.path) });
}

async function examinePorts(
  { listen, api }: NodeConfig,
  genesis: Network,
  self: Address | undefined,
): Promise<readonly Finding[]> {
  const listening = listen.map(async (address) => judgePort("listen", address, await probeListen(address, self)));
  const apiPort = await probeApiPort(api, genesis.genesisConfigDigest);
  return [...(await Promise.all(listening)), judgePort("api", `${api.host}:${api.port}`, apiPort)];
}

async function examineClock(config: NodeConfig, network: Network, { now, peerApis }: Surroundings): Promise<Finding> {
  const hosts = [...venueHosts(config, network.config), ...peerApis];
  return judgeClock(await probeClocks(hosts, now), network.config.maxSkewMs);
}

async function examineChains({ rpc }: NodeConfig, { config }: Network, now: () => number): Promise<readonly Finding[]> {
  const lines = config.chains.map(async (chain) => judgeChain(chain, await probeChain(rpc[chain.chain] ?? [], now), now()));
  return (await Promise.all(lines)).flat();
}

async function examineRedis({ redis }: NodeConfig, { config }: Network, self: Address | undefined): Promise<readonly Finding[]> {
  if (redis === undefined) return [];
  if (self === undefined)
    return [warning("redis", "not looked at without the key: the streams are named by its address", "put the key right first")];
  return [judgeRedis(await probeWriter(redis, config.network, self))];
}

/** What the own API says, when it runs, is what the others are held against: the config in force moves on. */
async function examineApis({ api }: NodeConfig, genesis: Network, peerApis: readonly string[]): Promise<readonly Finding[]> {
  const own = await probeApi(apiUrl(api.host, api.port));
  const inForce = own.ok && own.genesisConfigDigest === genesis.genesisConfigDigest ? own.configDigest : undefined;
  return Promise.all(
    peerApis.map(async (base) =>
      judgeApi(`digest ${hostOf(base)}`, await probeApi(base), { genesis: genesis.genesisConfigDigest, inForce }),
    ),
  );
}

function hostOf(base: string): string {
  return URL.parse(base)?.host ?? base;
}
