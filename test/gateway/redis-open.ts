import { afterEach } from "vitest";
import type { RedisSettings } from "../../gateway/io/redis-connection.ts";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { NETWORK, openReader, openWriter, WRITERS, writerOf } from "./redis-logs.ts";

/** What a test opens is closed after it, the last first. */
export function closing() {
  const open: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const stop of open.splice(0).reverse()) await stop();
  });
  return {
    later: (stop: () => Promise<void> | void): void => void open.push(stop),
    redis: async (...args: Parameters<typeof startRedis>) => {
      const redis = await startRedis(...args);
      open.push(redis.stop);
      return { redis, settings: { url: `redis://127.0.0.1:${redis.port}` } };
    },
    node: (settings: RedisSettings, index: number, options?: { rounds?: number }) => {
      const node = openWriter(settings, writerOf(index), options);
      open.push(node.publisher.stop);
      return node;
    },
    nodes: (settings: RedisSettings, options?: { rounds?: number }) => {
      const all = WRITERS.map((writer) => openWriter(settings, writer, options));
      open.push(async () => void (await Promise.all(all.map(({ publisher }) => publisher.stop()))));
      return all;
    },
    gateway: (...args: Parameters<typeof openReader>) => {
      const gateway = openReader(...args);
      open.push(gateway.reader.stop);
      return gateway;
    },
  };
}

export function lengthOf(redis: TestRedis, index: number): number {
  return Number(redis.cli("xlen", streamKeys(NETWORK, writerOf(index)).rounds));
}
