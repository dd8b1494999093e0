import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import { CATALOGUE, DEFAULT_BASKET, DEVELOPMENT_LEASE_MS, DEVELOPMENT_THRESHOLDS } from "../catalogue.ts";
import { networkYaml, nodeYaml } from "../templates.ts";

/** Development keys guard nothing, and four are opened at every start: a low cost of scrypt. */
const DEVELOPMENT_SCRYPT_N = 2 ** 10;

/** Every client of a development network has the same address: its proxy's, or this machine's. */
const LOCAL_LIMITS = { requestsPerMinute: 1_000_000, streamsPerAddress: 2_000 };

export type DevnetNode = {
  readonly name: string;
  readonly address: string;
  readonly api: string;
  readonly configFile: string;
  readonly store: string;
  readonly logFile: string;
};

export type DevnetLayout = { readonly networkFile: string; readonly nodes: readonly DevnetNode[] };

export type VenueOverride = { readonly url: string; readonly requestsPerSecond?: number };

/**
 * Writes a whole network into a folder: genesis, one folder a node with key, password, config and, later, store and log. Keys and
 * stores that are there already are kept, so that the same folder is the same network again; configs are written anew.
 */
export async function writeDevnet({
  folder,
  nodes,
  apiPort,
  p2pPort,
  venues,
  addressSharedBy,
  logLevel,
}: {
  readonly folder: string;
  readonly nodes: number;
  readonly apiPort: number;
  readonly p2pPort: number;
  readonly venues: Readonly<Record<string, VenueOverride>>;
  readonly addressSharedBy: number;
  readonly logLevel: string;
}): Promise<DevnetLayout> {
  const members = await Promise.all(Array.from({ length: nodes }, (_, index) => prepareMember(folder, index)));
  const networkFile = join(folder, "network.yaml");
  await writeFile(
    networkFile,
    networkYaml({
      network: "devnet",
      members: members.map(({ name, address }) => ({ name, address })),
      leaseMs: DEVELOPMENT_LEASE_MS,
      chains: [{ chain: "DEVCHAIN", blockMs: 1_000 }],
      thresholds: DEVELOPMENT_THRESHOLDS,
      basket: DEFAULT_BASKET,
      feeds: CATALOGUE,
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
  return { networkFile, nodes: await Promise.all(written) };
}

/** Every market that the catalogue asks of a venue: what the simulated market lists. */
export function catalogueListings(): ReadonlyMap<string, readonly string[]> {
  const listings = new Map<string, Set<string>>();
  for (const { venue, market } of CATALOGUE.flatMap((feed) => feed.sources)) {
    listings.set(venue, (listings.get(venue) ?? new Set()).add(market));
  }
  return new Map([...listings].map(([venue, markets]) => [venue, [...markets]]));
}

async function prepareMember(folder: string, index: number): Promise<{ name: string; address: string; home: string }> {
  const name = `node${index}`;
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
