import { describe, expect, it } from "vitest";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { until } from "../support/redis.ts";
import { NETWORK, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";
import { closing, lengthOf } from "./redis-open.ts";

const open = closing();

describe("members' streams in one Redis", () => {
  it("carry every round and paper of every writer once, in order", async () => {
    const { settings } = await open.redis();
    const members = open.nodes(settings);
    const gateway = open.gateway(settings);
    members[0]?.say(paperOf("{}"));
    for (const round of span(1, 20)) for (const member of members) member.certify(round);
    await until("all is heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).length >= 20));
    for (const writer of WRITERS) expect(gateway.roundsOf(writer)).toEqual(span(1, 20));
    expect(gateway.papersOf(writerOf(0))).toEqual(["{}"]);
    expect(gateway.reader.isUp()).toBe(true);
    expect(gateway.log.lines).toEqual([]);
  });

  it("begin, for a gateway that comes later, with papers and the newest rounds", async () => {
    const { settings, redis } = await open.redis();
    const member = open.node(settings, 0);
    for (const round of span(1, 150)) member.certify(round);
    member.say(paperOf("{}"));
    await until("all is there", () => lengthOf(redis, 0) === 150);
    const gateway = open.gateway(settings, { backfill: 70 });
    await until("the newest is heard", () => gateway.roundsOf(writerOf(0)).includes(150));
    expect(gateway.roundsOf(writerOf(0))).toEqual(span(81, 150));
    expect(gateway.heard[0]?.entry.kind).toBe("evidence");
  });

  it("are cut to the rounds that they are to keep", async () => {
    const { settings, redis } = await open.redis();
    const member = open.node(settings, 0, { rounds: 60 });
    for (const round of span(1, 300)) member.certify(round);
    const gateway = open.gateway(settings);
    await until("the newest is heard", () => gateway.roundsOf(writerOf(0)).includes(300));
    // MAXLEN ~ cuts whole nodes of a hundred entries.
    expect(lengthOf(redis, 0)).toBeLessThan(170);
  });

  it("are followed while members come and go", async () => {
    const { settings } = await open.redis();
    const [first, second] = [open.node(settings, 0), open.node(settings, 1)];
    let writers = [writerOf(0)];
    const gateway = open.gateway(settings, { writers: () => writers });
    for (const node of [first, second]) node.certify(1);
    await until("the member is heard", () => gateway.roundsOf(writerOf(0)).length === 1);
    expect(gateway.roundsOf(writerOf(1))).toEqual([]);
    writers = [writerOf(1)];
    await until("the new member is heard", () => gateway.roundsOf(writerOf(1)).length === 1);
    first.certify(2);
    second.certify(2);
    await until("the new member is followed", () => gateway.roundsOf(writerOf(1)).length === 2);
    expect(gateway.roundsOf(writerOf(0))).toEqual([1]);
  });

  it("hold each paper once, however often its node starts", async () => {
    const { settings, redis } = await open.redis();
    const papers = streamKeys(NETWORK, writerOf(0)).papers;
    const first = open.node(settings, 0);
    for (const text of ["a", "b", "a"]) first.say(paperOf(text));
    first.certify(1);
    await until("the round is there", () => lengthOf(redis, 0) === 1);
    expect(redis.cli("xlen", papers)).toBe("2");
    await first.publisher.stop();
    const again = open.node(settings, 0);
    for (const text of ["a", "b", "c"]) again.say(paperOf(text));
    await until("the new paper is there", () => redis.cli("xlen", papers) === "3");
    again.certify(2);
    await until("the round is there", () => lengthOf(redis, 0) === 2);
    expect(redis.cli("xlen", papers)).toBe("3");
  });
});
