import { Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import { createRedisLimits } from "../../gateway/io/redis-limits.ts";
import { startRedis, until } from "../support/redis.ts";
import { counterOf, keptLog, NETWORK } from "./redis-logs.ts";

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});

async function gateways(count: number, args: readonly string[] = []) {
  const redis = await startRedis({ args });
  open.push(redis.stop);
  const all = Array.from({ length: count }, () => {
    const [log, registry] = [keptLog(), new Registry()];
    const limits = createRedisLimits({ settings: { url: `redis://127.0.0.1:${redis.port}` }, network: NETWORK, log, registry });
    open.push(limits.stop);
    const isShared = async () => {
      await limits.take("somebody else", { max: 1_000, windowMs: 60_000 });
      return (await counterOf(registry, "breakwater_limits_redis_up", {})) === 1;
    };
    return { ...limits, log, isShared };
  });
  await until("all count in Redis", async () => (await Promise.all(all.map(({ isShared }) => isShared()))).every(Boolean));
  const [first, second] = all;
  if (first === undefined || second === undefined) throw new Error("expected two gateways");
  return { redis, first, second };
}

const minute = (max: number) => ({ max, windowMs: 60_000 });

describe("requests that gateways count in Redis", () => {
  it("come out of one budget for each key", async () => {
    const { first, second } = await gateways(2);
    const taken = [await first.take("a", minute(3)), await second.take("a", minute(3)), await first.take("a", minute(3))];
    expect(taken.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
    ]);
    for (const gateway of [second, first, second]) {
      const refused = await gateway.take("a", minute(3));
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      expect(refused.resetMs).toBeGreaterThan(50_000);
      expect(refused.resetMs).toBeLessThanOrEqual(60_000);
    }
    expect(await second.take("b", minute(3))).toMatchObject({ allowed: true, remaining: 2 });
  });

  it("are allowed again when the window ends, and Redis forgets them", async () => {
    const { redis, first, second } = await gateways(2);
    const limit = { max: 1, windowMs: 300 };
    expect((await first.take("a", limit)).allowed).toBe(true);
    expect((await second.take("a", limit)).allowed).toBe(false);
    await until("the window is over", async () => (await second.take("a", limit)).allowed);
    await until("nothing is left of it", () => redis.cli("dbsize") === "1");
  });

  it("leave no address and no key in Redis", async () => {
    const { redis, first } = await gateways(2);
    await first.take("203.0.113.7", minute(3));
    const keys = redis.cli("keys", "*").split("\n");
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatch(/^breakwater:\{test:limits\}:[0-9a-f]{32}$/);
  });

  it("are counted by each gateway while Redis is away, and together once it is back", async () => {
    const { redis, first, second } = await gateways(2);
    await redis.kill();
    const alone = [await first.take("a", minute(1)), await second.take("a", minute(1)), await first.take("a", minute(1))];
    expect(alone.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    expect(first.log.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining("each gateway counts its own"));
    await redis.start();
    await until("both count in Redis again", async () => (await first.isShared()) && (await second.isShared()));
    expect((await first.take("c", minute(1))).allowed).toBe(true);
    expect((await second.take("c", minute(1))).allowed).toBe(false);
  });

  it("wait no longer than a moment for a Redis that hangs, and not every time", async () => {
    const { redis, first } = await gateways(2);
    redis.freeze();
    const began = performance.now();
    for (let request = 0; request < 20; request++) expect((await first.take(`${request}`, minute(1))).allowed).toBe(true);
    const tookMs = performance.now() - began;
    redis.thaw();
    expect(tookMs).toBeLessThan(600);
  });
});
