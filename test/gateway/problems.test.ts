import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Gateway, GatewayError, startGateway } from "../../gateway/io/server.ts";
import { PROBLEMS, problemSchema } from "../../gateway/problems.ts";
import { networkOf } from "../support/rounds.ts";
import { buildTestGateway, FIRST_ROUND, openGateway } from "./support.ts";

type Row = {
  readonly code: string;
  readonly url: string;
  readonly detail: string;
  readonly field?: string;
  readonly method?: "POST" | "DELETE" | "PUT";
  readonly payload?: object;
  /** How the network judges a document. */
  readonly judgement?: string;
  readonly headers?: Record<string, string>;
  readonly options?: Parameters<typeof buildTestGateway>[0];
  readonly twice?: boolean;
  /** Asked one millisecond after the newest round's lease. */
  readonly ended?: boolean;
};

const broken = () => {
  throw new Error("secret path /etc/keys");
};

const { config } = networkOf(["ETH/USD"]);
const replay = () => Promise.reject(Object.assign(new Error("round 7 is not in this node's store"), { code: "replay" }));

const rows: readonly Row[] = [
  ...["/v1/feeds?api_key=secret", "/v1/bundle?feeds=ETH-USD&token=x", `/v1/feeds?ids=bw_${"A".repeat(43)}`, "/nowhere?key=1"].map(
    (url): Row => ({ code: "key-in-query", url, detail: "X-Api-Key" }),
  ),
  { code: "key-required", url: "/v1/feeds", detail: "operator", options: { access: { required: true, keys: [] } } },
  {
    ...{ code: "unknown-key", url: "/v1/feeds", detail: "none of this gateway's", headers: { "x-api-key": "bw_nonsense" } },
    options: { access: { required: false, keys: [] } },
  },
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR/candles", detail: "ETH-EUR" },
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR/twap", detail: "ETH-EUR" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/candles?interval=2m", field: "interval", detail: "one of 1m, 5m, 15m, 1h, 1d" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/candles?limit=1001", field: "limit", detail: "from 1 to 1000" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/candles?from=2&to=1", field: "from", detail: "at most `to`" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/twap?minCoverageBps=0", field: "minCoverageBps", detail: "from 1 to 10000" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/twap?from=5&to=5", field: "from", detail: "less than `to`" },
  { code: "no-round", url: "/v1/feeds/ETH-USD/twap", detail: "starting", options: { rounds: [] } },
  {
    code: "low-coverage",
    url: "/v1/feeds/ETH-USD/twap",
    detail: "cover 2000 of 3600000 ms, 5 bps; at least 9000 bps are asked for",
  },
  { code: "low-coverage", url: "/v1/feeds/NEW-USD/twap?minCoverageBps=1", detail: "cover 0 of" },
  { code: "upgrade-required", url: "/v1/ws?feeds=ETH-USD", detail: "/v1/stream" },
  { code: "unknown-feed", url: "/v1/ws?feeds=ETH-EUR", detail: "ETH-EUR" },
  { code: "bad-request", url: "/v1/ws?feeds=ETH-USD&after=-1", field: "after", detail: "whole number" },
  { code: "unknown-route", url: "/v2/feeds", detail: "GET / lists the routes" },
  { code: "bad-request", url: `/v1/feeds/${"A".repeat(200)}`, detail: "max param length" },
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR", detail: 'no feed "ETH-EUR"' },
  { code: "unknown-feed", url: "/v1/feeds/eth-usd", detail: 'no feed "eth-usd"' },
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR/history", detail: "ETH-EUR" },
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR/sources", detail: "ETH-EUR" },
  { code: "unknown-feed", url: "/v1/bundle?feeds=ETH-USD,ETH-EUR", detail: "ETH-EUR" },
  { code: "unknown-feed", url: "/v1/stream?feeds=ETH-EUR", detail: "ETH-EUR" },
  { code: "unknown-round", url: `/v1/rounds/${FIRST_ROUND - 1}`, detail: `round ${FIRST_ROUND - 1}` },
  { code: "unknown-body", url: `/v1/rounds/${FIRST_ROUND}?body=1`, detail: `round ${FIRST_ROUND}` },
  { code: "no-price", url: "/v1/feeds/NEW-USD", detail: "NEW/USD" },
  { code: "no-price", url: "/v1/feeds/ETH-USD", detail: "ETH/USD", options: { rounds: [] } },
  { code: "no-price", url: "/v1/bundle?feeds=ETH-USD,NEW-USD", detail: "for NEW/USD" },
  ...["/v1/feeds/ETH-USD", "/v1/feeds?ids=ETH-USD", "/v1/bundle?feeds=ETH-USD", "/v1/feeds/NEW-USD"].map(
    (url): Row => ({ code: "lease-ended", url, detail: `of round ${FIRST_ROUND + 2}, ended 1 ms ago`, ended: true }),
  ),
  { code: "unknown-feed", url: "/v1/feeds/ETH-EUR", detail: "ETH-EUR", ended: true },
  { code: "unknown-feed", url: "/v1/feeds?ids=ETH-USD,ETH-EUR", detail: "ETH-EUR" },
  { code: "no-price", url: "/v1/feeds?ids=NEW-USD,ETH-USD", detail: "for NEW/USD" },
  { code: "no-price", url: "/v1/feeds?ids=ETH-USD", detail: "for ETH/USD", options: { rounds: [] } },
  { code: "bad-request", url: "/v1/feeds?ids=", field: "ids", detail: "as ETH-USD,BTC-USD" },
  {
    ...{ code: "bad-request", field: "ids", detail: "ids: expected at most 100 feeds" },
    url: `/v1/feeds?ids=${Array.from({ length: 101 }, (_, i) => `A${i}-USD`)}`,
  },
  { code: "no-round", url: "/v1/rounds/latest", detail: "starting", options: { rounds: [] } },
  { code: "no-sources", url: "/v1/feeds/ETH-USD/sources", detail: "ETH/USD" },
  { code: "not-ready", url: "/health/ready", detail: "no round", options: { rounds: [] } },
  { code: "too-many-readers", url: "/v1/stream?feeds=ETH-USD", detail: "all 0 places", options: { stream: { maxReaders: 0 } } },
  {
    code: "too-many-requests",
    url: "/v1/feeds",
    detail: "retry",
    options: { rateLimit: { max: 1, windowMs: 60_000 } },
    twice: true,
  },
  {
    code: "too-many-requests",
    url: "/nowhere",
    detail: "retry",
    options: { rateLimit: { max: 1, windowMs: 60_000 } },
    twice: true,
  },
  { code: "method-not-allowed", url: "/v1/feeds", method: "POST", detail: "expected GET, found POST" },
  { code: "method-not-allowed", url: "/nowhere", method: "DELETE", detail: "expected GET, found DELETE" },
  { code: "internal", url: "/v1/feeds/ETH-USD/sources", detail: "gateway's log", options: { sources: broken } },
  { code: "bad-request", url: "/v1/feeds/%ZZ", detail: "%ZZ" },
  { code: "bad-request", url: "/v1/feeds?page=2", field: "page", detail: "no such parameter" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD?round=1", field: "round", detail: "no such parameter" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?limit=0", field: "limit", detail: "from 1 to 1000" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?limit=1001", field: "limit", detail: "from 1 to 1000" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?limit=1e2", field: "limit", detail: "whole number" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?limit=5&limit=6", field: "limit", detail: "whole number" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?from=yesterday", field: "from", detail: "whole number" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?to=-1", field: "to", detail: "whole number" },
  { code: "bad-request", url: "/v1/feeds/ETH-USD/history?from=2&to=1", field: "from", detail: "at most `to`" },
  { code: "bad-request", url: "/v1/rounds/12abc", field: "round", detail: "whole number" },
  { code: "bad-request", url: "/v1/rounds/99999999999999999999", field: "round", detail: "whole number" },
  { code: "bad-request", url: "/v1/rounds/latest?body=yes", field: "body", detail: "0 or 1" },
  { code: "bad-request", url: "/v1/bundle", field: "feeds", detail: "as ETH-USD,BTC-USD" },
  { code: "bad-request", url: "/v1/bundle?feeds=", field: "feeds", detail: "as ETH-USD,BTC-USD" },
  {
    code: "bad-request",
    url: `/v1/bundle?feeds=${Array.from({ length: 101 }, (_, i) => `A${i}-USD`)}`,
    field: "feeds",
    detail: "at most 100",
  },
  { code: "bad-request", url: `/v1/bundle?feeds=${"A".repeat(3_201)}`, field: "feeds", detail: "at most 100" },
  { code: "bad-request", url: "/v1/stream", field: "feeds", detail: "as ETH-USD,BTC-USD" },
  {
    code: "bad-request",
    url: "/v1/stream?feeds=ETH-USD",
    headers: { "last-event-id": "abc" },
    field: "Last-Event-ID",
    detail: "round number",
  },
  { code: "bad-request", url: "/v1/committee?config=true", field: "config", detail: "0 or 1" },
  { code: "unknown-feed", url: "/v1/breaker/log?feed=ETH-EUR", detail: "ETH-EUR" },
  { code: "bad-request", url: "/v1/breaker/log?from=2&to=1", field: "from", detail: "at most `to`" },
  { code: "bad-request", url: "/v1/breaker/log?limit=2081", field: "limit", detail: "from 1 to 2080" },
  { code: "bad-request", url: "/v1/breaker/log?to=now", field: "to", detail: "whole number" },
  { code: "bad-request", url: "/v1/governance/documents?limit=0", field: "limit", detail: "from 1 to 100" },
  { code: "bad-request", url: "/v1/governance/transitions?limit=17", field: "limit", detail: "from 1 to 16" },
  { code: "bad-request", url: "/v1/governance/documents/0xAB", field: "digest", detail: "64 lower-case hex digits" },
  { code: "unknown-document", url: `/v1/governance/documents/0x${"1".repeat(64)}`, detail: "lists them" },
  { code: "method-not-allowed", url: "/v1/breaker/pause", detail: "expected POST, found GET" },
  { code: "method-not-allowed", url: "/v1/governance/documents", method: "PUT", detail: "expected GET, found PUT" },
  ...["/v1/breaker/pause", "/v1/governance/documents"].flatMap((url): Row[] => [
    { code: "no-node", url, method: "POST", payload: { document: "0x00" }, detail: "ask a node" },
    { code: "bad-request", url, method: "POST", payload: {}, field: "document", detail: "lower-case hex" },
    { code: "bad-request", url, method: "POST", payload: { document: "0xAB" }, field: "document", detail: "lower-case hex" },
    { code: "bad-request", url, method: "POST", payload: { document: "0x123" }, field: "document", detail: "lower-case hex" },
    { code: "bad-request", url, method: "POST", payload: { document: "0x00", by: 1 }, field: "by", detail: "no such parameter" },
    {
      ...{ code: "document-malformed", url, method: "POST", payload: { document: "0x00" }, judgement: "malformed" },
      ...{ detail: "version", options: { submit: () => ({ ok: false, code: "malformed", detail: "expected version 1" }) } },
    },
    {
      ...{ code: "document-refused", url, method: "POST", payload: { document: "0x00" }, judgement: "replayed" },
      ...{ detail: "nonce", options: { submit: () => ({ ok: false, code: "replayed", detail: "his nonce was used" }) } },
    },
    {
      ...{ code: "too-many-requests", url, method: "POST", payload: { document: "0x00" }, detail: "retry", twice: true },
      options: { writes: { max: 1, windowMs: 60_000 } },
    },
  ]),
  { code: "too-large", url: "/v1/breaker/pause", method: "POST", payload: { document: "0".repeat(20_000) }, detail: "larger" },
  { code: "no-node", url: "/v1/governance/replay", method: "POST", payload: { config: {} }, detail: "no rounds" },
  { code: "bad-request", url: "/v1/governance/replay", method: "POST", payload: {}, field: "config", detail: "network's config" },
  {
    code: "config-refused",
    url: "/v1/governance/replay",
    method: "POST",
    payload: { config: {} },
    detail: "config.network",
    options: { replay },
  },
  {
    ...{ code: "replay-impossible", url: "/v1/governance/replay", method: "POST", payload: { config }, detail: "round 7" },
    options: { replay },
  },
  {
    ...{ code: "internal", url: "/v1/governance/replay", method: "POST", payload: { config }, detail: "gateway's log" },
    options: { replay: broken },
  },
  { code: "bad-request", url: "/v1/evidence?limit=101", field: "limit", detail: "from 1 to 100" },
];

const ALLOWED: Readonly<Record<string, string>> = {
  "/v1/breaker/pause": "POST, OPTIONS",
  "/v1/governance/documents": "GET, HEAD, OPTIONS, POST",
};

/** Answered below Fastify, on the bare socket; they have their own test. */
const SOCKET_CODES = ["request-timeout", "headers-too-large"];
/** Of an upgrade, of a gateway that stops, and of one that starts: websocket.test.ts, drain.test.ts and candle-routes.test.ts. */
const PASSING_CODES = ["origin-refused", "draining", "candles-awaited"];
/** It takes two at once: test/gateway/governance.test.ts and large-bodies.test.ts. */
const OVERLAPPING_CODES = ["replay-busy", "too-many-bodies"];

describe("every failure is a problem document", () => {
  it.each(rows)(
    "$code: $url",
    async ({
      code,
      url,
      detail,
      field,
      judgement,
      method = "GET",
      payload,
      headers = {},
      options = {},
      twice = false,
      ended = false,
    }) => {
      const { app, clock, logged, rounds } = await buildTestGateway(options);
      if (ended) clock.now = (rounds.at(-1)?.certificate.header.validUntil ?? 0) + 1;
      const request = { method, url, headers, ...(payload === undefined ? {} : { payload }) };
      if (twice) await app.inject(request);
      const reply = await app.inject(request);
      const problem = problemSchema.parse(JSON.parse(reply.body));
      expect(problem.type).toBe(`urn:breakwater:problem:${code}`);
      expect(problem.status).toBe(reply.statusCode);
      expect(problem.status).toBe(PROBLEMS[code as keyof typeof PROBLEMS].status);
      expect(problem.instance).toBe(url.split("?")[0]);
      expect(problem.detail).toContain(detail);
      if (code !== "config-refused") {
        expect(problem.errors?.map((error) => error.field) ?? []).toEqual(field === undefined ? [] : [field]);
      }
      expect(problem.code).toBe(judgement);
      expect(reply.headers["content-type"]).toMatch(/^application\/problem\+json/);
      expect(reply.headers["cache-control"]).toBe("no-store");
      expect(reply.headers["access-control-allow-origin"]).toBe("*");
      const retryAfter = Number(reply.headers["retry-after"] ?? 0);
      expect(retryAfter > 0).toBe(problem.status === 503 || problem.status === 429);
      const allowed = ALLOWED[url] ?? "GET, HEAD, OPTIONS";
      expect(reply.headers.allow).toBe(problem.status === 405 ? allowed : undefined);
      expect(logged).toHaveLength(code === "internal" ? 1 : 0);
      expect(reply.body).not.toMatch(/secret|node_modules|\.ts:/);
    },
  );

  it("has a row here, whatever its code", () => {
    expect(new Set([...rows.map(({ code }) => code), ...SOCKET_CODES, ...PASSING_CODES, ...OVERLAPPING_CODES])).toEqual(
      new Set(Object.keys(PROBLEMS)),
    );
  });

  it("a broken route is told at its 1st, 2nd and 4th failure", async () => {
    const { get, logged } = await buildTestGateway({ sources: broken });
    for (let i = 0; i < 5; i++) await get("/v1/feeds/ETH-USD/sources");
    expect(logged.map(({ details }) => (details as { readonly count: number }).count)).toEqual([1, 2, 4]);
  });

  it("the limit is each address's own", async () => {
    const { app } = await buildTestGateway({ rateLimit: { max: 1, windowMs: 60_000 } });
    const status = async (remoteAddress: string) => (await app.inject({ url: "/v1/feeds", remoteAddress })).statusCode;
    expect([await status("10.0.0.1"), await status("10.0.0.1"), await status("10.0.0.2")]).toEqual([200, 429, 200]);
  });
});

describe("on a socket", () => {
  const open: Gateway[] = [];
  afterEach(async () => {
    for (const gateway of open.splice(0)) await gateway.close();
  });
  const start = async () => {
    const gateway = await startGateway({ ...(await openGateway()).options, host: "127.0.0.1", port: 0 });
    open.push(gateway);
    return gateway;
  };
  const exchange = (address: string, bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(address).port), "127.0.0.1", () => socket.write(bytes));
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });

  it("what is not HTTP, or too large in its head, gets a problem document too", async () => {
    const { address } = await start();
    const cases = [
      ["nonsense\r\n\r\n", 400, "bad-request"],
      [`GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431, "headers-too-large"],
    ] as const;
    for (const [bytes, status, code] of cases) {
      const [head = "", body = ""] = (await exchange(address, bytes)).split("\r\n\r\n");
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head).toContain("application/problem+json");
      expect(problemSchema.parse(JSON.parse(body)).type).toBe(`urn:breakwater:problem:${code}`);
    }
  });

  it("a taken port is one clear error", async () => {
    const { address } = await start();
    const port = Number(new URL(address).port);
    const second = startGateway({ ...(await openGateway()).options, host: "127.0.0.1", port });
    await expect(second).rejects.toThrow(GatewayError);
    await expect(second).rejects.toMatchObject({
      code: "port-taken",
      message: expect.stringContaining(`port ${port} on 127.0.0.1 is taken`),
    });
  });

  it("a gateway that could not start, and one that closed, listen to the store no more", async () => {
    const taken = await start();
    const first = await openGateway();
    await startGateway({ ...first.options, host: "127.0.0.1", port: Number(new URL(taken.address).port) }).catch(() => undefined);
    expect(first.memory.listeners()).toBe(0);
    const second = await openGateway();
    const gateway = await startGateway({ ...second.options, host: "127.0.0.1", port: 0 });
    expect(second.memory.listeners()).toBe(1);
    await gateway.close();
    expect(second.memory.listeners()).toBe(0);
  });
});
