import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Gateway, startGateway } from "../../gateway/io/server.ts";
import { openGateway, until } from "./support.ts";

const open: Gateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function start() {
  const gateway = await startGateway({ ...(await openGateway()).options, host: "127.0.0.1", port: 0 });
  open.push(gateway);
  return gateway;
}

/** Everything a stream of events brings until it ends. */
async function readAll(address: string): Promise<{ readonly text: () => string; readonly ended: Promise<void> }> {
  const response = await fetch(`${address}/v1/stream?feeds=ETH-USD`);
  let text = "";
  const take = async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  };
  return { text: () => text, ended: take() };
}

it("a gateway that stops is not ready at once, takes no more readers, answers what is asked, and ends its streams after a grace", async () => {
  const gateway = await start();
  const events = await readAll(gateway.address);
  const socket = new WebSocket(`${gateway.address.replace("http", "ws")}/v1/ws?feeds=ETH-USD`);
  const messages: string[] = [];
  socket.on("message", (data) => messages.push(String(data)));
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.on("close", (code, reason) => resolve([code, String(reason)]));
  });
  await until(() => messages.length === 1 && events.text().includes("data: "));
  expect((await fetch(`${gateway.address}/health/ready`)).headers.get("connection")).toBe("keep-alive");

  const startedAt = performance.now();
  const drained = gateway.drain({ graceMs: 300, retryMs: 700 });
  const ready = await fetch(`${gateway.address}/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ type: "urn:breakwater:problem:draining" });
  expect((await fetch(`${gateway.address}/health/live`)).status).toBe(200);
  const price = await fetch(`${gateway.address}/v1/feeds/ETH-USD`);
  expect([price.status, price.headers.get("connection")]).toEqual([200, "close"]);
  const refused = await fetch(`${gateway.address}/v1/stream?feeds=ETH-USD`);
  expect([refused.status, await refused.json()]).toMatchObject([503, { detail: "this gateway is stopping: ask another one" }]);
  expect(messages.some((text) => text.includes('"draining"'))).toBe(true);
  expect(socket.readyState).toBe(WebSocket.OPEN);

  await drained;
  expect(performance.now() - startedAt).toBeGreaterThan(290);
  await events.ended;
  expect(events.text()).toMatch(/: this gateway stops.*\n\nretry: 700\n\n$/s);
  expect(await closed).toEqual([1_012, "try again in 700 ms"]);
});

it("without readers there is nothing to wait for, and draining twice is draining once", async () => {
  const gateway = await start();
  const startedAt = performance.now();
  await Promise.all([gateway.drain(), gateway.drain()]);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it("closing without draining ends WebSockets as well", async () => {
  const gateway = await startGateway({ ...(await openGateway()).options, host: "127.0.0.1", port: 0 });
  const socket = new WebSocket(`${gateway.address.replace("http", "ws")}/v1/ws?feeds=ETH-USD`);
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise<void>((resolve) => socket.once("message", () => resolve()));
  await gateway.close();
  expect(await closed).toBe(1_012);
});
