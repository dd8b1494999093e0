import { describe, expect, test } from "vitest";
import { parseGatewayConfig } from "../../gateway/gateway-config.ts";

const LEAST = { network: "network.yaml", api: { port: 8080 }, follow: { http: ["http://10.0.0.1:8081"] } };

describe("gateway.yaml", () => {
  test("the least of it, defaults filled in", () => {
    expect(parseGatewayConfig(LEAST)).toEqual({
      ok: true,
      value: {
        network: "network.yaml",
        api: { host: "127.0.0.1", port: 8_080, requestsPerMinute: 3_000, streamsPerAddress: 100, trustProxy: [], cors: "*" },
        follow: { http: [{ url: "http://10.0.0.1:8081" }] },
        forward: [],
        storage: { rounds: 3_600, bodies: 3_600 },
        limits: { redis: false },
        logLevel: "info",
      },
    });
  });

  test("with a path a week of rounds is kept", () => {
    const parsed = parseGatewayConfig({ ...LEAST, storage: { path: "store.sqlite" } });
    expect(parsed).toMatchObject({ value: { storage: { path: "store.sqlite", rounds: 604_800, bodies: 172_800 } } });
  });

  test("no more bodies than rounds", () => {
    expect(parseGatewayConfig({ ...LEAST, storage: { path: "s", rounds: 100 } })).toMatchObject({
      value: { storage: { rounds: 100, bodies: 100 } },
    });
  });

  test("a Redis alone is enough, and may count requests", () => {
    const redis = { url: "rediss+cluster://10.0.0.1:6379,10.0.0.2:6379", username: "gateway", passwordFile: "secret" };
    expect(parseGatewayConfig({ ...LEAST, follow: { redis }, limits: { redis: true } })).toMatchObject({ ok: true });
  });

  test("what asks for an API key is named with the file that holds it", () => {
    const keyed = { url: "https://edge.example", keyFile: "edge.key" };
    expect(parseGatewayConfig({ ...LEAST, follow: { http: [keyed, "http://10.0.0.1:8081"] }, forward: [keyed] })).toMatchObject({
      value: { follow: { http: [keyed, { url: "http://10.0.0.1:8081" }] }, forward: [keyed] },
    });
  });

  test("proxies are addresses and ranges", () => {
    const trustProxy = ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"];
    expect(parseGatewayConfig({ ...LEAST, api: { port: 1, trustProxy } })).toMatchObject({ value: { api: { trustProxy } } });
  });

  test.each<[what: string, change: Record<string, unknown>, path: string, expected: string]>([
    ["nothing to follow", { follow: {} }, "follow", "expected redis, or at least one URL under http"],
    ["a URL twice", { follow: { http: ["http://a:1", "http://a:1"] } }, "follow.http", "expected every URL once"],
    [
      "a URL twice, with a key and without",
      { follow: { http: ["http://a:1", { url: "http://a:1", keyFile: "k" }] } },
      "follow.http",
      "expected every URL once",
    ],
    ["a key where its file belongs", { forward: [{ url: "http://a", key: "bw_" }] }, "forward[0].key", "no such key"],
    ["a key for nobody", { forward: [{ keyFile: "k" }] }, "forward[0]", "expected a URL, or { url, keyFile }"],
    ["another protocol, with a key", { forward: [{ url: "ftp://a", keyFile: "k" }] }, "forward[0].url", "http or https URL"],
    ["another protocol", { follow: { http: ["ftp://a"] } }, "follow.http[0]", "expected an http or https URL"],
    ["a password in a URL", { forward: ["http://u:p@a"] }, "forward[0]", "without user, query or fragment"],
    ["a query in a URL", { forward: ["http://a?x=1"] }, "forward[0]", "without user, query or fragment"],
    ["a Redis of another kind", { follow: { redis: { url: "http://a" } } }, "follow.redis.url", "expected redis://"],
    [
      "a password in a Redis URL",
      { follow: { redis: { url: "redis://gateway:hunter2@10.0.0.1" } } },
      "follow.redis.url",
      "expected no user or password in url",
    ],
    ["proxies by mere word", { api: { port: 1, trustProxy: true } }, "api.trustProxy", "expected"],
    [
      "a proxy by its name",
      { api: { port: 1, trustProxy: ["nginx"] } },
      "api.trustProxy[0]",
      "expected a proxy's address or range",
    ],
    ["everybody as a proxy", { api: { port: 1, trustProxy: ["::/0"] } }, "api.trustProxy[0]", "not everybody's"],
    [
      "rounds in a Redis it only reads",
      { follow: { redis: { url: "redis://a", rounds: 9 } } },
      "follow.redis.rounds",
      "no such key",
    ],
    ["counting in no Redis", { limits: { redis: true } }, "limits.redis", "expected false without follow.redis"],
    ["a day and more in memory", { storage: { rounds: 90_000 } }, "storage", "expected a path for more than 86400 rounds"],
    [
      "an origin with a path",
      { api: { port: 1, cors: ["https://a/b"] } },
      "api.cors[0]",
      "expected an origin such as https://app.example.org",
    ],
    ["no port", { api: {} }, "api.port", "missing: expected"],
    ["a key that is none", { keys: "keys.json" }, "keys", "expected no such key"],
  ])("refused, and named: %s", (_, change, path, expected) => {
    const parsed = parseGatewayConfig({ ...LEAST, ...change });
    if (parsed.ok) throw new Error("expected a refusal");
    expect(parsed.error).toEqual([{ path, expected: expect.stringContaining(expected) }]);
  });
});
