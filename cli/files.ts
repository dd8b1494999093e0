import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isScalar, type ParsedNode, parse } from "yaml";
import { ADAPTERS } from "../adapters/index.ts";
import { type AccessRules, accessSchema } from "../gateway/access.ts";
import { type GatewayConfig, parseGatewayConfig } from "../gateway/gateway-config.ts";
import { OperationalError, reasonOf } from "../node/io/operational-error.ts";
import { type NodeConfig, parseNodeConfig } from "../node/node-config.ts";
import { type ConfigFault, genesisNetwork, type Network, type NetworkConfig, parseNetworkConfig } from "../protocol/config.ts";
import { parseShape } from "../protocol/config-fault.ts";

/** A config beyond this is not one. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** Bounds what YAML aliases may expand to. */
const MAX_ALIASES = 100;
/** yaml compares each key of a map with all before it: a map of 800 000 keys would take hours, the largest network's need 10⁵. */
const MAX_KEY_COMPARISONS = 4_000_000;

/**
 * Reads a committee's `network.yaml`.
 *
 * @throws OperationalError `unreadable`, `not-yaml`, `bad-config`; the last names every field at fault and what was expected
 */
export function readNetworkFile(path: string): Network {
  return genesisNetwork(readNetworkConfig(path));
}

/**
 * Reads a config that is not a genesis. Throws as {@link readNetworkFile}.
 *
 * @param fill adds to the file's content what it may leave out
 */
export function readNetworkConfig(path: string, fill: (content: unknown) => unknown = (content) => content): NetworkConfig {
  const parsed = parseNetworkConfig(fill(readYaml(path)));
  if (!parsed.ok) throw badConfig(path, parsed.error);
  const references = new Set(parsed.value.references.map(({ name }) => name));
  const unknown = parsed.value.feeds.flatMap(({ feed, sources }) =>
    sources
      .filter(({ venue }) => !Object.hasOwn(ADAPTERS, venue) && !references.has(venue))
      .map(({ venue }) => ({
        path: `feeds[${feed}].sources`,
        expected: `expected a venue with an adapter or a reference, found "${venue}"`,
      })),
  );
  if (unknown.length > 0) throw badConfig(path, unknown);
  return parsed.value;
}

/** Reads an operator's `node.yaml`; its paths become absolute. Throws as {@link readNetworkFile}. */
export function readNodeFile(path: string): NodeConfig {
  const parsed = parseNodeConfig(readYaml(path));
  if (!parsed.ok) throw badConfig(path, parsed.error);
  const unknown = Object.keys(parsed.value.venues).filter((venue) => !Object.hasOwn(ADAPTERS, venue));
  if (unknown.length > 0)
    throw badConfig(
      path,
      unknown.map((venue) => ({ path: `venues.${venue}`, expected: "expected a venue with an adapter" })),
    );
  const folder = dirname(resolve(path));
  const { network, key, storage, redis, alerts, ...rest } = parsed.value;
  return {
    ...rest,
    network: resolve(folder, network),
    key: {
      file: resolve(folder, key.file),
      ...(key.passwordFile === undefined ? {} : { passwordFile: resolve(folder, key.passwordFile) }),
    },
    storage: { ...storage, path: resolve(folder, storage.path) },
    alerts: alerts.map(({ url, secretFile }) => ({ url, secretFile: resolve(folder, secretFile) })),
    ...(redis === undefined ? {} : { redis: resolveRedisFiles(folder, redis) }),
  };
}

/** Reads a `gateway.yaml`; its paths become absolute. Throws as {@link readNetworkFile}. */
export function readGatewayFile(path: string): GatewayConfig {
  const parsed = parseGatewayConfig(readYaml(path));
  if (!parsed.ok) throw badConfig(path, parsed.error);
  const folder = dirname(resolve(path));
  const { network, follow, forward, storage, keysFile, ...rest } = parsed.value;
  const { redis, http } = follow;
  const withKeys = (upstreams: GatewayConfig["forward"]) =>
    upstreams.map(({ url, keyFile }) => ({ url, ...(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) }) }));
  return {
    ...rest,
    network: resolve(folder, network),
    follow: { http: withKeys(http), ...(redis === undefined ? {} : { redis: resolveRedisFiles(folder, redis) }) },
    forward: withKeys(forward),
    storage: { ...storage, ...(storage.path === undefined ? {} : { path: resolve(folder, storage.path) }) },
    ...(keysFile === undefined ? {} : { keysFile: resolve(folder, keysFile) }),
  };
}

/** Reads a gateway's `keysFile`: who has API keys, by their digests. Throws as {@link readNetworkFile}. */
export function readAccessFile(path: string): AccessRules {
  const parsed = parseShape(accessSchema, readYaml(path));
  if (!parsed.ok) throw badConfig(path, parsed.error);
  return parsed.value;
}

type RedisFiles = { readonly passwordFile?: string | undefined; readonly caFile?: string | undefined };

function resolveRedisFiles<T extends RedisFiles>(folder: string, redis: T): T {
  const { passwordFile, caFile } = redis;
  return {
    ...redis,
    ...(passwordFile === undefined ? {} : { passwordFile: resolve(folder, passwordFile) }),
    ...(caFile === undefined ? {} : { caFile: resolve(folder, caFile) }),
  };
}

function readYaml(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new OperationalError(`${path}: cannot read the file: ${reasonOf(error)}`, { code: "unreadable", cause: error });
  }
  if (text.length > MAX_FILE_BYTES) {
    throw new OperationalError(`${path}: expected at most ${MAX_FILE_BYTES} bytes`, { code: "not-yaml" });
  }
  try {
    return parse(text, { maxAliasCount: MAX_ALIASES, uniqueKeys: boundedKeys() }) as unknown;
  } catch (error) {
    throw new OperationalError(`${path}: not YAML: ${reasonOf(error).split("\n")[0]}`, { code: "not-yaml", cause: error });
  }
}

/** The same equality as yaml's own, for a bounded number of questions. */
function boundedKeys(): (a: ParsedNode, b: ParsedNode) => boolean {
  let comparisons = 0;
  return (a, b) => {
    comparisons += 1;
    if (comparisons > MAX_KEY_COMPARISONS) throw new Error("a map of too many keys");
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value);
  };
}

function badConfig(path: string, faults: readonly ConfigFault[]): OperationalError {
  const lines = faults.map((fault) => `${fault.path}: ${fault.expected}`);
  return new OperationalError(`${path}: ${lines.join("; ")}`, { code: "bad-config" });
}
