import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { verifyText } from "../../client/verify.ts";
import { apiKeyDigest, formatApiKey } from "../../gateway/access.ts";
import { startGateway } from "../../gateway/io/server.ts";
import { problemSchema } from "../../gateway/problems.ts";
import { scheme } from "../support/network.ts";
import { certifyChain, feedId, networkOf } from "../support/rounds.ts";
import { FEEDS, FIRST_ROUND, metric, openGateway, until } from "./support.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const network = networkOf([...FEEDS, "NEW/USD"]);
const CHAIN = certifyChain(network, FEEDS, FIRST_ROUND, 40);

async function start(count: number, options: Parameters<typeof openGateway>[0] = {}) {
  const parts = await openGateway({ network, rounds: CHAIN.slice(0, count), ...options });
  const gateway = await startGateway({ ...parts.options, host: "127.0.0.1", port: 0 });
  closers.push(() => gateway.close());
  const publishTo = (end: number) => {
    for (const round of CHAIN.slice(count, end)) parts.memory.publish(round);
  };
  return { ...parts, gateway, publishTo };
}

type Message = {
  readonly type: string;
  readonly id?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly data?: object;
};

/** A reader as a consumer's tools are one. */
async function listen(address: string, query: string, headers: Record<string, string> = {}, options: object = {}) {
  const socket = new WebSocket(`${address.replace("http", "ws")}/v1/ws?${query}`, { headers, ...options });
  closers.push(() => socket.terminate());
  const messages: Message[] = [];
  const texts: string[] = [];
  socket.on("message", (data, isBinary) => {
    expect(isBinary).toBe(false);
    texts.push(String(data));
    messages.push(JSON.parse(String(data)));
  });
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const refused = new Promise<{ readonly status: number; readonly body: string }>((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
  const opened = new Promise<void>((resolve) => socket.once("open", () => resolve()));
  socket.on("error", () => undefined);
  const rounds = () => messages.filter(({ type }) => type === "round").map(({ id }) => id);
  return { socket, messages, texts, rounds, closed, refused, opened };
}

const upTo = (first: number, end: number) => Array.from({ length: end - first }, (_, index) => FIRST_ROUND + first + index);

describe("a reader over a WebSocket", () => {
  it("gets the newest round at once, then each new one, as bundles that verify", async () => {
    const { gateway, publishTo } = await start(3);
    const reader = await listen(gateway.address, "feeds=LINK-USD,BTC-USD");
    await until(() => reader.rounds().length === 1);
    expect(await metric(gateway.address, "breakwater_websocket_readers")).toBe(1);
    expect(await metric(gateway.address, "breakwater_stream_readers")).toBe(0);
    publishTo(6);
    await until(() => reader.rounds().length === 4);
    expect(reader.rounds()).toEqual(upTo(2, 6));
    const trust = { committee: network.committee, domain: network.domain };
    for (const { data } of reader.messages) {
      const verified = verifyText(JSON.stringify(data), { trust, scheme });
      expect(verified).toMatchObject({ ok: true, reports: [{ feed: "LINK/USD" }, { feed: "BTC/USD" }] });
    }
  });

  it("resumes after a round, and hears of each chosen breaker that changed before its bundle", async () => {
    const { gateway, memory, publishTo } = await start(30);
    const round = CHAIN[20];
    if (round === undefined) throw new Error("the chain is longer");
    const { digest, certificate } = round;
    memory.kept.log.push({
      ...{ feed: feedId("ETH/USD"), round: certificate.header.round, timestamp: certificate.header.timestamp, digest },
      ...{ from: "closed", to: "open", reasons: [], observations: [] },
    });
    const reader = await listen(gateway.address, `feeds=ETH-USD&after=${FIRST_ROUND + 4}`);
    publishTo(34);
    await until(() => reader.rounds().length === 29);
    expect(reader.rounds()).toEqual(upTo(5, 34));
    const at = reader.messages.findIndex(({ type }) => type === "breaker");
    expect(reader.messages[at]).toMatchObject({ type: "breaker", id: FIRST_ROUND + 20, data: { feed: "ETH/USD", to: "open" } });
    expect(reader.messages[at + 1]).toMatchObject({ type: "round", id: FIRST_ROUND + 20 });
  });

  it("gets the bytes that a reader of server-sent events gets", async () => {
    const { gateway } = await start(3);
    const reader = await listen(gateway.address, "feeds=ETH-USD");
    await until(() => reader.rounds().length === 1);
    const bundle = await (await fetch(`${gateway.address}/v1/bundle?feeds=ETH-USD`)).text();
    expect(reader.texts[0]).toBe(`{"type":"round","id":${FIRST_ROUND + 2},"data":${bundle}}`);
  });

  it("is told when the lease is over, and gets the rounds once they come", async () => {
    const { gateway, clock, memory } = await start(3);
    clock.now = (FIRST_ROUND + 2 + 60) * 1_000 + 1;
    const reader = await listen(gateway.address, "feeds=ETH-USD");
    await until(() => reader.messages.length === 1);
    expect(reader.messages[0]).toMatchObject({ type: "status", code: "lease-ended" });
    expect(reader.messages[0]?.detail).toContain(`of round ${FIRST_ROUND + 2}, ended 1 ms ago`);
    for (const round of certifyChain(network, FEEDS, FIRST_ROUND + 62, 1)) memory.publish(round);
    await until(() => reader.messages.length === 2);
    expect(reader.rounds()).toEqual([FIRST_ROUND + 62]);
  });
});

describe("what is refused", () => {
  it("pages of another origin than those that may read", async () => {
    const { gateway } = await start(3, { cors: ["https://lender.example"] });
    const page = await listen(gateway.address, "feeds=ETH-USD", { origin: "https://other.example" });
    const { status, body } = await page.refused;
    expect([status, problemSchema.parse(JSON.parse(body)).type]).toEqual([403, "urn:breakwater:problem:origin-refused"]);
    for (const headers of [{ origin: "https://lender.example" }, {}] as Record<string, string>[]) {
      const reader = await listen(gateway.address, "feeds=ETH-USD", headers);
      await until(() => reader.rounds().length === 1);
    }
  });

  it.each([
    ["an unknown feed", "feeds=ETH-EUR", {}, 404, "unknown-feed"],
    ["a bad query", "feeds=ETH-USD&after=x", {}, 400, "bad-request"],
    ["one reader too many", "feeds=ETH-USD", { stream: { maxReadersPerAddress: 0 } }, 503, "too-many-readers"],
    ["one request too many", "feeds=ETH-USD", { rateLimit: { max: 0, windowMs: 60_000 } }, 429, "too-many-requests"],
    ["a missing key", "feeds=ETH-USD", { access: { required: true, keys: [] } }, 401, "key-required"],
  ])("%s, with a problem document before the upgrade", async (_, query, options, expected, code) => {
    const { gateway } = await start(3, options);
    const { status, body } = await (await listen(gateway.address, query)).refused;
    expect([status, problemSchema.parse(JSON.parse(body)).type]).toEqual([expected, `urn:breakwater:problem:${code}`]);
  });

  it("more readers with one key than its holder may have, from wherever and of either kind; others have their own places", async () => {
    const key = formatApiKey(new Uint8Array(32).fill(7));
    const holder = { name: "alice", sha256: apiKeyDigest(key), requestsPerMinute: 100, streams: 1 };
    const { gateway } = await start(3, { access: { required: false, keys: [holder] } });
    const first = await listen(gateway.address, "feeds=ETH-USD", { authorization: `Bearer ${key}` });
    await until(() => first.rounds().length === 1);
    const second = await (await listen(gateway.address, "feeds=ETH-USD", { "x-api-key": key })).refused;
    expect([second.status, problemSchema.parse(JSON.parse(second.body)).detail]).toEqual([
      503,
      "1 readers with this key already",
    ]);
    const events = await fetch(`${gateway.address}/v1/stream?feeds=ETH-USD`, { headers: { "x-api-key": key } });
    expect(events.status).toBe(503);
    const stranger = await listen(gateway.address, "feeds=ETH-USD");
    await until(() => stranger.rounds().length === 1);
    first.socket.close();
    await until(async () => (await metric(gateway.address, "breakwater_websocket_readers")) === 1);
    const again = await listen(gateway.address, "feeds=ETH-USD", { "x-api-key": key });
    await until(() => again.rounds().length === 1);
  });

  it("a reader that talks: too long with 1009, too often with 1008; a ping now and then is answered", async () => {
    const { gateway } = await start(3);
    const long = await listen(gateway.address, "feeds=ETH-USD");
    await long.opened;
    long.socket.send("x".repeat(1_025));
    expect((await long.closed).code).toBe(1_009);

    const chatty = await listen(gateway.address, "feeds=ETH-USD");
    await chatty.opened;
    for (let message = 0; message < 5; message++) chatty.socket.send("hello");
    expect(await chatty.closed).toEqual({ code: 1_008, reason: "this stream takes no messages" });

    const pinging = await listen(gateway.address, "feeds=ETH-USD");
    await pinging.opened;
    let pongs = 0;
    pinging.socket.on("pong", () => {
      pongs += 1;
    });
    for (let ping = 0; ping < 32; ping++) pinging.socket.ping();
    await until(() => pongs === 32);
    pinging.socket.ping();
    expect((await pinging.closed).code).toBe(1_008);
  });

  it("a client that only offers another protocol with its request is answered over HTTP/1.1", async () => {
    const { gateway } = await start(3);
    for (const [path, upgrade] of [
      ["/v1/feeds/ETH-USD", "h2c"],
      ["/v1/feeds/ETH-USD", "websocket"],
    ] as const) {
      const socket = raw(gateway.address);
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: ${upgrade}\r\nhttp2-settings: AA\r\n\r\n`,
      );
      await until(() => text.includes('"proof"'));
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });
});

describe("frozen readers", () => {
  it("that answer no ping are let go", async () => {
    const { gateway } = await start(3, { stream: { heartbeatMs: 30 } });
    const frozen = await listen(gateway.address, "feeds=ETH-USD", {}, { autoPong: false });
    const alive = await listen(gateway.address, "feeds=ETH-USD");
    await frozen.closed;
    expect(await metric(gateway.address, 'breakwater_stream_readers_dropped_total{reason="stalled"}')).toBe(1);
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    expect(await metric(gateway.address, "breakwater_websocket_readers")).toBe(1);
  });

  it("twenty among two hundred, of both kinds, harm nobody: the others get every round soon, and the memory stays", async () => {
    const wide = Array.from({ length: 40 }, (_, index) => `A${index}/USD`);
    const wideNetwork = networkOf(wide);
    const rounds = certifyChain(wideNetwork, wide, FIRST_ROUND, 1);
    const later = certifyChain(wideNetwork, wide, FIRST_ROUND + 1, 120);
    const maxReaderBytes = 256 * 1024;
    const { gateway, memory } = await start(0, {
      ...{ network: wideNetwork, rounds, now: () => FIRST_ROUND * 1_000 },
      stream: { maxReaderBytes, maxReadersPerAddress: 1_000 },
    });
    const all = wide.map((feed) => feed.replace("/", "-")).join(",");
    for (let reader = 0; reader < 20; reader++) freeze(gateway.address, reader % 2 === 0 ? "stream" : "ws", all);
    const quick = await Promise.all(Array.from({ length: 180 }, () => listen(gateway.address, "feeds=A0-USD")));
    await until(() => quick.every((reader) => reader.rounds().length === 1));
    const readers = async () =>
      (await metric(gateway.address, "breakwater_stream_readers")) +
      (await metric(gateway.address, "breakwater_websocket_readers"));
    await until(async () => (await readers()) === 200);
    const before = process.memoryUsage().rss;
    let slowest = 0;
    for (const round of later) {
      const publishedAt = performance.now();
      memory.publish(round);
      await until(() => quick.every((reader) => reader.rounds().at(-1) === round.certificate.header.round));
      slowest = Math.max(slowest, performance.now() - publishedAt);
    }
    await until(async () => (await readers()) === 180);
    expect(await metric(gateway.address, 'breakwater_stream_readers_dropped_total{reason="slow"}')).toBe(20);
    for (const reader of quick) expect(reader.rounds()).toEqual(upTo(0, 121));
    expect(slowest).toBeLessThan(4_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

function raw(address: string): Socket {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  closers.push(() => {
    socket.destroy();
  });
  return socket.on("error", () => undefined);
}

/** Asks, and never reads. */
function freeze(address: string, kind: "stream" | "ws", feeds: string): void {
  const upgrade =
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  const socket = raw(address);
  socket.write(`GET /v1/${kind}?feeds=${feeds} HTTP/1.1\r\nhost: x\r\n${kind === "ws" ? upgrade : ""}\r\n`);
  socket.pause();
}
