import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "../../gateway/redis-url.ts";

const host = (name: string, port: number) => ({ host: name, port });

describe("a Redis URL", () => {
  it.each([
    ["redis://127.0.0.1:7000", { kind: "single", tls: false, hosts: [host("127.0.0.1", 7_000)] }],
    ["redis://redis", { kind: "single", tls: false, hosts: [host("redis", 6_379)] }],
    ["rediss://redis.example.org:1/", { kind: "single", tls: true, hosts: [host("redis.example.org", 1)] }],
    ["redis://[::1]:65535", { kind: "single", tls: false, hosts: [host("::1", 65_535)] }],
    [
      "redis+sentinel://a,b:7000/main",
      { kind: "sentinel", tls: false, hosts: [host("a", 26_379), host("b", 7_000)], master: "main" },
    ],
    ["rediss+sentinel://a/main", { kind: "sentinel", tls: true, hosts: [host("a", 26_379)], master: "main" }],
    ["redis+cluster://a:1,b:2,c", { kind: "cluster", tls: false, hosts: [host("a", 1), host("b", 2), host("c", 6_379)] }],
    ["rediss+cluster://a", { kind: "cluster", tls: true, hosts: [host("a", 6_379)] }],
  ])("%s", (url, target) => {
    expect(parseRedisUrl(url)).toEqual({ ok: true, value: target });
  });

  it.each([
    ["http://redis", "expected redis://"],
    ["redis:redis", "expected redis://"],
    [`redis://${"a".repeat(3_000)}`, "expected redis://"],
    ["redis://node0:secret@redis", "username and passwordFile"],
    ["redis+cluster://a,:secret@b", "username and passwordFile"],
    ["redis://redis?password=secret", "no query"],
    ["redis://redis#secret", "no query"],
    ["redis://", "1 to 16 hosts"],
    ["redis://red is", "1 to 16 hosts"],
    ["redis://redis:0", "1 to 16 hosts"],
    ["redis://redis:65536", "1 to 16 hosts"],
    ["redis+cluster://a,,b", "1 to 16 hosts"],
    [`redis+cluster://${Array(17).fill("a").join(",")}`, "1 to 16 hosts"],
    ["redis://a,b", "one host"],
    ["redis://redis/3", "no path"],
    ["redis+cluster://a/name", "no path"],
    ["redis+sentinel://a", "the master's name"],
    ["redis+sentinel://a/two/names", "the master's name"],
  ])("%s is refused, and not repeated", (url, expected) => {
    const parsed = parseRedisUrl(url);
    expect(parsed).toEqual({ ok: false, error: expect.stringContaining(expected) });
    expect(JSON.stringify(parsed)).not.toContain("secret");
  });
});
