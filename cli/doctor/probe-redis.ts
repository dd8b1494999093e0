import { setTimeout as sleep } from "node:timers/promises";
import {
  openRedis,
  RedisError,
  type RedisLink,
  type RedisSettings,
  RedisSettingsError,
} from "../../gateway/io/redis-connection.ts";
import { limitsPrefix, streamKeys } from "../../gateway/redis-keys.ts";
import type { Address } from "../../protocol/bytes.ts";
import type { RedisAttempt, RedisOutcome } from "./judge-redis.ts";

const CONNECT_MS = 5_000;
const LOOK_MS = 50;
/** Redis looks at the rights before it looks at the id: with this one nothing is ever appended. */
const NO_ID = "doctor";
const REFUSED_ID = /invalid stream id/i;

type Attempt = readonly [what: string, command: string, args: readonly (string | number)[]];

/** Whether a node may append to its two streams and look into them. */
export function probeWriter(settings: RedisSettings, network: string, address: Address): Promise<RedisOutcome> {
  const { rounds, papers } = streamKeys(network, address);
  return probe(settings, [
    ["append rounds", "XADD", [rounds, NO_ID, "d", ""]],
    ["append papers", "XADD", [papers, NO_ID, "k", ""]],
    ["look at them", "XREVRANGE", [rounds, "+", "-", "COUNT", 1]],
  ]);
}

/** Whether a gateway may read a member's stream, and count requests where it is to. */
export function probeReader(
  settings: RedisSettings,
  network: string,
  { member, counts }: { readonly member: Address; readonly counts: boolean },
): Promise<RedisOutcome> {
  const { rounds, papers } = streamKeys(network, member);
  const counting: Attempt = ["count requests", "PEXPIRE", [`${limitsPrefix(network)}doctor`, 1]];
  return probe(settings, [
    ["read rounds", "XREVRANGE", [rounds, "+", "-", "COUNT", 1]],
    ["read papers", "XREVRANGE", [papers, "+", "-", "COUNT", 1]],
    ["run scripts", "EVAL_RO", ["return 1", 1, rounds]],
    ...(counts ? [counting] : []),
  ]);
}

async function probe(settings: RedisSettings, attempts: readonly Attempt[]): Promise<RedisOutcome> {
  let reason = "no connection within 5 s";
  let link: RedisLink | undefined;
  try {
    const warn = (fields: object) => {
      if ("reason" in fields) reason = String(fields.reason);
    };
    link = openRedis(settings, { purpose: "doctor", log: { warn, error: warn } });
    for (const end = performance.now() + CONNECT_MS; !link.isUp() && performance.now() < end; ) await sleep(LOOK_MS);
    if (!link.isUp()) return { ok: false, reason };
    const results: RedisAttempt[] = [];
    for (const attempt of attempts) results.push(await tryOne(link, attempt));
    return { ok: true, attempts: results };
  } catch (error) {
    if (!(error instanceof RedisSettingsError)) throw error;
    return { ok: false, reason: error.message };
  } finally {
    link?.stop();
  }
}

async function tryOne(link: RedisLink, [what, command, args]: Attempt): Promise<RedisAttempt> {
  try {
    await link.call(command, args);
    return { what, code: "ok", reason: "" };
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    return REFUSED_ID.test(error.message) ? { what, code: "ok", reason: "" } : { what, code: error.code, reason: error.message };
  }
}
