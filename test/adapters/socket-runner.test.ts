import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { createSocketRunner } from "../../adapters/io/socket-runner.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import type { VenueFault } from "../../simulator/faults.ts";
import { MARKETS, STREAM_VENUES, streamRig, watching } from "./stream-rig.ts";
import { until } from "./toy-venue.ts";

const { serve, run } = streamRig();

describe("against the market server", () => {
  test.each(STREAM_VENUES)("%s: both markets are pushed, and polling may slow down", async (venue) => {
    const server = await serve();
    const { runner, falling, ups } = run(venue, server.streamUrls.get(venue));
    await until(() => runner.isSettled());
    const snapshot = runner.snapshot();
    expect([...snapshot.keys()].toSorted()).toEqual(MARKETS.map((market) => marketKey(venue, market)));
    for (const { quote, fault, sentAt, receivedAt } of snapshot.values()) {
      expect(fault).toBeUndefined();
      expect(sentAt).toBe(receivedAt);
      expect((quote?.ask ?? 0n) > (quote?.bid ?? 0n)).toBe(true);
      expect(Date.now() - (quote?.bookAt ?? 0)).toBeLessThan(10_000);
    }
    expect(falling.size).toBe(0);
    expect(ups).toEqual([true]);
  });

  test.each(STREAM_VENUES)("%s: a market that it does not list costs the others nothing", async (venue) => {
    const server = await serve();
    const { runner, falling } = run(venue, server.streamUrls.get(venue), { markets: ["FOO/USDT", ...MARKETS] });
    await until(() => falling.size === 0);
    expect(runner.snapshot().has(marketKey(venue, "FOO/USDT"))).toBe(false);
    expect(runner.isSettled()).toBe(false);
  });

  /** What each fault of the whole venue does to its connection, or to its markets. */
  const FAULTS: readonly {
    readonly name: string;
    readonly fault: VenueFault;
    readonly reason?: string;
    readonly code?: string;
  }[] = [
    { name: "down", fault: { venue: "okx", fault: "down" }, reason: "closed" },
    { name: "status", fault: { venue: "okx", fault: "status", status: 503 }, reason: "unreachable" },
    { name: "malformed", fault: { venue: "okx", fault: "malformed" }, reason: "malformed", code: "malformed" },
    { name: "gap", fault: { venue: "okx", fault: "gap" }, reason: "gap", code: "out-of-order" },
    { name: "gap that heartbeats tell of", fault: { venue: "coinbase", fault: "gap" }, reason: "gap", code: "gap" },
    { name: "one market's malformed", fault: { venue: "okx", market: "ETH/USDT", fault: "malformed" }, code: "malformed" },
    { name: "a frozen venue", fault: { venue: "binance", fault: "freeze" } },
    { name: "silent", fault: { venue: "kraken", fault: "silent" } },
  ];
  test.each(FAULTS)(
    "$name: polled at once, and pushed again when it is over",
    async ({ fault, reason, code }) => {
      const venue = fault.venue as keyof typeof STREAMS;
      const server = await serve();
      const { runner, falling, codes, reasons, lines } = run(venue, server.streamUrls.get(venue));
      await until(() => runner.isSettled());
      server.addFault(fault);
      await until(() => falling.has("ETH/USDT"));
      if (reason !== undefined) await until(() => reasons.has(reason));
      if (code !== undefined) await until(() => codes.has(code));
      if (fault.market !== undefined) await until(() => falling.size === 1 && falling.has("ETH/USDT"));
      if (reason !== undefined) expect(lines.some((line) => line.includes("polling meanwhile"))).toBe(true);
      server.clearFaults();
      await until(() => runner.isSettled());
    },
    25_000,
  );

  test("a server that is not there yet is dialled until it is", async () => {
    const first = await serve();
    const port = Number(new URL(first.url).port);
    await first.stop();
    const { runner, reasons } = run("bybit", `ws://127.0.0.1:${port}/bybit`);
    await until(() => (reasons.get("unreachable") ?? 0) >= 2);
    await serve(port);
    await until(() => runner.isSettled());
  });

  test("what REST contradicts is forgotten, and asked for anew", async () => {
    const server = await serve();
    const { runner, falling, codes } = run("okx", server.streamUrls.get("okx"));
    await until(() => runner.isSettled());
    runner.contradict("ETH/USDT");
    expect(falling).toEqual(new Set(["ETH/USDT"]));
    expect([...runner.snapshot().keys()]).toEqual([marketKey("okx", "BTC/USDT")]);
    expect(codes.get("gap")).toBe(1);
    await until(() => runner.isSettled());
    expect(runner.snapshot().size).toBe(2);
  });

  test("a stopped runner says nothing more and leaves no connection", async () => {
    const server = await serve();
    const { runner, codes, ups } = run("binance", server.streamUrls.get("binance"));
    await until(() => codes.has("quote"));
    await runner.stop();
    const said = codes.get("quote");
    await new Promise((done) => setTimeout(done, 600));
    expect(codes.get("quote")).toBe(said);
    expect(ups).toEqual([true, "stopped"]);
  });
});

describe("against servers that are no venue", () => {
  test("a frame above the cap ends the connection as oversize", async () => {
    const url = await openServer((sockets) => sockets.on("connection", (socket) => socket.send("x".repeat(300 * 1024))));
    const { reasons } = run("okx", url);
    await until(() => reasons.has("oversize"));
  });

  test("a connection that says nothing at all is given up when its silence is too long", async () => {
    const url = await openServer(() => undefined);
    const adapter = { ...STREAMS.okx, heartbeat: { silenceMs: 700 } };
    const { reasons } = run("okx", url, { adapter });
    await until(() => (reasons.get("silent") ?? 0) >= 2);
  });

  test("a handshake that is never answered is given up", async () => {
    const server = createServer();
    server.on("upgrade", () => undefined);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.closeAllConnections());
    onTestFinished(() => void server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { reasons } = run("okx", url, { settings: { connectMs: 500, backoffBaseMs: 100 } });
    await until(() => (reasons.get("unreachable") ?? 0) >= 2);
  });

  test("a URL that is no ws or wss one is refused at once, by the venue's name", () => {
    const { log } = watching();
    const options = { adapter: STREAMS.okx, markets: MARKETS, log, now: Date.now, random: Math.random };
    for (const url of ["http://127.0.0.1:1", "nonsense", ""]) {
      expect(() => createSocketRunner({ ...options, url })).toThrow(/venue okx: a stream's URL must be a ws or wss URL/);
    }
  });

  test("a URL's user, password and query reach no log line", async () => {
    const { reasons, lines } = run("okx", "ws://user:secret@127.0.0.1:1/path?key=hidden");
    await until(() => reasons.has("unreachable"));
    expect(lines.join()).toContain("ws://127.0.0.1:1/path");
    expect(lines.join()).not.toMatch(/secret|hidden|user/);
  });
});

async function openServer(prepare: (sockets: WebSocketServer) => unknown): Promise<string> {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((done) => sockets.once("listening", done));
  prepare(sockets);
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  });
  return `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`;
}
