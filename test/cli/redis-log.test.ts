import { pino } from "pino";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { tellRedis } from "../../cli/redis-log.ts";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import type { Store } from "../../node/store.ts";
import { bodyOf, evidenceOf, roundOf, transitionOf } from "../node/store-fixtures.ts";
import { testKey } from "../support/network.ts";
import { startRedis, until } from "../support/redis.ts";

const WRITER = testKey(0).address;

function tell(store: Store, url: string, rounds = 1_000) {
  const log = pino({ level: "silent" });
  return tellRedis(store, { redis: { url, rounds }, network: "test", writer: WRITER, log, registry: new Registry() });
}

test("a node that starts with a store tells its streams what they lack: the newest rounds with bodies, changes, evidence", async () => {
  const redis = await startRedis();
  const store = createMemoryStore({ now: () => 0, retention: { bodies: 40 } });
  for (let round = 1; round <= 100; round++) store.saveRound({ certified: roundOf(round), body: bodyOf(roundOf(round)) });
  store.saveTransition(transitionOf(9));
  store.saveEvidence(evidenceOf(1, 5));
  const told = tell(store, `redis://127.0.0.1:${redis.port}`, 60);
  const { rounds, papers } = streamKeys("test", WRITER);
  try {
    await until("what there was is there", () => redis.cli("xlen", rounds) === "40" && redis.cli("xlen", papers) === "2");
    told.store.saveEvidence(evidenceOf(2, 5));
    told.store.saveEvidence(evidenceOf(2, 5));
    told.store.saveTransition(transitionOf(12));
    told.store.saveRound({ certified: roundOf(101), body: bodyOf(roundOf(101)) });
    told.onHead(roundOf(101));
    await until("what comes is there", () => redis.cli("xlen", rounds) === "41");
    expect(redis.cli("xlen", papers)).toBe("4");
    expect(redis.cli("xrevrange", rounds, "+", "-", "COUNT", "1")).toContain(roundOf(101).digest);
    expect(store.evidence({ limit: 10 })).toHaveLength(2);
  } finally {
    await told.stop();
    await redis.stop();
  }
});

test("settings that cannot be used are the operator's one line, and name the field", () => {
  const store = createMemoryStore({ now: () => 0 });
  expect(() => tell(store, "redis://a,b")).toThrow(
    expect.objectContaining({ name: "OperationalError", code: "redis-settings", message: expect.stringContaining("redis.url") }),
  );
});
