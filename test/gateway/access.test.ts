import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type AccessRules,
  accessSchema,
  addressBlock,
  apiKeyDigest,
  createAccess,
  formatApiKey,
  holdsKey,
  isApiKey,
  isOriginAllowed,
} from "../../gateway/access.ts";
import { createLocalLimits, type Limit, type RateLimits } from "../../gateway/limits.ts";
import { buildTestGateway } from "./support.ts";

const KEY = formatApiKey(new Uint8Array(32).fill(7));
const OTHER = formatApiKey(new Uint8Array(32).fill(8));
const alice = { name: "alice", sha256: apiKeyDigest(KEY), requestsPerMinute: 3, streams: 1 };
const rules = (required: boolean): AccessRules => ({ required, keys: [alice] });

describe("a key", () => {
  it("is bw_ and 32 bytes as base64url, and is kept as the SHA-256 of its text", () => {
    for (let trial = 0; trial < 50; trial++) {
      const bytes = randomBytes(32);
      const key = formatApiKey(bytes);
      expect(key).toBe(`bw_${bytes.toString("base64url")}`);
      expect(isApiKey(key)).toBe(true);
      expect(apiKeyDigest(key)).toBe(createHash("sha256").update(key).digest("hex"));
    }
    for (const text of ["", "bw_", KEY.slice(3), `${KEY}A`, KEY.slice(0, -1), `bw_${"+".repeat(43)}`])
      expect(isApiKey(text)).toBe(false);
  });

  it.each([
    ["nothing", {}, { kind: "address", id: "10.0.0.1" }],
    ["X-Api-Key", { "x-api-key": KEY }, { kind: "key", id: "key:alice", key: alice }],
    ["Bearer", { authorization: `Bearer ${KEY}` }, { kind: "key", id: "key:alice", key: alice }],
    ["bearer, as any case", { authorization: `bearer  ${KEY} ` }, { kind: "key", id: "key:alice", key: alice }],
    ["a proxy's own password", { authorization: "Basic dTpw" }, { kind: "address", id: "10.0.0.1" }],
    ["a key that was never given out", { "x-api-key": OTHER }, { kind: "refused", id: "10.0.0.1", code: "unknown-key" }],
    ["no key at all", { authorization: "Bearer eyJhbGciOi" }, { kind: "refused", id: "10.0.0.1", code: "unknown-key" }],
    ["the digest of a key", { "x-api-key": alice.sha256 }, { kind: "refused", id: "10.0.0.1", code: "unknown-key" }],
    ["two", { "x-api-key": [KEY, KEY] }, { kind: "refused", id: "10.0.0.1", code: "unknown-key" }],
  ])("shown as %s", (_, headers, expected) => {
    expect(createAccess(rules(false))(headers, "10.0.0.1")).toEqual(expected);
    const without = createAccess(rules(true))({}, "10.0.0.1");
    expect(without).toEqual({ kind: "refused", id: "10.0.0.1", code: "key-required" });
    expect(createAccess(undefined)(headers, "10.0.0.1")).toEqual({ kind: "address", id: "10.0.0.1" });
  });

  it.each(["key=x", "feeds=ETH-USD&api_key=x", "API-KEY=x", "access_token=x", "x-api-key=x", "token=", `feeds=${KEY}`])(
    "in a query is found: %s",
    (query) => expect(holdsKey(query)).toBe(true),
  );
  it.each(["feeds=ETH-USD", "monkey=1", "from=1&to=2", "ids=BW-USD,KEY-USD", ""])("no key is in %j", (query) => {
    expect(holdsKey(query)).toBe(false);
  });
});

describe("a keys file", () => {
  const faultOf = (input: unknown) => {
    const parsed = accessSchema.safeParse(input);
    return parsed.success
      ? undefined
      : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  };
  it("is strict, and asks for no key unless it says so", () => {
    expect(accessSchema.parse({ keys: [alice] })).toEqual({ required: false, keys: [alice] });
    expect(faultOf({ keys: [{ ...alice, key: KEY }] })).toContain("key");
    expect(faultOf({ keys: [{ ...alice, sha256: KEY }] })).toContain("64 lower-case hex");
    expect(faultOf({ keys: [{ ...alice, name: "Alice B" }] })).toContain("lower-case");
    expect(faultOf({ keys: [alice, { ...alice, name: "bob" }] })).toContain("every key once");
    expect(faultOf({ keys: [alice, { ...alice, sha256: apiKeyDigest(OTHER) }] })).toContain("every name once");
    expect(faultOf({ keys: [{ ...alice, requestsPerMinute: 0 }] })).toContain("requestsPerMinute");
  });
});

describe("addresses", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::9", "2001:db8:1:2"],
    ["2001:db8::9", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::", "fe80:0:0:0"],
    ["10.0.0.1:40123", "10.0.0.1"],
    ["[2001:db8:1:2::9]:40123", "2001:db8:1:2"],
  ])("%s is counted as %s", (address, block) => expect(addressBlock(address)).toBe(block));
});

describe("local counters", () => {
  it("allow so many a window, each caller his own, and begin again after it", () => {
    let now = 0;
    const take = createLocalLimits(() => now);
    const limit: Limit = { max: 2, windowMs: 1_000 };
    expect(take("a", limit)).toEqual({ allowed: true, remaining: 1, resetMs: 1_000 });
    now = 400;
    expect(take("a", limit)).toEqual({ allowed: true, remaining: 0, resetMs: 600 });
    expect(take("a", limit)).toEqual({ allowed: false, remaining: 0, resetMs: 600 });
    expect(take("b", limit).allowed).toBe(true);
    now = 1_000;
    expect(take("a", limit)).toEqual({ allowed: true, remaining: 1, resetMs: 1_000 });
    expect(take("c", { max: 0, windowMs: 1_000 }).allowed).toBe(false);
  });

  it("forget who was seen least recently, never who is seen all the time", () => {
    const take = createLocalLimits(() => 0, 4);
    const limit: Limit = { max: 1, windowMs: 1_000 };
    take("busy", limit);
    for (let stranger = 0; stranger < 20; stranger++) {
      take(`stranger ${stranger}`, limit);
      expect(take("busy", limit).allowed).toBe(false);
    }
    expect(take("stranger 0", limit).allowed).toBe(true);
  });
});

describe("a gateway with keys", () => {
  const ask = async (options: Parameters<typeof buildTestGateway>[0]) => {
    const { app } = await buildTestGateway(options);
    return (url: string, headers: Record<string, string> = {}, remoteAddress = "10.0.0.1") =>
      app.inject({ url, headers, remoteAddress });
  };

  it("counts a key's holder by his key wherever he asks from, and everybody else by address", async () => {
    const get = await ask({ access: rules(false), rateLimit: { max: 1, windowMs: 60_000 } });
    const statuses = async (headers: Record<string, string>, addresses: readonly string[]) => {
      const seen: number[] = [];
      for (const address of addresses) seen.push((await get("/v1/feeds", headers, address)).statusCode);
      return seen;
    };
    expect(await statuses({ "x-api-key": KEY }, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"])).toEqual([200, 200, 200, 429]);
    expect(await statuses({}, ["10.0.0.1", "10.0.0.1", "10.0.0.2"])).toEqual([200, 429, 200]);
    expect(await statuses({}, ["2001:db8::1", "2001:db8::2:3"])).toEqual([200, 429]);
    expect(await statuses({ "x-api-key": OTHER }, ["10.0.0.9", "10.0.0.9"])).toEqual([401, 429]);
  });

  it("behind proxies counts the last address that is none of theirs, whatever a client writes before it", async () => {
    const get = await ask({ trustProxy: ["10.0.0.0/8", "::1"], rateLimit: { max: 1, windowMs: 60_000 } });
    const from = async (forwarded: string, remoteAddress: string) =>
      (await get("/v1/feeds", { "x-forwarded-for": forwarded }, remoteAddress)).statusCode;
    expect(await from("203.0.113.1", "10.0.0.1")).toBe(200);
    expect(await from("198.51.100.1, 203.0.113.1, 10.0.0.2", "10.0.0.1")).toBe(429);
    expect(await from("198.51.100.2, 203.0.113.1:40123", "::1")).toBe(429);
    expect(await from("203.0.113.2", "10.0.0.1")).toBe(200);
    // Who comes past the proxies is counted by his own address, whatever he writes.
    expect(await from("203.0.113.3", "198.51.100.9")).toBe(200);
    expect(await from("203.0.113.4", "198.51.100.9")).toBe(429);
    const direct = await ask({ rateLimit: { max: 1, windowMs: 60_000 } });
    const claim = (forwarded: string) => direct("/v1/feeds", { "x-forwarded-for": forwarded });
    expect([(await claim("203.0.113.1")).statusCode, (await claim("203.0.113.2")).statusCode]).toEqual([200, 429]);
  });

  it("a refusal says when to come back, and counts by key or address", async () => {
    const { app, get, options } = await buildTestGateway({ access: rules(false), rateLimit: { max: 0, windowMs: 30_000 } });
    const reply = await get("/v1/feeds");
    expect([
      reply.status,
      reply.headers["retry-after"],
      reply.headers["ratelimit-reset"],
      reply.headers["ratelimit-remaining"],
    ]).toEqual([...[429, "30", "30", "0"]]);
    expect(reply.headers["access-control-expose-headers"]).toContain("ratelimit-reset");
    for (let i = 0; i < 4; i++) await app.inject({ url: "/v1/feeds", headers: { "x-api-key": KEY } });
    const metrics = await options.registry.metrics();
    expect(metrics).toContain('breakwater_rate_limited_total{by="address"} 1');
    expect(metrics).toContain('breakwater_rate_limited_total{by="key"} 1');
  });

  it("that asks for one opens nothing of /v1 without it, and keeps health, metrics and the documentation open", async () => {
    const get = await ask({ access: rules(true) });
    const none = await get("/v1/feeds/ETH-USD");
    expect([none.statusCode, none.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="breakwater"']);
    for (const url of ["/v1/stream?feeds=ETH-USD", "/v1/rounds/latest", "/v1/committee"])
      expect((await get(url)).statusCode).toBe(401);
    for (const url of ["/health/live", "/metrics", "/docs", "/openapi.json"]) expect((await get(url)).statusCode).toBe(200);
    const own = await get("/v1/feeds/ETH-USD", { authorization: `Bearer ${KEY}` });
    expect(own.statusCode).toBe(200);
    expect(own.headers["cache-control"]).toBe("private, max-age=1, must-revalidate");
    expect(own.headers.vary).toBe("Authorization, X-Api-Key");
  });

  it("never repeats a key that came in a query", async () => {
    const get = await ask({ access: rules(true) });
    const reply = await get(`/v1/feeds?api_key=${KEY}`, { "x-api-key": KEY });
    expect(reply.statusCode).toBe(400);
    expect(reply.body).not.toContain(KEY.slice(3));
  });

  it("routes that take documents count by themselves", async () => {
    const { app } = await buildTestGateway({ rateLimit: { max: 1, windowMs: 60_000 }, writes: { max: 1, windowMs: 60_000 } });
    const post = () => app.inject({ method: "POST", url: "/v1/breaker/pause", payload: { document: "0x00" } });
    expect([(await post()).statusCode, (await post()).statusCode]).toEqual([503, 429]);
    expect((await app.inject("/v1/feeds")).statusCode).toBe(200);
  });
});

describe("counters that gateways share", () => {
  it("are asked instead of its own, under the caller's name", async () => {
    const taken: [string, Limit][] = [];
    const limits: RateLimits = {
      take: (key, limit) => {
        taken.push([key, limit]);
        return Promise.resolve({ allowed: taken.length < 3, remaining: 0, resetMs: 1_500 });
      },
    };
    const { app } = await buildTestGateway({ access: rules(false), limits, rateLimit: { max: 9, windowMs: 60_000 } });
    const statuses: number[] = [];
    for (const headers of [{ "x-api-key": KEY }, {}, {}] as Record<string, string>[]) {
      const reply = await app.inject({ url: "/v1/feeds", headers, remoteAddress: "10.0.0.1" });
      statuses.push(reply.statusCode);
      if (reply.statusCode === 429) expect(reply.headers["retry-after"]).toBe("2");
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(taken).toEqual([
      ["key:alice", { max: 3, windowMs: 60_000 }],
      ["10.0.0.1", { max: 9, windowMs: 60_000 }],
      ["10.0.0.1", { max: 9, windowMs: 60_000 }],
    ]);
  });

  it("that fail leave this gateway's own", async () => {
    const limits: RateLimits = { take: () => Promise.reject(new Error("gone")) };
    const { get } = await buildTestGateway({ limits, rateLimit: { max: 1, windowMs: 60_000 } });
    expect([(await get("/v1/feeds")).status, (await get("/v1/feeds")).status]).toEqual([200, 429]);
  });
});

describe("origins", () => {
  it("are any, or those listed; a cache keeps one answer for each of them", async () => {
    const cors = ["https://lender.example"];
    const { app } = await buildTestGateway({ cors });
    const from = (origin: string, method: "GET" | "OPTIONS" = "GET", url = "/v1/feeds/ETH-USD") =>
      app.inject({
        method,
        url,
        headers: { origin, "access-control-request-method": "GET", "access-control-request-headers": "x-api-key" },
      });
    const listed = await from("https://lender.example");
    expect([listed.headers["access-control-allow-origin"], listed.headers.vary]).toEqual(["https://lender.example", "Origin"]);
    const other = await from("https://other.example");
    expect([other.statusCode, other.headers["access-control-allow-origin"], other.headers.vary]).toEqual([
      200,
      undefined,
      "Origin",
    ]);
    const preflight = await from("https://lender.example", "OPTIONS");
    expect(preflight.headers["access-control-max-age"]).toBe("7200");
    expect(preflight.headers["access-control-allow-headers"]).toBe("x-api-key");
    expect((await from("https://lender.example", "GET", "/v1/feeds/%ZZ")).headers["access-control-allow-origin"]).toBe(cors[0]);
    expect((await from("https://other.example", "GET", "/v1/feeds/%ZZ")).headers["access-control-allow-origin"]).toBeUndefined();
  });

  it.each([
    ["*", "https://a.example", true],
    ["*", undefined, true],
    [[], "https://a.example", false],
    [["https://a.example"], "https://a.example", true],
    [["https://a.example"], "https://a.example.evil", false],
    [["https://a.example"], "null", false],
    [[], undefined, true],
  ] as const)("rule %j, origin %s: %s", (rule, origin, expected) => {
    expect(isOriginAllowed(rule, origin)).toBe(expected);
  });
});
