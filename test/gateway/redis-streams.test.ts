import { afterEach, describe, expect, it } from "vitest";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { startRedis, type TestRedis, until } from "../support/redis.ts";
import { NETWORK, openReader, openWriter, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});

async function redisOf(...args: Parameters<typeof startRedis>) {
  const redis = await startRedis(...args);
  open.push(redis.stop);
  return { redis, settings: { url: `redis://127.0.0.1:${redis.port}` } };
}

function nodes(settings: { url: string }, options?: { rounds: number }) {
  const all = WRITERS.map((writer) => openWriter(settings, writer, options));
  open.push(async () => void (await Promise.all(all.map(({ publisher }) => publisher.stop()))));
  return all;
}

function gateway(...args: Parameters<typeof openReader>) {
  const reader = openReader(...args);
  open.push(reader.reader.stop);
  return reader;
}

const lengthOf = (redis: TestRedis, index: number): number =>
  Number(redis.cli("xlen", streamKeys(NETWORK, writerOf(index)).rounds));

describe("members' streams in one Redis", () => {
  it("carry every round and paper of every writer once, in order", async () => {
    const { settings } = await redisOf();
    const members = nodes(settings);
    const reader = gateway(settings);
    members[0]?.say(paperOf("{}"));
    for (const round of span(1, 20)) for (const member of members) member.certify(round);
    await until("all is heard", () => WRITERS.every((writer) => reader.roundsOf(writer).length >= 20));
    for (const writer of WRITERS) expect(reader.roundsOf(writer)).toEqual(span(1, 20));
    expect(reader.papersOf(writerOf(0))).toEqual(["{}"]);
    expect(reader.reader.isUp()).toBe(true);
    expect(reader.log.lines).toEqual([]);
  });

  it("begin, for a gateway that comes later, with papers and the newest rounds", async () => {
    const { settings, redis } = await redisOf();
    const [member] = nodes(settings);
    for (const round of span(1, 150)) member?.certify(round);
    member?.say(paperOf("{}"));
    await until("all is there", () => lengthOf(redis, 0) === 150);
    const reader = gateway(settings, { backfill: 70 });
    await until("the newest is heard", () => reader.roundsOf(writerOf(0)).includes(150));
    expect(reader.roundsOf(writerOf(0))).toEqual(span(81, 150));
    expect(reader.heard[0]?.entry.kind).toBe("evidence");
  });
});
