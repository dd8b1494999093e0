import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { goodAnswer, type Handler, type QUICK, startToyServer, stateOf, toyAdapter, toyRig, until } from "./toy-venue.ts";

const { serve, run } = toyRig();

describe("faults", () => {
  const bomb = gzipSync(Buffer.alloc(5_000_000));
  const rows: { name: string; code: string; handler: Handler; settings?: Partial<typeof QUICK> }[] = [
    { name: "no answer in time", code: "timeout", handler: () => undefined, settings: { timeoutMs: 60 } },
    {
      name: "a body that drips for ever",
      code: "timeout",
      handler: (_markets, response) => {
        const drip = setInterval(() => response.write(" "), 10);
        response.on("close", () => clearInterval(drip));
      },
      settings: { timeoutMs: 100 },
    },
    { name: "connection destroyed", code: "network", handler: (_markets, _response, request) => request.socket.destroy() },
    {
      name: "body cut short",
      code: "network",
      handler: (_markets, response) => {
        response.setHeader("content-length", "100");
        response.write('{"A/USD":"1"');
        setTimeout(() => response.destroy(), 10);
      },
    },
    { name: "too long a body", code: "oversize", handler: (_markets, response) => response.end("x".repeat(20_000)) },
    {
      name: "a small body that unpacks to 5 MB",
      code: "oversize",
      handler: (_markets, response) => response.setHeader("content-encoding", "gzip").end(bomb),
    },
    {
      name: "not the encoding it says",
      code: "malformed",
      handler: (_markets, response) => response.setHeader("content-encoding", "gzip").end("plain"),
    },
    { name: "a web page", code: "html", handler: (_markets, response) => response.end("<html>blocked</html>") },
    { name: "a server error", code: "http-status", handler: (_markets, response) => response.writeHead(502).end("bad gateway") },
    {
      name: "a redirect, which is not followed",
      code: "http-status",
      handler: (_markets, response) => response.writeHead(302, { location: "http://127.0.0.1:1/elsewhere" }).end(),
    },
    { name: "too many requests", code: "rate-limited", handler: (_markets, response) => response.writeHead(429).end() },
    { name: "not the format", code: "malformed", handler: (_markets, response) => response.end('{"A/USD":') },
  ];

  for (const { name, code, handler, settings } of rows) {
    test(`${code}: ${name}; the last good quote stays and ages`, async () => {
      let sick = false;
      const server = await serve((...call) => (sick ? handler(...call) : goodAnswer(...call)));
      const { poller, seen } = run([
        { adapter: toyAdapter("toy"), markets: ["A/USD"], baseUrl: server.url, settings: settings ?? {} },
      ]);
      await until(() => stateOf(poller, "toy", "A/USD")?.quote !== undefined);
      sick = true;
      await until(() => stateOf(poller, "toy", "A/USD")?.fault?.code === code);
      const state = stateOf(poller, "toy", "A/USD");
      expect(state?.quote?.last).toBe(100n);
      expect(state?.faultAt !== undefined && state.faultAt >= state.receivedAt).toBe(true);
      expect(seen.requests).toContain(`toy ${code}`);
      expect(seen.faults).toContain(`toy A/USD ${code}`);
      expect(seen.warnings[0]).toMatch(new RegExp(`^toy: ${code}: .+; .+`));
      sick = false;
      await until(() => stateOf(poller, "toy", "A/USD")?.fault === undefined);
      expect(seen.infos).toEqual(["toy answers again"]);
    });
  }

  test("refused connection: no quote yet, so the state holds the fault alone; the URL's credentials and query are not in it", async () => {
    const server = await startToyServer(goodAnswer);
    await server.close();
    const baseUrl = server.url.replace("http://", "http://me:secret@");
    const { poller, seen } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD"], baseUrl }]);
    await until(() => seen.faults.length >= 4);
    expect(stateOf(poller, "toy", "A/USD")).toMatchObject({ venue: "toy", market: "A/USD", fault: { code: "network" } });
    expect(stateOf(poller, "toy", "A/USD")?.quote).toBeUndefined();
    expect(seen.warnings.join()).toContain("ECONNREFUSED");
    expect(seen.warnings.join()).not.toMatch(/secret|m=A/);
  });

  test("a content fault takes the quote away; its neighbour in the batch keeps its own", async () => {
    let crossed = false;
    const server = await serve((_markets, response) => response.end(`{"A/USD":"${crossed ? "crossed" : 5}","B/USD":"6"}`));
    const { poller, seen } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD", "B/USD"], baseUrl: server.url }]);
    await until(() => stateOf(poller, "toy", "A/USD")?.quote !== undefined);
    crossed = true;
    await until(() => stateOf(poller, "toy", "A/USD")?.fault !== undefined);
    expect(stateOf(poller, "toy", "A/USD")?.quote).toBeUndefined();
    expect(stateOf(poller, "toy", "B/USD")).toMatchObject({ quote: { last: 6n } });
    expect(new Set(seen.faults)).toEqual(new Set(["toy A/USD crossed"]));
    expect(seen.requests.at(-1)).toBe("toy ok");
  });

  test("repeats are logged the 1st, 2nd, 4th, 8th time", async () => {
    const server = await serve((_markets, response) => response.writeHead(500).end());
    const settings = { backoffBaseMs: 2, backoffCapMs: 2, intervalMs: 2 };
    const { seen } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD", "B/USD"], baseUrl: server.url, settings }]);
    await until(() => seen.requests.length >= 10);
    const expected = 1 + Math.floor(Math.log2(seen.requests.length));
    expect(seen.warnings.length).toBe(expected);
  });
});
