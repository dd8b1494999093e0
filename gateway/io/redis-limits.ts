import type { Registry } from "prom-client";
import { keccakHex, utf8 } from "../../protocol/bytes.ts";
import { createLocalLimits, type Limit, type RateLimits, type Taken } from "../limits.ts";
import type { GatewayLogger } from "../ports.ts";
import { limitsPrefix } from "../redis-keys.ts";
import { COUNT_SCRIPT } from "../redis-scripts.ts";
import { openRedis, RedisError, type RedisLink, type RedisSettings } from "./redis-connection.ts";
import { createLimitsGauge } from "./redis-metrics.ts";

/** A request waits no longer than this for its count; then this gateway counts by itself. */
const TIMEOUT_MS = 150;
/** How long after a failure it is not asked again: or every request would wait for the time-out. */
const PAUSE_MS = 1_000;
/** Keys that are remembered to have used up their window: whoever asks on costs Redis nothing. */
const MAX_USED_UP = 20_000;

/** `take` never rejects. */
export type RedisLimits = RateLimits & { readonly stop: () => void };

/**
 * Counts requests in Redis, so that all gateways share one budget for each key. While Redis is away each gateway counts its own and says
 * so: readers are served either way. Keys are hashed; Redis holds nobody's address or API key.
 *
 * @throws RedisSettingsError when the settings cannot be used
 */
export function createRedisLimits({
  settings,
  network,
  log,
  registry,
}: {
  readonly settings: RedisSettings;
  readonly network: string;
  readonly log: GatewayLogger;
  readonly registry: Registry;
}): RedisLimits {
  const up = createLimitsGauge(registry);
  const now = (): number => performance.now();
  const takeLocal = createLocalLimits(now);
  const usedUp = createUsedUp(now);
  const link = openRedis(settings, { purpose: "counting requests", log, timeoutMs: TIMEOUT_MS });
  const fallback = createFallback(log, up);
  return {
    take: async (name, limit) => {
      const key = `${limitsPrefix(network)}${keccakHex(utf8(`${limit.windowMs} ${name}`)).slice(2, 34)}`;
      const leftMs = usedUp.leftMs(key);
      if (leftMs > 0) return { allowed: false, remaining: 0, resetMs: leftMs };
      if (fallback.isResting()) return takeLocal(key, limit);
      try {
        if (!link.isUp()) throw new RedisError("Redis is away", "away");
        const taken = await countIn(link, key, limit);
        fallback.succeed();
        if (!taken.allowed) usedUp.add(key, taken.resetMs);
        return taken;
      } catch (error) {
        fallback.fail(error);
        return takeLocal(key, limit);
      }
    },
    stop: link.stop,
  };
}

async function countIn(link: RedisLink, key: string, { max, windowMs }: Limit): Promise<Taken> {
  const answer = await link.call("eval", [COUNT_SCRIPT, 1, key, windowMs]);
  const [count, resetMs] = Array.isArray(answer) ? answer.map(Number) : [];
  if (count === undefined || resetMs === undefined) throw new RedisError("Redis answered no count", "answer");
  return { allowed: count <= max, remaining: Math.max(0, max - count), resetMs };
}

function createUsedUp(now: () => number) {
  const ends = new Map<string, number>();
  return {
    leftMs: (key: string): number => {
      const left = (ends.get(key) ?? 0) - now();
      if (left <= 0) ends.delete(key);
      return Math.ceil(left);
    },
    add: (key: string, resetMs: number): void => {
      ends.set(key, now() + resetMs);
      for (const oldest of ends.keys()) {
        if (ends.size <= MAX_USED_UP) return;
        ends.delete(oldest);
      }
    },
  };
}

/** Between a failure and the next attempt, and what the operator reads of it: the 1st, 2nd, 4th, 8th failure. */
function createFallback(log: GatewayLogger, up: (isUp: boolean) => void) {
  let failures = 0;
  let restsUntil = 0;
  let wasAway = false;
  return {
    isResting: (): boolean => performance.now() < restsUntil,
    succeed: (): void => {
      up(true);
      if (failures > 0) log.warn({ failures }, "requests are counted in Redis again, for all gateways together");
      failures = 0;
      wasAway = false;
    },
    fail: (error: unknown): void => {
      up(false);
      // While the connection is gone nothing is waited for, so nothing needs a rest, and it is one failure however many ask.
      const isAway = error instanceof RedisError && error.code === "away";
      if (isAway && wasAway) return;
      wasAway = isAway;
      failures += 1;
      if (!isAway) restsUntil = performance.now() + PAUSE_MS;
      if (!Number.isInteger(Math.log2(failures))) return;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(
        { reason, failures },
        "Redis does not count requests: each gateway counts its own, and rate limits hold per gateway",
      );
    },
  };
}
