import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedisLimits } from "../../gateway/io/redis-limits.ts";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { startCluster, startSentinels, type TestRedis, until } from "../support/redis.ts";
import { counterOf, keptLog, NETWORK, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";
import { closing } from "./redis-open.ts";

const open = closing();

describe("a Cluster of three", () => {
  let cluster: readonly TestRedis[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await Promise.all(cluster.map(({ stop }) => stop()));
  });

  /** Whether this server holds a member's slot. */
  const holds = ({ cli, port }: TestRedis, index: number): boolean => {
    const slot = Number(cli("cluster", "keyslot", streamKeys(NETWORK, writerOf(index)).rounds));
    const [own = ""] = cli("cluster", "nodes")
      .split("\n")
      .filter((line) => line.includes(`:${port}@`));
    return [...own.matchAll(/ (\d+)-(\d+)/g)].some(([, from, to]) => slot >= Number(from) && slot <= Number(to));
  };

  it("carries every member's streams, loses one of its servers and gets it back", async () => {
    const settings = { url: `redis+cluster://${cluster.map(({ port }) => `127.0.0.1:${port}`).join(",")}` };
    const nodes = open.nodes(settings);
    const gateway = open.gateway(settings);
    nodes[0]?.say(paperOf("{}"));
    for (const round of span(1, 10)) for (const node of nodes) node.certify(round);
    await until("all is heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).length >= 10));
    for (const writer of WRITERS) expect(gateway.roundsOf(writer)).toEqual(span(1, 10));
    const homes = WRITERS.map((_, index) => cluster.findIndex((server) => holds(server, index)));
    expect(homes).not.toContain(-1);
    expect(new Set(homes).size).toBeGreaterThan(1);

    const lost = cluster[homes[0] ?? 0];
    if (lost === undefined) throw new Error("nobody holds the first member's slot");
    const elsewhere = WRITERS.filter((_, index) => homes[index] !== homes[0]);
    await lost.kill();
    for (const round of span(11, 20)) for (const node of nodes) node.certify(round);
    await until("the others' are heard", () => elsewhere.every((writer) => gateway.roundsOf(writer).includes(20)));
    expect(gateway.reader.isUp()).toBe(true);
    expect(gateway.roundsOf(writerOf(0))).not.toContain(20);

    await lost.start();
    await until("what was missed is heard", () => gateway.roundsOf(writerOf(0)).includes(20), 20_000);
    expect(new Set(gateway.roundsOf(writerOf(0)))).toEqual(new Set(span(1, 20)));
    expect(gateway.papersOf(writerOf(0))).toContain("{}");
  });

  it("counts requests", async () => {
    const settings = { url: `redis+cluster://127.0.0.1:${cluster[0]?.port}` };
    const registry = new Registry();
    const limits = createRedisLimits({ settings, network: NETWORK, log: keptLog(), registry });
    open.later(limits.stop);
    await until("it is there", async () => {
      await limits.take("a", { max: 1, windowMs: 60_000 });
      return (await counterOf(registry, "breakwater_limits_redis_up", {})) === 1;
    });
    expect(await limits.take("b", { max: 1, windowMs: 60_000 })).toMatchObject({ allowed: true, remaining: 0 });
    expect(await limits.take("b", { max: 1, windowMs: 60_000 })).toMatchObject({ allowed: false });
  });
});

describe("a master that Sentinels watch", () => {
  it("is killed: its replica takes over, rounds go on", async () => {
    const watched = await startSentinels("oracle");
    open.later(watched.stop);
    const settings = { url: `redis+sentinel://${watched.ports.map((port) => `127.0.0.1:${port}`).join(",")}/oracle` };
    const node = open.node(settings, 0);
    const gateway = open.gateway(settings);
    for (const round of span(1, 5)) node.certify(round);
    await until("all is heard", () => gateway.roundsOf(writerOf(0)).length === 5);
    await watched.master.kill();
    for (const round of span(6, 90)) node.certify(round);
    await until("the replica took over", () => watched.replica.cli("info", "replication").includes("role:master"), 15_000);
    await until("what was missed is heard", () => gateway.roundsOf(writerOf(0)).includes(90), 15_000);
    expect(new Set(gateway.roundsOf(writerOf(0)))).toEqual(new Set(span(1, 90)));
    expect(Number(watched.replica.cli("xlen", streamKeys(NETWORK, writerOf(0)).rounds))).toBe(90);
  });
});
