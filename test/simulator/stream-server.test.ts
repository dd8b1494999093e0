import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { controlFaults } from "../../simulator/control.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";

const LISTINGS = new Map([
  ["okx", ["BTC/USDT", "ETH/USDT"]],
  ["kraken", ["BTC/USDT"]],
  ["gate", ["BTC/USDT"]],
]);
const SUBSCRIBE = JSON.stringify({ op: "subscribe", args: [{ channel: "tickers", instId: "BTC-USDT" }] });

const servers: MarketServer[] = [];
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(): Promise<MarketServer> {
  const server = await startMarketServer({ seed: 3, listings: LISTINGS, now: Date.now });
  servers.push(server);
  return server;
}

/** A client that keeps what it hears; `ended` says how, when the server cuts or refuses it. */
function dial(url: string) {
  const socket = new WebSocket(url);
  sockets.push(socket);
  const heard: string[] = [];
  let ended: string | undefined;
  socket.on("message", (data) => void heard.push(data.toString()));
  socket.on("error", (error) => {
    ended = error.message;
  });
  socket.on("close", () => {
    ended ??= "closed";
  });
  return { socket, heard, ended: () => ended };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
}

async function subscribed(server: MarketServer) {
  const client = dial(`${server.url.replace("http", "ws")}/okx/ws/v5/public`);
  await once(client.socket, "open");
  client.socket.send(SUBSCRIBE);
  await until(() => client.heard.length >= 2);
  return client;
}

const tickersIn = (heard: readonly string[]) => heard.filter((text) => text.includes('"data"'));

test("the venues that push are those listed and with frames of their own; others and unknown paths are cut", async () => {
  const server = await serve();
  expect([...server.streamUrls.keys()].toSorted()).toEqual(["kraken", "okx"]);
  for (const path of ["/gate", "/nobody", "/"]) {
    const { ended } = dial(`${server.url.replace("http", "ws")}${path}`);
    await until(() => ended() !== undefined);
  }
});

test("a subscription is answered and pushed at once, then as the world moves, and ends when it is taken back", async () => {
  const server = await serve();
  const { socket, heard } = await subscribed(server);
  expect(JSON.parse(heard[0] ?? "")).toMatchObject({ event: "subscribe", arg: { instId: "BTC-USDT" } });
  await until(() => tickersIn(heard).length >= 3);
  socket.send(SUBSCRIBE.replace("subscribe", "unsubscribe"));
  await until(() => heard.some((text) => text.includes("unsubscribe")));
  const before = tickersIn(heard).length;
  await new Promise((done) => setTimeout(done, 1_200));
  expect(tickersIn(heard).length).toBe(before);
});

test("frames that are no request are answered as the venue does, or not at all, and end nothing", async () => {
  const server = await serve();
  const { socket, heard, ended } = await subscribed(server);
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"op":"subscribe","args":7}',
    '{"op":"subscribe","args":[null,5]}',
    "x".repeat(5_000),
  ]) {
    socket.send(text);
  }
  socket.send("ping");
  await until(() => heard.includes("pong"));
  expect(ended()).toBeUndefined();
});

describe("faults", () => {
  test("down and status refuse a new connection and cut the ones that are there", async () => {
    const server = await serve();
    for (const [fault, words] of [
      [{ venue: "okx", fault: "down" }, /hang up|ECONNRESET/],
      [{ venue: "okx", fault: "status", status: 503 }, /503/],
    ] as const) {
      const { ended } = await subscribed(server);
      expect(controlFaults(server, fault).ok).toBe(true);
      await until(() => ended() === "closed");
      const late = dial(server.streamUrls.get("okx") ?? "");
      await until(() => late.ended() !== undefined);
      expect(late.ended()).toMatch(words);
      server.clearFaults();
    }
  });

  test("silent keeps the connection and says nothing, and the venue's answers to requests go on", async () => {
    const server = await serve();
    const { heard, socket } = await subscribed(server);
    expect(controlFaults(server, { venue: "okx", fault: "silent" }).ok).toBe(true);
    const before = heard.length;
    socket.send("ping");
    await new Promise((done) => setTimeout(done, 1_200));
    expect(heard.length).toBe(before);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect((await fetch(`${server.baseUrls.get("okx")}/api/v5/market/ticker?instId=BTC-USDT`)).status).toBe(200);
    server.clearFaults();
    await until(() => heard.length > before);
  });

  test("gap repeats the first frame instead of what is new, in the market that it names", async () => {
    const server = await serve();
    const { heard } = await subscribed(server);
    await until(() => tickersIn(heard).length >= 2);
    expect(controlFaults(server, { venue: "okx", market: "BTC/USDT", fault: "gap" }).ok).toBe(true);
    const before = tickersIn(heard).length;
    await until(() => tickersIn(heard).length >= before + 2);
    expect(new Set(tickersIn(heard).slice(before))).toEqual(new Set([tickersIn(heard)[0]]));
  });

  test("malformed garbles one market's prices, or halves every frame of the venue", async () => {
    const server = await serve();
    const { heard } = await subscribed(server);
    server.addFault({ venue: "okx", market: "BTC/USDT", fault: "malformed" });
    await until(() => heard.at(-1)?.includes('"bidPx":"not a number"') === true);
    expect(JSON.parse(heard.at(-1) ?? "").data[0].askPx).toBe("not a number");
    server.clearFaults();
    server.addFault({ venue: "okx", fault: "malformed" });
    await until(() => heard.at(-1)?.endsWith("\u0000") === true);
  });
});
