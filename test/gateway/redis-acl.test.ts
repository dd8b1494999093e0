import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { Registry } from "prom-client";
import { afterAll, describe, expect, it } from "vitest";
import { createRedisLimits } from "../../gateway/io/redis-limits.ts";
import { redisAcl } from "../../gateway/redis-acl.ts";
import { streamKeys } from "../../gateway/redis-keys.ts";
import { makeCertificates, until } from "../support/redis.ts";
import { counterOf, keptLog, NETWORK, openReader, paperOf, span, WRITERS, writerOf } from "./redis-logs.ts";
import { closing, lengthOf } from "./redis-open.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-redis-files-"));
const certificates = makeCertificates();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  certificates.remove();
});
const open = closing();

const USERS = ["node0", "node1", "node2", "node3", "gateway"];
const passwordOf = (username: string): string => `secret-of-${username}`;
const userOf = (username: string) => ({
  username,
  passwordSha256: createHash("sha256").update(passwordOf(username)).digest("hex"),
});
const ACL = redisAcl({
  network: NETWORK,
  nodes: WRITERS.map((address, index) => ({ ...userOf(`node${index}`), address })),
  gateways: [userOf("gateway")],
});

function settingsOf(port: number, username: string, scheme = "redis") {
  const passwordFile = join(folder, username);
  writeFileSync(passwordFile, `${passwordOf(username)}\n`);
  return { url: `${scheme}://127.0.0.1:${port}`, username, passwordFile };
}

describe("users of a network's Redis", () => {
  it("nodes publish, gateways follow and count, each with no more than its own rights", async () => {
    const { redis } = await open.redis({ acl: ACL });
    const nodes = WRITERS.map((_, index) => open.node(settingsOf(redis.port, `node${index}`), index));
    const gateway = open.gateway(settingsOf(redis.port, "gateway"));
    nodes[0]?.say(paperOf("{}"));
    for (const round of span(1, 5)) for (const node of nodes) node.certify(round);
    await until("all is heard", () => WRITERS.every((writer) => gateway.roundsOf(writer).length === 5));
    // Every command that a writer ever needs: its stream is begun anew as well.
    redis.cli("xadd", streamKeys(NETWORK, writerOf(0)).rounds, "18446744073709551615-18446744073709551615", "x", "y");
    nodes[0]?.certify(6);
    await until("the stream is begun anew", () => lengthOf(redis, 0) === 6);
    const registry = new Registry();
    const limits = createRedisLimits({
      settings: settingsOf(redis.port, "gateway"),
      ...{ network: NETWORK, log: keptLog(), registry },
    });
    open.later(limits.stop);
    await until("requests are counted", async () => {
      await limits.take("a", { max: 9, windowMs: 60_000 });
      return (await counterOf(registry, "breakwater_limits_redis_up", {})) === 1;
    });
    expect(redis.cli("acl", "log")).toBe("");
  });

  const own = streamKeys(NETWORK, writerOf(0));
  const others = streamKeys(NETWORK, writerOf(1));
  const REFUSED: readonly (readonly [user: string, command: string, args: readonly string[]])[] = [
    ["node0", "xadd", [others.rounds, "*", "x", "y"]],
    ["node0", "xadd", [others.papers, "*", "x", "y"]],
    ["node0", "xrange", [others.rounds, "-", "+"]],
    ["node0", "unlink", [others.rounds]],
    ["node0", "set", [own.rounds, "x"]],
    ["node0", "eval", ["return redis.call('XADD', KEYS[1], '*', 'x', 'y')", "1", others.rounds]],
    ["node0", "flushall", []],
    ["node0", "config", ["get", "*"]],
    ["node0", "acl", ["list"]],
    ["node0", "keys", ["*"]],
    ["node0", "info", []],
    ["node0", "publish", ["channel", "x"]],
    ["gateway", "xadd", [own.rounds, "*", "x", "y"]],
    ["gateway", "unlink", [own.rounds]],
    ["gateway", "eval", ["return redis.call('UNLINK', KEYS[1])", "1", own.rounds]],
    ["gateway", "eval_ro", ["return redis.call('XADD', KEYS[1], '*', 'x', 'y')", "1", own.rounds]],
    ["gateway", "incr", ["breakwater:{other:limits}:x"]],
    // Commands that it has, on keys that it may only read: an expiry would end a member's stream.
    ...[own.rounds, own.papers].flatMap((key) => [
      ["gateway", "incr", [key]] as const,
      ["gateway", "pexpire", [key, "1"]] as const,
    ]),
    ["gateway", "flushall", []],
    ["gateway", "config", ["get", "*"]],
    ["gateway", "keys", ["*"]],
  ];
  it("may do nothing else", async () => {
    const { redis } = await open.redis({ acl: ACL });
    const clients = new Map(
      USERS.map((username) => [
        username,
        new Redis({ port: redis.port, username, password: passwordOf(username), enableReadyCheck: false }),
      ]),
    );
    for (const client of clients.values()) open.later(() => client.disconnect());
    for (const [username, command, args] of REFUSED) {
      const answer = clients.get(username)?.call(command, ...args);
      await expect(answer, `${username} ${command}`).rejects.toThrow(/NOPERM|No permissions|can't run this command/i);
    }
    expect(redis.cli("dbsize")).toBe("0");
  });

  it("are nobody without a password", async () => {
    const { redis, settings } = await open.redis({ acl: ACL });
    const gateway = open.gateway(settings);
    await until("it is said", () => gateway.log.lines.some((line) => JSON.stringify(line).includes("NOAUTH")));
    expect(gateway.reader.isUp()).toBe(false);
    expect(redis.cli("dbsize")).toBe("0");
  });

  it.each([
    ["a space in a name", { network: "a b", nodes: [], gateways: [] }],
    ["a glob in a name", { network: "*", nodes: [], gateways: [] }],
    ["a user's name that says more", { network: "a", nodes: [], gateways: [{ ...userOf("x"), username: "x +@all" }] }],
    ["the default user", { network: "a", nodes: [], gateways: [userOf("default")] }],
    ["a user twice", { network: "a", nodes: [{ ...userOf("x"), address: writerOf(0) }], gateways: [userOf("x")] }],
    ["a password instead of its digest", { network: "a", nodes: [], gateways: [{ username: "x", passwordSha256: "secret" }] }],
  ])("%s is refused", (_, network) => {
    expect(() => redisAcl(network)).toThrow(RangeError);
  });
});

describe("passwords and certificates", () => {
  it("a wrong password is said, and neither password nor command is in any line", async () => {
    const { redis } = await open.redis({ acl: ACL });
    const settings = settingsOf(redis.port, "gateway");
    writeFileSync(settings.passwordFile, "secret-mistyped");
    const [gateway, node] = [open.gateway(settings), open.node(settings, 0)];
    node.certify(1);
    const lines = () =>
      JSON.stringify([gateway.log.lines, node.log.lines], (_, value: unknown) =>
        value instanceof Error ? { ...value, message: value.message } : value,
      );
    await until("it is said", () => lines().includes("WRONGPASS"));
    expect(lines()).toContain("redis.passwordFile");
    expect(lines()).not.toMatch(/secret-|auth/i);
  });

  it("TLS is spoken, the server's certificate checked", async () => {
    const { redis } = await open.redis({ acl: ACL, tls: certificates });
    const safe = (username: string) => ({ ...settingsOf(redis.port, username, "rediss"), caFile: certificates.ca });
    const node = open.node(safe("node0"), 0);
    const gateway = open.gateway(safe("gateway"));
    node.certify(1);
    await until("the round is heard", () => gateway.roundsOf(writerOf(0)).length === 1);
    const careless = open.gateway(settingsOf(redis.port, "gateway", "rediss"));
    await until("the authority is unknown", () => JSON.stringify(careless.log.lines).includes("certificate"));
    expect(careless.reader.isUp()).toBe(false);
    expect(careless.heard).toEqual([]);
  });

  it.each([
    ["a password in the URL", { url: "redis://gateway:secret-x@127.0.0.1:1" }, "username and passwordFile"],
    ["a username alone", { url: "redis://127.0.0.1:1", username: "gateway" }, "redis.passwordFile"],
    ["a password file that is not there", { url: "redis://127.0.0.1:1", passwordFile: "/nowhere" }, "redis.passwordFile"],
    ["an authority without TLS", { url: "redis://127.0.0.1:1", caFile: "/nowhere" }, "redis.url"],
    ["an authority that is not there", { url: "rediss://127.0.0.1:1", caFile: "/nowhere" }, "redis.caFile"],
  ])("%s is refused at once, by its field", (_, settings, expected) => {
    expect(() => openReader(settings)).toThrow(expect.objectContaining({ message: expect.stringContaining(expected) }));
    expect(() => openReader(settings)).not.toThrow(/secret-x/);
  });
});
