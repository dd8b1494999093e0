import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { OperationalError } from "../node/io/operational-error.ts";
import type { Member } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { PRESETS } from "../protocol/thresholds.ts";
import { catalogueOn, DEFAULT_BASKET } from "./catalogue.ts";
import { readNetworkFile, readNodeFile } from "./files.ts";
import { badFlag, parseWhole } from "./flags.ts";
import {
  findMe,
  parseAlerts,
  parseChains,
  parseGovernance,
  parseMembers,
  parsePeers,
  parseRedis,
  parseRpc,
  relativeRedis,
} from "./init-flags.ts";
import { readStatedAddress } from "./key-file.ts";
import { type NewFile, writeNewFiles } from "./new-files.ts";
import { networkYaml, nodeYaml } from "./templates.ts";
import type { Terminal } from "./terminal.ts";

/** What a network has unless it is told otherwise. */
export const DEFAULT_CHAINS: readonly string[] = ["ETHEREUM=12000"];
export const DEFAULT_KEY = "node.key.json";

/** `breakwater init`'s flags, as they were typed. */
export type InitOptions = {
  readonly dir: string;
  readonly name?: string;
  readonly member: readonly string[];
  readonly join?: string;
  readonly me?: string;
  readonly listen: string;
  readonly peer: readonly string[];
  readonly apiHost: string;
  readonly apiPort: string;
  readonly key?: string;
  readonly passwordFile?: string;
  readonly chain?: readonly string[];
  readonly governor: readonly string[];
  readonly guardian: readonly string[];
  readonly governorsQuorum?: string;
  readonly rpc: readonly string[];
  readonly lease: string;
  readonly printDigest?: string;
  readonly redis?: string;
  readonly redisUsername?: string;
  readonly redisPasswordFile?: string;
  readonly redisCaFile?: string;
  readonly alert: readonly string[];
  readonly gateway?: true;
  readonly follow: readonly string[];
  readonly forward: readonly string[];
  readonly keysFile?: string;
  readonly storage?: string;
  /** False with `--no-interview`. */
  readonly interview: boolean;
};

/** Writes a new network's genesis and the founder's own node.yaml. @throws OperationalError */
export async function foundNetwork(options: InitOptions, terminal: Terminal): Promise<void> {
  if (options.name === undefined) throw badFlag("--name", "missing: give the new network a name, or --join an existing one");
  const members = parseMembers(options.member);
  const chains = parseChains(options.chain ?? DEFAULT_CHAINS);
  const governance = parseGovernance({ ...options, quorum: options.governorsQuorum });
  const networkFile: NewFile = {
    path: join(options.dir, "network.yaml"),
    content: networkYaml({
      network: options.name,
      members,
      leaseMs: parseWhole("--lease", options.lease),
      chains,
      governance,
      thresholds: {},
      basket: DEFAULT_BASKET,
      ...catalogueOn(chains),
    }),
  };
  const nodeFile = await planNode(options, { members, network: networkFile.path, chains });
  const network = writeNewFiles([networkFile, nodeFile], () => {
    readNodeFile(nodeFile.path);
    return readNetworkFile(networkFile.path);
  });
  terminal.note(`wrote ${networkFile.path}: the genesis, the same for every member`);
  terminal.note(`wrote ${nodeFile.path}: ${options.me}'s own side of it`);
  terminal.note("");
  askClasses(network, terminal);
  tellDigest(network, terminal);
  terminal.note("");
  if (governance.governors.length === 0) {
    terminal.note("No --governor was named: nothing of this network can ever be changed, not a threshold and not a member.");
    terminal.note("");
  }
  tellNext(terminal, [
    `send ${networkFile.path} to every member, byte for byte; each runs: breakwater init --join network.yaml --me <name> …`,
    "compare the digest with every member; consumers pin it (breakwater verify --genesis <digest>)",
    ...startSteps(options, { members, nodePath: nodeFile.path }),
  ]);
}

/** Writes the node.yaml of one who joins a network that is founded. @throws OperationalError */
export async function joinNetwork(options: InitOptions, networkPath: string, terminal: Terminal): Promise<void> {
  if (options.name !== undefined || options.member.length > 0) {
    throw badFlag("--join", "the network is named and its members are listed in that file: leave --name and --member away");
  }
  if (options.governor.length > 0 || options.guardian.length > 0) {
    throw badFlag("--join", "governors and guardians are in that file: leave --governor and --guardian away");
  }
  const network = readNetworkFile(networkPath);
  const { members } = network.committee;
  const nodeFile = await planNode(options, { members, network: networkPath, chains: network.config.chains });
  writeNewFiles([nodeFile], () => readNodeFile(nodeFile.path));
  terminal.note(`wrote ${nodeFile.path}: ${options.me}'s own side of ${networkPath}`);
  terminal.note("");
  askClasses(network, terminal);
  tellDigest(network, terminal);
  terminal.note("");
  tellNext(terminal, [
    "compare the digest with every other member",
    ...startSteps(options, { members, nodePath: nodeFile.path }),
  ]);
}

/** Flags are relative to where the command runs, paths in node.yaml to the file itself. */
async function planNode(
  options: InitOptions,
  {
    members,
    network,
    chains,
  }: { readonly members: readonly Member[]; readonly network: string; readonly chains: readonly { readonly chain: string }[] },
): Promise<NewFile> {
  const { dir, me: name, passwordFile } = options;
  refuseGatewayFlags(options);
  const rpc = parseRpc(options.rpc);
  const alerts = parseAlerts(options.alert);
  const redis = parseRedis(options);
  const stranger = Object.keys(rpc).find((chain) => !chains.some((item) => item.chain === chain));
  if (stranger !== undefined) throw badFlag("--rpc", `the network has no chain "${stranger}"`);
  const me = findMe(name, members);
  const keyFile = keyPath(options);
  await checkKey(keyFile, me);
  const fromDir = (path: string) => relative(resolve(dir), resolve(path));
  return {
    path: join(dir, "node.yaml"),
    content: nodeYaml({
      network: fromDir(network),
      keyFile: fromDir(keyFile),
      ...(passwordFile === undefined ? {} : { passwordFile: fromDir(passwordFile) }),
      listen: options.listen,
      peers: parsePeers(options.peer, { me, members }),
      api: { host: options.apiHost, port: parseWhole("--api-port", options.apiPort) },
      storage: "breakwater.db",
      venues: {},
      rpc,
      ...(redis === undefined ? {} : { redis: relativeRedis(redis, fromDir) }),
      ...(alerts.length === 0 ? {} : { alerts: alerts.map(({ url, secretFile }) => ({ url, secretFile: fromDir(secretFile) })) }),
      logLevel: "info",
    }),
  };
}

function refuseGatewayFlags({ follow, forward, keysFile, storage }: InitOptions): void {
  const given = { "--follow": follow[0], "--forward": forward[0], "--keys-file": keysFile, "--storage": storage };
  const [stray] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (stray !== undefined) throw badFlag(stray, "a gateway's, expected --gateway beside it");
}

function keyPath({ key, dir }: InitOptions): string {
  return key ?? join(dir, DEFAULT_KEY);
}

/** A key that is there already must be this member's; one that states no address is checked when the node starts. */
async function checkKey(path: string, me: Member): Promise<void> {
  if (!existsSync(path)) return;
  const address = await readStatedAddress(path);
  if (address === undefined || address === me.address) return;
  throw new OperationalError(`${path}: it is the key of ${address}, but ${me.name}'s address is ${me.address}`, {
    code: "address-mismatch",
    details: { path },
  });
}

/** Prints a genesis file's digest, and what a person should look at before he shares it. */
export function printDigest(network: Network, terminal: Terminal): void {
  terminal.note(describe(network));
  askClasses(network, terminal);
  tellDigest(network, terminal);
}

function tellDigest(network: Network, { out, note }: Terminal): void {
  note("genesis digest:");
  out(network.genesisConfigDigest);
}

function describe({ config, committee }: Network): string {
  const { members, f, quorum } = committee;
  return `network ${config.network}: ${config.feeds.length} feeds, ${members.length} members (f ${f}, quorum ${quorum})`;
}

/** BREAKER.md's known weak spots: a person must look at the classes, so every way to the digest shows them. */
function askClasses({ config }: Network, { note }: Terminal): void {
  note("Is every asset in its class? A stable filed as longtail, or a market-trusted asset as staked, loses its protection:");
  for (const preset of PRESETS) {
    const feeds = config.feeds.filter((feed) => feed.preset === preset).map(({ feed }) => feed);
    if (feeds.length > 0) note(`  ${preset.padEnd(8)}  ${feeds.join(" ")}`);
  }
  note("");
}

function startSteps(
  options: InitOptions,
  { members, nodePath }: { readonly members: readonly Member[]; readonly nodePath: string },
): readonly string[] {
  const named = new Set(options.peer.map((text) => text.slice(0, text.indexOf("="))));
  const unknown = members.map(({ name }) => name).filter((name) => name !== options.me && !named.has(name));
  return [
    ...(existsSync(keyPath(options)) ? [] : [`put ${options.me}'s key file at ${keyPath(options)}`]),
    ...(unknown.length === 0 ? [] : [`fill in where these listen, under peers in ${nodePath}: ${unknown.join(", ")}`]),
    `breakwater node --config ${nodePath}`,
  ];
}

function tellNext({ note }: Terminal, steps: readonly string[]): void {
  note("Next:");
  for (const [index, step] of steps.entries()) note(`  ${index + 1}. ${step}`);
}
