import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { until } from "../support/redis.ts";
import { counterOf, NETWORK, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";
import { closing, lengthOf } from "./redis-open.ts";

const open = closing();
const isUp = (node: { registry: Parameters<typeof counterOf>[0] }) => counterOf(node.registry, "breakwater_redis_up", {});

describe("when Redis goes", () => {
  it("killed and come back empty: rounds are made up for in order, and gateways read on", async () => {
    const { settings, redis } = await open.redis();
    const members = open.nodes(settings);
    const gateway = open.gateway(settings);
    for (const round of span(1, 5)) for (const member of members) member.certify(round);
    members[0]?.say(paperOf("{}"));
    await until("the first are heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).length === 5));
    await redis.kill();
    // More than any publisher queues.
    for (const round of span(6, 140)) for (const member of members) member.certify(round);
    await until(
      "it is seen to be away",
      async () => !gateway.reader.isUp() && (await Promise.all(members.map(isUp))).every((up) => up === 0),
    );
    await redis.start();
    await until("the newest is heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).includes(140)));
    for (const [index] of WRITERS.entries()) expect(lengthOf(redis, index)).toBe(140);
    for (const writer of WRITERS) expect(new Set(gateway.roundsOf(writer))).toEqual(new Set(span(1, 140)));
    expect(redis.cli("xlen", streamKeys(NETWORK, writerOf(0)).papers)).toBe("1");
    for (const member of members) {
      member.certify(141);
      expect(await isUp(member)).toBe(1);
      expect(await member.count("dropped")).toBeGreaterThan(50);
    }
    await until("what comes then is heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).at(-1) === 141));
    expect(gateway.reader.isUp()).toBe(true);
    // It is one connection's loss, not each member's.
    expect(gateway.log.lines.filter(({ message }) => message.includes("cannot be read"))).toEqual([]);
  });

  it("killed and come back with what it had: nothing is appended twice", async () => {
    const { settings, redis } = await open.redis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    const member = open.node(settings, 0);
    for (const round of span(1, 30)) member.certify(round);
    await until("they are there", () => lengthOf(redis, 0) === 30);
    await redis.kill();
    for (const round of span(31, 40)) member.certify(round);
    await redis.start();
    await until("what was missed is there", () => lengthOf(redis, 0) === 40);
    member.certify(41);
    await until("and what comes", () => lengthOf(redis, 0) === 41);
    const gateway = open.gateway(settings);
    await until("all is heard", () => gateway.roundsOf(writerOf(0)).length === 41);
    expect(gateway.roundsOf(writerOf(0))).toEqual(span(1, 41));
  });

  it("come back without its last entries: they are made up for before anything new comes", async () => {
    const { settings, redis } = await open.redis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    const [disk, older] = [join(redis.folder, "appendonlydir"), join(redis.folder, "older")];
    const member = open.node(settings, 0);
    const gateway = open.gateway(settings);
    for (const round of span(1, 20)) member.certify(round);
    await until("the first are there", () => lengthOf(redis, 0) === 20);
    cpSync(disk, older, { recursive: true });
    for (const round of span(21, 30)) member.certify(round);
    await until("the rest is there", () => lengthOf(redis, 0) === 30);
    const before = await member.count("late");
    await redis.kill();
    rmSync(disk, { recursive: true });
    cpSync(older, disk, { recursive: true });
    await redis.start();
    await until("the rest is made up for", () => lengthOf(redis, 0) === 30);
    await until("each of them once", async () => (await member.count("late")) - before === 10);
    expect(lengthOf(redis, 0)).toBe(30);
    await until("all is heard", () => new Set(gateway.roundsOf(writerOf(0))).size === 30);
  });

  it("not there yet when node and gateway start: both begin once it is", async () => {
    const { settings, redis } = await open.redis();
    await redis.kill();
    const member = open.node(settings, 0);
    for (const round of span(1, 10)) member.keep(round);
    const gateway = open.gateway(settings);
    member.certify(11);
    await sleep(300);
    expect(gateway.reader.isUp()).toBe(false);
    await redis.start();
    await until("all is heard", () => gateway.roundsOf(writerOf(0)).length === 11);
    expect(gateway.roundsOf(writerOf(0))).toEqual(span(1, 11));
    const messages = [...member.log.lines, ...gateway.log.lines].map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringContaining("check that it runs"));
    expect(messages).toContain("Redis is back");
  });

  it("flushed under open connections: the stream is filled again and read again", async () => {
    const { settings, redis } = await open.redis();
    const member = open.node(settings, 0);
    const gateway = open.gateway(settings);
    member.say(paperOf("{}"));
    for (const round of span(1, 20)) member.certify(round);
    await until("all is heard", () => gateway.roundsOf(writerOf(0)).length === 20);
    redis.cli("flushall");
    member.certify(21);
    await until("the stream is whole", () => lengthOf(redis, 0) === 21);
    await until("the newest is heard", () => gateway.roundsOf(writerOf(0)).includes(21));
    expect(redis.cli("xlen", streamKeys(NETWORK, writerOf(0)).papers)).toBe("1");
    const late = open.gateway(settings);
    await until("a new gateway hears all", () => late.roundsOf(writerOf(0)).length === 21);
    expect(late.roundsOf(writerOf(0))).toEqual(span(1, 21));
  });

  it("hung with its sockets open: nobody waits for it, and both go on when it answers", async () => {
    const { settings, redis } = await open.redis();
    const member = open.node(settings, 0);
    const gateway = open.gateway(settings);
    member.certify(1);
    await until("the round is heard", () => gateway.roundsOf(writerOf(0)).length === 1);
    redis.freeze();
    const began = performance.now();
    for (const round of span(2, 200)) member.certify(round);
    expect(performance.now() - began).toBeLessThan(200);
    await sleep(200);
    redis.thaw();
    await until("the newest is heard", () => gateway.roundsOf(writerOf(0)).includes(200));
    expect(gateway.roundsOf(writerOf(0))).toEqual(span(1, 200));
  });
});
