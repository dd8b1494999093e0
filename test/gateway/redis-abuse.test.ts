import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { FIRST_ID, LAST_ID, MAX_ENTRY_BYTES } from "../../gateway/redis-entries.ts";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { BACK_SCRIPT, READ_SCRIPT } from "../../gateway/redis-scripts.ts";
import { until } from "../support/redis.ts";
import { entryOf, NETWORK, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";
import { closing, lengthOf } from "./redis-open.ts";

const open = closing();
const [, ...HONEST] = WRITERS;
const LIAR = writerOf(0);
const ROUNDS = streamKeys(NETWORK, LIAR).rounds;
const PAPERS = streamKeys(NETWORK, LIAR).papers;

/** Whoever holds a member's password, at work on that member's streams. */
function liar(port: number) {
  const client = new Redis({ host: "127.0.0.1", port });
  open.later(() => client.disconnect());
  return client;
}

/** A round's fields with this body. */
function fieldsOf(round: number, body: Uint8Array): readonly (string | Buffer)[] {
  const { digest, certificate } = entryOf(round);
  return ["d", digest, "c", Buffer.from(certificate), "b", Buffer.from(body)];
}

describe("a member who floods its streams", () => {
  it("delays nobody else's rounds by a second: 10 000 entries of garbage, and large ones without end", async () => {
    const { settings, redis } = await open.redis();
    const nodes = [1, 2, 3].map((index) => open.node(settings, index));
    const client = liar(redis.port);
    const garbage = client.pipeline();
    for (let index = 0; index < 5_000; index++) garbage.xadd(ROUNDS, "*", "x", "y").xadd(PAPERS, "*", "k", "evidence", "v", "{");
    await garbage.exec();
    const gateway = open.gateway(settings);
    const openedAt = performance.now();
    const large = Buffer.alloc(30_000_000);
    const pushed: Promise<unknown>[] = [];
    for (const round of span(1, 10)) {
      pushed.push(client.xadd(ROUNDS, "*", ...fieldsOf(round, large)));
      const certifiedAt = performance.now();
      for (const node of nodes) node.certify(round);
      await until("the others' round is heard", () => HONEST.every((writer) => gateway.roundsOf(writer).includes(round)));
      expect(performance.now() - certifiedAt).toBeLessThan(1_000);
    }
    await Promise.all(pushed);
    for (const writer of HONEST) expect(gateway.roundsOf(writer)).toEqual(span(1, 10));
    // The liar's own share, a thousand entries and its backfill and then a hundred a second, is used up: the reader rests.
    await sleep(1_000);
    const shareOf = (seconds: number): number => 2_024 + 100 * seconds;
    expect(gateway.papersOf(LIAR).length).toBeGreaterThan(1_000);
    expect(gateway.papersOf(LIAR).length).toBeLessThan(shareOf((performance.now() - openedAt) / 1_000) + 32);
    expect(gateway.roundsOf(LIAR)).toEqual([]);
  });

  it("has what is no entry counted and passed over, and its next round heard", async () => {
    const { settings, redis } = await open.redis();
    const client = liar(redis.port);
    await client.xadd(ROUNDS, "*", "x", "y");
    await client.xadd(ROUNDS, "*", "d", "0x12", "c", "", "b", "");
    await client.xadd(ROUNDS, "*", ...span(1, 40).map(String));
    await client.xadd(PAPERS, "*", "k", "round", "v", "x");
    await client.xadd(ROUNDS, "*", ...fieldsOf(7, Buffer.from("short")));
    const gateway = open.gateway(settings);
    await until("the last is heard", () => gateway.roundsOf(LIAR).length === 1);
    expect(gateway.roundsOf(LIAR)).toEqual([7]);
    expect(await gateway.count(LIAR, "malformed")).toBe(3);
    expect(await gateway.count(LIAR, "too-large")).toBe(1);
  });

  it("makes no gateway take in an entry above the bound", async () => {
    const { settings, redis } = await open.redis();
    const client = liar(redis.port);
    await client.xadd(ROUNDS, "*", ...fieldsOf(1, Buffer.alloc(MAX_ENTRY_BYTES)));
    await client.xadd(ROUNDS, "*", ...fieldsOf(2, Buffer.from("short")));
    const gateway = open.gateway(settings);
    await until("it is passed over", async () => (await gateway.count(LIAR, "too-large")) === 1);
    await until("what comes after it is heard", () => gateway.roundsOf(LIAR).length === 1);
    expect(gateway.roundsOf(LIAR)).toEqual([2]);
    const sent = Number(/total_net_output_bytes:(\d+)/.exec(redis.cli("info", "stats"))?.[1]);
    expect(sent).toBeLessThan(1_000_000);
  });
});

describe("what a script looks at in one call, while Redis does nothing else,", () => {
  it.each([
    ["large entries", () => [Buffer.from("x"), Buffer.alloc(2_000_000)]],
    ["entries of very many parts", () => Array.from({ length: 20_000 }, () => "x")],
  ])("ends after the first of %s", async (_, parts) => {
    const { redis } = await open.redis();
    const client = liar(redis.port);
    for (let count = 0; count < 5; count++) await client.xadd(ROUNDS, "*", ...parts());
    const bounds = [32, 1_048_576, 1_500_000, 6];
    const read = await client.eval_ro(READ_SCRIPT, 2, PAPERS, ROUNDS, FIRST_ID, FIRST_ID, ...bounds);
    expect(read).toEqual([[], [[expect.any(String), expect.any(Number)]]]);
    expect(await client.eval_ro(BACK_SCRIPT, 1, ROUNDS, "+", 64, 1_048_576)).toEqual([expect.any(String), 1]);
  });
});

describe("a member's stream that is bricked by the last possible id", () => {
  it("harms no other, and is begun anew by its own node", async () => {
    const { settings, redis } = await open.redis();
    const [own, other] = [open.node(settings, 0), open.node(settings, 1)];
    const gateway = open.gateway(settings);
    for (const round of span(1, 5)) for (const node of [own, other]) node.certify(round);
    await until("both are heard", () => [LIAR, writerOf(1)].every((writer) => gateway.roundsOf(writer).length === 5));
    await liar(redis.port).xadd(ROUNDS, LAST_ID, "x", "y");
    await until("the forgery is passed over", async () => (await gateway.count(LIAR, "malformed")) === 1);
    for (const node of [own, other]) node.certify(6);
    await until("the other is heard", () => gateway.roundsOf(writerOf(1)).includes(6), 1_000);
    await until("the stream is whole again", () => lengthOf(redis, 0) === 6);
    await until("and heard again", () => gateway.roundsOf(LIAR).includes(6));
    expect(await own.count("restarted")).toBe(1);
    expect(own.log.lines.map(({ message }) => message)).toContainEqual(
      expect.stringContaining("somebody else may hold its password"),
    );
    own.certify(7);
    await until("what comes is heard", () => gateway.roundsOf(LIAR).at(-1) === 7);
  });

  it("is followed past an id of the far future", async () => {
    const { settings, redis } = await open.redis();
    const own = open.node(settings, 0);
    const gateway = open.gateway(settings);
    own.certify(1);
    await until("it is heard", () => gateway.roundsOf(LIAR).length === 1);
    await liar(redis.port).xadd(ROUNDS, "9999999999999999-7", "x", "y");
    own.certify(2);
    await until("what comes is heard", () => gateway.roundsOf(LIAR).length === 2);
    expect(await own.count("restarted")).toBe(0);
  });

  it("is begun anew when its key is no stream any more", async () => {
    const { settings, redis } = await open.redis();
    const [own, other] = [open.node(settings, 0), open.node(settings, 1)];
    const gateway = open.gateway(settings);
    own.say(paperOf("{}"));
    own.certify(1);
    await until("it is heard", () => gateway.roundsOf(LIAR).length === 1);
    redis.cli("set", ROUNDS, "x");
    for (const node of [own, other]) node.certify(2);
    await until("both are heard", () => [LIAR, writerOf(1)].every((writer) => gateway.roundsOf(writer).includes(2)));
    expect(await own.count("restarted")).toBe(1);
    expect(redis.cli("xlen", PAPERS)).toBe("1");
  });
});
