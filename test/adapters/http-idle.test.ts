import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createVenueHttp } from "../../adapters/io/http.ts";

test("a connection left idle is closed from this side before Node's five seconds, so that no request meets a closing one", async () => {
  const idle = Promise.withResolvers<number>();
  const server = createServer((_request, response) => response.end("{}"));
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    const openedAt = performance.now();
    socket.on("close", () => idle.resolve(performance.now() - openedAt));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const { port } = server.address() as AddressInfo;
  const client = createVenueHttp({
    baseUrl: `http://127.0.0.1:${port}`,
    timeoutMs: 2_000,
    maxBytes: 1_000,
    maxSockets: 2,
    now: () => 0,
  });
  try {
    const answer = await client.send({ method: "GET", path: "/", markets: [] });
    expect(answer.ok).toBe(true);
    const lived = await Promise.race([idle.promise, new Promise((late) => setTimeout(() => late("still open"), 4_800))]);
    expect(lived).toBeTypeOf("number");
    expect(lived).toBeGreaterThan(1_000);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
});
