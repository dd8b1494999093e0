import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { startGateway } from "../../gateway/io/server.ts";
import { openGateway, until } from "./support.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(options: Parameters<typeof openGateway>[0]) {
  const gateway = await startGateway({ ...(await openGateway(options)).options, host: "127.0.0.1", port: 0 });
  closing.push(gateway.close);
  const port = Number(new URL(gateway.address).port);
  return async (localAddress: string): Promise<Socket> => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => undefined).resume();
    closing.push(() => socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve));
    return socket;
  };
}

const answers = (socket: Socket) =>
  new Promise((resolve) => {
    socket.once("data", (data) => resolve(String(data).split("\r\n")[0])).once("close", () => resolve("closed"));
    socket.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  });

it("an address that holds as many connections as it may gets no more, another address does, and a place is free when one ends", async () => {
  const open = await serve({ maxConnectionsPerAddress: 3 });
  const held = [await open("127.0.0.1"), await open("127.0.0.1"), await open("127.0.0.1")];
  expect(await answers(await open("127.0.0.1"))).toBe("closed");
  expect(await answers(await open("127.0.0.2"))).toBe("HTTP/1.1 200 OK");
  held[0]?.destroy();
  await until(async () => (await answers(await open("127.0.0.1"))) === "HTTP/1.1 200 OK");
});

it("proxies that are named hold as many as they like: all of their clients come over them", async () => {
  const open = await serve({ maxConnectionsPerAddress: 1, trustProxy: ["127.0.0.0/8"] });
  await open("127.0.0.1");
  expect(await answers(await open("127.0.0.1"))).toBe("HTTP/1.1 200 OK");
});
