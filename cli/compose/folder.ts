import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { redisAcl } from "../../gateway/redis-acl.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import type { Network } from "../../protocol/config.ts";
import { catalogueOn, DEFAULT_BASKET } from "../catalogue.ts";
import { readNetworkFile } from "../files.ts";
import { networkYaml } from "../templates.ts";
import { type ComposeNode, gatewayText, HEALTH_USER, nodeText } from "./texts.ts";

/** What docker-compose.yml runs. Three of five governors and three guardians are BREAKER.md's defaults. */
const NODES = 4;
const GATEWAYS = 2;
const GOVERNORS = 5;
const GOVERNORS_QUORUM = 3;
const GUARDIANS = 3;
/** Ethereum's block time, and the lease that it needs: 4 × 12 s + 10 s, in whole minutes. */
const CHAINS = [{ chain: "ETHEREUM", blockMs: 12_000 }];
const LEASE_MS = 60_000;

const OWNER_FOLDER = 0o700;
const OWNER_FILE = 0o600;
const OPEN_FILE = 0o644;

/** Whose the files are, and whom every container runs as. */
export type Owner = { readonly uid: number; readonly gid: number };

type Keyed = { readonly name: string; readonly address: string; readonly password: string };

/**
 * Writes all that docker-compose.yml mounts: genesis, configs, keys, passwords, Redis' users, empty data folders, and `compose.env`. The
 * folder appears whole or not at all, and one that is there is never written into.
 *
 * @param owner given to every file, when this process may do so (root)
 * @param options.scryptN cost of opening the keys; tests lower it
 * @throws OperationalError `exists`, `unwritable`
 */
export async function writeComposeFolder({
  dir,
  name,
  owner,
  giveAway,
  scryptN,
}: {
  readonly dir: string;
  readonly name: string;
  readonly owner: Owner;
  readonly giveAway: boolean;
  readonly scryptN?: number;
}): Promise<Network> {
  const folder = resolve(dir);
  await requireFree(folder);
  const parts = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`)).catch((error: unknown) => {
    throw unwritable(folder, error);
  });
  try {
    await fill(parts, { name, scryptN });
    await writeFile(join(parts, "compose.env"), environmentText(folder, owner), { mode: OPEN_FILE });
    const network = readNetworkFile(join(parts, "network.yaml"));
    if (giveAway) await give(parts, owner);
    await rmdir(folder).catch(() => undefined);
    await rename(parts, folder);
    return network;
  } catch (error) {
    await rm(parts, { recursive: true, force: true });
    throw error instanceof OperationalError ? error : unwritable(folder, error);
  }
}

async function fill(
  folder: string,
  { name, scryptN }: { readonly name: string; readonly scryptN: number | undefined },
): Promise<void> {
  for (const part of ["config", "secrets", "data", "keyholders"]) await mkdir(join(folder, part), { mode: OWNER_FOLDER });
  const cost = scryptN === undefined ? {} : { n: scryptN };
  const secrets = join(folder, "secrets");
  const nodes = await makeKeys(secrets, { role: "node", count: NODES, cost });
  const keyholders = join(folder, "keyholders");
  const governors = await makeKeys(keyholders, { role: "governor", count: GOVERNORS, cost });
  const guardians = await makeKeys(keyholders, { role: "guardian", count: GUARDIANS, cost });
  const genesis = networkYaml({
    network: name,
    members: nodes.map(named),
    leaseMs: LEASE_MS,
    chains: CHAINS,
    governance: { governors: governors.map(named), quorum: GOVERNORS_QUORUM, guardians: guardians.map(named) },
    thresholds: {},
    basket: DEFAULT_BASKET,
    ...catalogueOn(CHAINS),
  });
  await writeFile(join(folder, "network.yaml"), genesis, { mode: OPEN_FILE });
  await writeConfigs(folder, nodes);
  await writeSecrets(folder, { name, nodes });
  const services = [...nodes.map((node) => node.name), ...gatewayNames(), "prometheus", "grafana"];
  for (const service of services) await mkdir(join(folder, "data", service), { mode: OWNER_FOLDER });
}

async function writeConfigs(folder: string, nodes: readonly Keyed[]): Promise<void> {
  const members: readonly ComposeNode[] = nodes.map(named);
  for (const node of members) {
    await writeFile(join(folder, "config", `${node.name}.yaml`), nodeText(node, members), { mode: OWNER_FILE });
  }
  for (const gateway of gatewayNames()) {
    await writeFile(join(folder, "config", `${gateway}.yaml`), gatewayText(gateway, members), { mode: OWNER_FILE });
  }
}

/** Redis holds digests of its users' passwords only. */
async function writeSecrets(
  folder: string,
  { name, nodes }: { readonly name: string; readonly nodes: readonly Keyed[] },
): Promise<void> {
  const users = new Map<string, string>();
  for (const user of [...nodes.map((node) => node.name), ...gatewayNames()]) {
    const password = newPassword();
    users.set(user, createHash("sha256").update(password).digest("hex"));
    await writeFile(join(folder, "secrets", `${user}.redis`), `${password}\n`, { mode: OWNER_FILE });
  }
  const passwordOf = (user: string): string => users.get(user) ?? "";
  const acl = redisAcl({
    network: name,
    nodes: nodes.map((node) => ({
      username: node.name,
      address: node.address as `0x${string}`,
      passwordSha256: passwordOf(node.name),
    })),
    gateways: gatewayNames().map((username) => ({ username, passwordSha256: passwordOf(username) })),
  });
  await writeFile(join(folder, "secrets", "users.acl"), `${acl.trimEnd()}\n${HEALTH_USER}\n`, { mode: OWNER_FILE });
  await writeFile(join(folder, "secrets", "grafana.password"), `${newPassword()}\n`, { mode: OWNER_FILE });
}

async function makeKeys(
  folder: string,
  { role, count, cost }: { readonly role: string; readonly count: number; readonly cost: { readonly n?: number } },
): Promise<readonly Keyed[]> {
  const keys: Keyed[] = [];
  for (let index = 0; index < count; index++) {
    const name = `${role}${index}`;
    const password = newPassword();
    const { address } = await createKeyFile(join(folder, `${name}.key.json`), password, cost);
    await writeFile(join(folder, `${name}.password`), `${password}\n`, { mode: OWNER_FILE });
    keys.push({ name, address, password });
  }
  return keys;
}

function gatewayNames(): readonly string[] {
  return Array.from({ length: GATEWAYS }, (_, index) => `gateway${index}`);
}

function named({ name, address }: Keyed): ComposeNode {
  return { name, address };
}

function newPassword(): string {
  return randomBytes(24).toString("hex");
}

function environmentText(folder: string, { uid, gid }: Owner): string {
  return [
    "# docker compose --env-file <this file> up: where this network's folder is, and whom the containers run as.",
    `BREAKWATER_DIR=${folder}`,
    `BREAKWATER_UID=${uid}`,
    `BREAKWATER_GID=${gid}`,
    "",
  ].join("\n");
}

async function requireFree(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw unwritable(folder, error);
  });
  if (there.length === 0) return;
  throw new OperationalError(`${folder} is there and not empty: keys are never overwritten; choose another --dir`, {
    code: "exists",
    details: { path: folder },
  });
}

async function give(folder: string, { uid, gid }: Owner): Promise<void> {
  await chmod(folder, OWNER_FOLDER);
  const entries = await readdir(folder, { recursive: true });
  for (const path of [folder, ...entries.map((entry) => join(folder, entry))]) await chown(path, uid, gid);
}

function unwritable(path: string, error: unknown): OperationalError {
  return new OperationalError(`${path}: cannot write the folder: ${reasonOf(error)}`, {
    code: "unwritable",
    details: { path },
    cause: error,
  });
}
