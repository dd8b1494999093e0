import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import {
  CATALOGUE,
  catalogueOn,
  DEFAULT_BASKET,
  DEVELOPMENT_GOVERNANCE,
  DEVELOPMENT_LEASE_MS,
  DEVELOPMENT_THRESHOLDS,
} from "../catalogue.ts";
import { networkYaml, nodeYaml } from "../templates.ts";
import { DEVELOPMENT_CHAIN } from "./chain.ts";

/** Development keys guard nothing, and four are opened at every start: a low cost of scrypt. */
const DEVELOPMENT_SCRYPT_N = 2 ** 10;

/** Every client of a development network has the same address: this machine's. */
const LOCAL_LIMITS = { requestsPerMinute: 1_000_000, streamsPerAddress: 2_000 };

export type DevnetNode = {
  readonly name: string;
  readonly address: string;
  readonly api: string;
  readonly configFile: string;
  readonly store: string;
  readonly logFile: string;
};

/** A replica that follows the nodes and serves the network under one address. */
export type DevnetGateway = {
  readonly name: string;
  readonly api: string;
  readonly configFile: string;
  readonly logFile: string;
};

/** A governor or guardian: `home` holds his key.json and password. */
export type DevnetKeyholder = { readonly name: string; readonly address: string; readonly home: string };

export type DevnetLayout = {
  readonly networkFile: string;
  readonly nodes: readonly DevnetNode[];
  readonly gateway: DevnetGateway;
  readonly keyholders: readonly DevnetKeyholder[];
};

/** BREAKER.md's defaults: three of five governors, and three guardians. */
const GOVERNORS = 5;
const GOVERNORS_QUORUM = 3;
const GUARDIANS = 3;

export type VenueOverride = { readonly url: string; readonly requestsPerSecond?: number; readonly stream?: string };

/**
 * Writes a whole network into a folder: genesis, one folder a node with key, password, config and, later, store and log, and one a
 * governor and guardian with key and password. Keys and stores that are there already are kept, so that the same folder is the same
 * network again; configs are written anew.
 */
export async function writeDevnet({
  folder,
  nodes,
  gatewayPort,
  apiPort,
  p2pPort,
  venues,
  rpc,
  addressSharedBy,
  logLevel,
}: {
  readonly folder: string;
  readonly nodes: number;
  readonly gatewayPort: number;
  /** Of the first node; the others take the next ones. */
  readonly apiPort: number;
  readonly p2pPort: number;
  readonly venues: Readonly<Record<string, VenueOverride>>;
  /** Of each chain; none on a live market. */
  readonly rpc: Readonly<Record<string, readonly string[]>>;
  readonly addressSharedBy: number;
  readonly logLevel: string;
}): Promise<DevnetLayout> {
  const members = await prepareKeys(folder, "node", nodes);
  const governors = await prepareKeys(join(folder, "keyholders"), "governor", GOVERNORS);
  const guardians = await prepareKeys(join(folder, "keyholders"), "guardian", GUARDIANS);
  const networkFile = join(folder, "network.yaml");
  await writeFile(
    networkFile,
    networkYaml({
      network: "devnet",
      members: members.map(named),
      leaseMs: DEVELOPMENT_LEASE_MS,
      chains: [DEVELOPMENT_CHAIN],
      governance: {
        governors: governors.map(named),
        quorum: GOVERNORS_QUORUM,
        guardians: guardians.map(named),
        ...DEVELOPMENT_GOVERNANCE,
      },
      thresholds: DEVELOPMENT_THRESHOLDS,
      basket: DEFAULT_BASKET,
      ...catalogueOn([DEVELOPMENT_CHAIN]),
    }),
  );
  const multiaddr = (index: number): string => `/ip4/127.0.0.1/tcp/${p2pPort + index}`;
  const peers = members.map(({ address }, index) => ({ address, multiaddr: multiaddr(index) }));
  const written = members.map(async ({ name, address, home }, index) => {
    const configFile = join(home, "node.yaml");
    const port = apiPort + index;
    const text = nodeYaml({
      network: "../network.yaml",
      keyFile: "key.json",
      passwordFile: "password",
      listen: multiaddr(index),
      peers: peers.filter((peer) => peer.address !== address),
      api: { host: "127.0.0.1", port, ...LOCAL_LIMITS },
      storage: "store.sqlite",
      venues,
      rpc,
      logLevel,
    });
    await writeFile(
      configFile,
      `${text}\n# Nodes behind this address share the venues' request budgets.\n${stringify({ addressSharedBy })}`,
    );
    return {
      name,
      address,
      api: `http://127.0.0.1:${port}`,
      configFile,
      store: join(home, "store.sqlite"),
      logFile: join(home, "node.log"),
    };
  });
  const nodesWritten = await Promise.all(written);
  const gateway = await writeGateway({ folder, port: gatewayPort, nodes: nodesWritten, logLevel });
  return { networkFile, nodes: nodesWritten, gateway, keyholders: [...governors, ...guardians] };
}

/** Follows every node over HTTP, and asks them what a replica cannot know; an hour of rounds in memory. */
async function writeGateway({
  folder,
  port,
  nodes,
  logLevel,
}: {
  readonly folder: string;
  readonly port: number;
  readonly nodes: readonly DevnetNode[];
  readonly logLevel: string;
}): Promise<DevnetGateway> {
  const name = "gateway";
  const home = join(folder, name);
  await mkdir(home, { recursive: true });
  const configFile = join(home, "gateway.yaml");
  const bases = nodes.map(({ api }) => api);
  const content = {
    network: "../network.yaml",
    api: { host: "127.0.0.1", port, ...LOCAL_LIMITS },
    follow: { http: bases },
    forward: bases,
    logLevel,
  };
  await writeFile(configFile, stringify(content));
  return { name, api: `http://127.0.0.1:${port}`, configFile, logFile: join(home, "gateway.log") };
}

/** Every market that the catalogue asks of a venue: what the simulated market lists. */
export function catalogueListings(): ReadonlyMap<string, readonly string[]> {
  const listings = new Map<string, Set<string>>();
  for (const { venue, market } of CATALOGUE.flatMap((feed) => feed.sources)) {
    listings.set(venue, (listings.get(venue) ?? new Set()).add(market));
  }
  return new Map([...listings].map(([venue, markets]) => [venue, [...markets]]));
}

function named({ name, address }: DevnetKeyholder): { readonly name: string; readonly address: string } {
  return { name, address };
}

function prepareKeys(folder: string, role: string, count: number): Promise<readonly DevnetKeyholder[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => prepareKey(folder, `${role}${index}`)));
}

/** The key in a folder of this name; made, with its password, when there is none. */
async function prepareKey(folder: string, name: string): Promise<DevnetKeyholder> {
  const home = join(folder, name);
  await mkdir(home, { recursive: true });
  const passwordFile = join(home, "password");
  const keyFile = join(home, "key.json");
  const kept = await readFile(passwordFile, "utf8").catch(() => undefined);
  if (kept !== undefined) return { name, home, address: (await readKeyFile(keyFile, kept.trim())).address };
  const password = randomBytes(24).toString("hex");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  return { name, home, address: (await createKeyFile(keyFile, password, { n: DEVELOPMENT_SCRYPT_N })).address };
}
