import { describe, expect, test } from "vitest";
import { parseNodeConfig, undeclaredChains } from "../../node/node-config.ts";
import { DEFAULT_RETENTION } from "../../node/store.ts";
import { testNetwork } from "../support/network.ts";

const BASE = {
  network: "network.yaml",
  key: { file: "key.json" },
  listen: ["/ip4/127.0.0.1/tcp/9000"],
  api: { port: 8080 },
  storage: { path: "store.sqlite" },
};
const URLS = ["https://a.example/v3/secret-key", "https://b.example", "https://c.example?key=secret-key"];

test("a node keeps bodies for as long as a config's replay goes back, and a day more to sign it in", () => {
  const { governance, roundMs } = testNetwork().config;
  const parsed = parseNodeConfig(BASE);
  const kept = parsed.ok ? parsed.value.storage.bodies : 0;
  expect(kept).toBe(DEFAULT_RETENTION.bodies);
  expect((kept - governance.replayRounds) * roundMs).toBeGreaterThanOrEqual(86_400_000);
});

describe("rpc endpoints of node.yaml", () => {
  test("none by default, none of a chain, or three and more of it", () => {
    expect(parseNodeConfig(BASE)).toMatchObject({ ok: true, value: { rpc: {} } });
    expect(parseNodeConfig({ ...BASE, rpc: { ETHEREUM: [], BASE: URLS } })).toMatchObject({
      ok: true,
      value: { rpc: { BASE: URLS } },
    });
  });

  const rows: readonly (readonly [name: string, rpc: unknown, path: string])[] = [
    ["one", { ETHEREUM: URLS.slice(0, 1) }, "rpc.ETHEREUM"],
    ["two", { ETHEREUM: URLS.slice(0, 2) }, "rpc.ETHEREUM"],
    ["the same one three times", { ETHEREUM: [URLS[0], URLS[0], URLS[0]] }, "rpc.ETHEREUM"],
    ["one of them twice", { ETHEREUM: [...URLS, URLS[0]] }, "rpc.ETHEREUM"],
    ["too many", { ETHEREUM: Array.from({ length: 17 }, (_, index) => `https://${index}.example`) }, "rpc.ETHEREUM"],
    ["another protocol", { ETHEREUM: ["ws://a.example/secret-key", ...URLS] }, "rpc.ETHEREUM[0]"],
    ["no list", { ETHEREUM: URLS[0] }, "rpc.ETHEREUM"],
    ["no chain's name", { ethereum: URLS }, "rpc.ethereum"],
  ];
  test.each(rows)("%s: refused at its place, and no key is repeated", (_, rpc, path) => {
    const parsed = parseNodeConfig({ ...BASE, rpc });
    expect(parsed).toMatchObject({ ok: false, error: [{ path }] });
    expect(JSON.stringify(parsed)).not.toContain("secret-key");
  });

  test("a chain that the network does not declare is named", () => {
    const { config } = testNetwork({ chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] });
    const check = (rpc: Record<string, string[]>) => {
      const parsed = parseNodeConfig({ ...BASE, rpc });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      return undeclaredChains(parsed.value, config);
    };
    expect(check({ ETHEREUM: URLS })).toEqual([]);
    expect(check({ ETHEREUM: URLS, BASE: URLS })).toEqual(["BASE"]);
  });
});

describe("redis of node.yaml", () => {
  const withUrl = (url: string) => parseNodeConfig({ ...BASE, redis: { url } });

  test.each([
    "redis://127.0.0.1:6379",
    "rediss://redis.example.org",
    "redis+sentinel://a:26379,b:26379/main",
    "rediss+sentinel://a/main",
    "redis+cluster://a:1,b:2,c:3",
    "rediss+cluster://a",
  ])("%s", (url) => {
    expect(withUrl(url)).toMatchObject({ ok: true, value: { redis: { url, rounds: 3_600 } } });
  });

  test.each([
    ["http://redis", "expected a redis URL"],
    ["redis:", "expected a redis URL"],
    ["redis://red is", "expected a redis URL"],
    ["redis://node0:secret-key@redis", "username and passwordFile"],
  ])("%s is refused, and no password is repeated", (url, expected) => {
    const parsed = withUrl(url);
    expect(parsed).toMatchObject({ ok: false, error: [{ path: "redis.url", expected: expect.stringContaining(expected) }] });
    expect(JSON.stringify(parsed)).not.toContain("secret-key");
  });
});
