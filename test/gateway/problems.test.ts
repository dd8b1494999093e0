import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Gateway, GatewayError, startGateway } from "../../gateway/io/server.ts";
import { PROBLEMS, problemSchema } from "../../gateway/problems.ts";
import { buildTestGateway, FIRST_ROUND, openGateway } from "./support.ts";

type Row = {
  readonly code: string;
  readonly url: string;
  readonly detail: string;
  readonly field?: string;
  readonly method?: "POST" | "DELETE" | "PUT";
  readonly headers?: Record<string, string>;
  readonly options?: Parameters<typeof buildTestGateway>[0];
  readonly twice?: boolean;
};

const broken = () => {
  throw new Error("secret path /etc/keys");
};

const rows: readonly Row[] = [
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
  { code: "bad-request", url: "/v1/evidence?limit=101", field: "limit", detail: "from 1 to 100" },
];

/** Answered below Fastify, on the bare socket; they have their own test. */
const SOCKET_CODES = ["request-timeout", "headers-too-large"];

describe("every failure is a problem document", () => {
  it.each(rows)(
    "$code: $url",
    async ({ code, url, detail, field, method = "GET", headers = {}, options = {}, twice = false }) => {
      const { app, logged } = await buildTestGateway(options);
      if (twice) await app.inject({ method, url, headers });
      const reply = await app.inject({ method, url, headers });
      const problem = problemSchema.parse(JSON.parse(reply.body));
      expect(problem.type).toBe(`urn:breakwater:problem:${code}`);
      expect(problem.status).toBe(reply.statusCode);
      expect(problem.status).toBe(PROBLEMS[code as keyof typeof PROBLEMS].status);
      expect(problem.instance).toBe(url.split("?")[0]);
      expect(problem.detail).toContain(detail);
      expect(problem.errors?.map((error) => error.field) ?? []).toEqual(field === undefined ? [] : [field]);
      expect(reply.headers["content-type"]).toMatch(/^application\/problem\+json/);
      expect(reply.headers["cache-control"]).toBe("no-store");
      expect(reply.headers["access-control-allow-origin"]).toBe("*");
      const retryAfter = Number(reply.headers["retry-after"] ?? 0);
      expect(retryAfter > 0).toBe(problem.status === 503 || problem.status === 429);
      expect(reply.headers.allow).toBe(problem.status === 405 ? "GET, HEAD, OPTIONS" : undefined);
      expect(logged).toHaveLength(code === "internal" ? 1 : 0);
      expect(reply.body).not.toMatch(/secret|node_modules|\.ts:/);
    },
  );

  it("has a row here, whatever its code", () => {
    expect(new Set([...rows.map(({ code }) => code), ...SOCKET_CODES])).toEqual(new Set(Object.keys(PROBLEMS)));
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
