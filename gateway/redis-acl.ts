import type { Address } from "../protocol/bytes.ts";
import { limitsPrefix, streamKeys } from "./redis-keys.ts";

/** A line of an ACL file is split at spaces, and its key patterns are globs: a name must mean nothing in either. */
const PLAIN = /^[A-Za-z0-9._-]{1,64}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** What a Cluster's client asks first; a single server refuses it, and nobody asks there. */
const CONNECTION = "+ping +cluster|slots +cluster|info";

export type RedisUser = {
  readonly username: string;
  /** Lower-case hex of the SHA-256 of the password: the file holds no password. */
  readonly passwordSha256: string;
};

/**
 * The text of a Redis ACL file (`aclfile`) for a network: each node may append to its own two streams, look into them and start them
 * anew; gateways may read every member's streams, and write nothing but their counters of requests. Nobody else may do anything: the
 * default user is off. Sentinels, replicas and the administrator need users of their own besides these.
 *
 * @throws RangeError naming the user or network whose name or digest would mean something else in an ACL file
 * @example redisAcl({ network: "main", nodes: [], gateways: [] }) // "user default reset off\n"
 */
export function redisAcl({
  network,
  nodes,
  gateways,
}: {
  readonly network: string;
  readonly nodes: readonly (RedisUser & { readonly address: Address })[];
  readonly gateways: readonly RedisUser[];
}): string {
  if (!PLAIN.test(network)) throw new RangeError("network: expected 1 to 64 of A-Z a-z 0-9 . _ -");
  const names = new Set(["default"]);
  for (const { username, passwordSha256 } of [...nodes, ...gateways]) {
    if (!PLAIN.test(username)) throw new RangeError("username: expected 1 to 64 of A-Z a-z 0-9 . _ -");
    if (names.has(username)) throw new RangeError(`${username}: expected each username once, and none of them "default"`);
    if (!SHA256.test(passwordSha256)) throw new RangeError(`${username}: expected a SHA-256 digest, 64 lower-case hex digits`);
    names.add(username);
  }
  return [
    "user default reset off",
    ...nodes.map(({ address, ...user }) => `${startOf(user)} ${writerRights(network, address)}`),
    ...gateways.map((user) => `${startOf(user)} ${gatewayRights(network)}`),
    "",
  ].join("\n");
}

function startOf({ username, passwordSha256 }: RedisUser): string {
  return `user ${username} reset on #${passwordSha256}`;
}

/** `unlink` is for a stream that a forged id has bricked: its writer starts it anew. */
function writerRights(network: string, address: Address): string {
  const { rounds, papers } = streamKeys(network, address);
  return `~${rounds} ~${papers} ${CONNECTION} +xadd +xlen +xrange +xrevrange +unlink`;
}

/** Read-only keys are read by scripts that Redis itself holds to reading (`EVAL_RO`). */
function gatewayRights(network: string): string {
  const streams = `%R~breakwater:{${network}:0x*}:rounds %R~breakwater:{${network}:0x*}:papers`;
  const commands = "+eval_ro +xrange +xrevrange +eval +incr +pexpire +pttl";
  return `${streams} ~${limitsPrefix(network)}* ${CONNECTION} ${commands}`;
}
