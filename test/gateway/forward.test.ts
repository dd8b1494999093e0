import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { GUARDIANS, governedNetwork, signedBy } from "../support/governance.ts";
import { testKey } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";
import { buildTestGateway } from "./support.ts";

const network = governedNetwork();
const pauseBy = (keys: typeof GUARDIANS) =>
  signedBy(keys, { kind: "pause", feed: feedId("ETH/USD"), action: "none", until: 1_795_301_000_000 }, network);
const DOCUMENT = { document: toHex(pauseBy(GUARDIANS.slice(0, 1)).bytes) };
const DOCUMENTS = "/v1/governance/documents";
const SOURCES = "/v1/feeds/ETH-USD/sources";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A node as far as this is concerned; keeps what it was asked. */
async function node(answer: (response: ServerResponse, request: IncomingMessage) => void = (response) => ok(response)) {
  const asked: { readonly url: string; readonly method: string; readonly hops: unknown; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += String(piece);
    asked.push({ url: request.url ?? "", method: request.method ?? "", hops: request.headers["x-breakwater-hops"], body });
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  closing.push(stop);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, asked, stop };
}

function ok(response: ServerResponse, status = 200, content: object = { here: true }): void {
  const headers = { "content-type": "application/json", "cache-control": "no-store", "set-cookie": "a=b", "retry-after": "7" };
  response.writeHead(status, headers).end(JSON.stringify(content));
}

/** A request whose target is sent as it is. */
async function statusOf(address: string, target: string): Promise<number> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  let text = "";
  for await (const piece of socket) text += String(piece);
  return Number(text.split(" ")[1]);
}

const gatewayTo = (...urls: readonly string[]) =>
  buildTestGateway({ network, rounds: [], forward: urls.map((url) => ({ url })) });

describe("what only a node can answer", () => {
  test("is asked of a node, whose name the reply bears", async () => {
    const upstream = await node();
    const { get } = await gatewayTo(upstream.url);
    const reply = await get(SOURCES);
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ here: true });
    expect(reply.headers).toMatchObject({
      "x-breakwater-upstream": upstream.host,
      "cache-control": "no-store",
      "retry-after": "7",
    });
    expect(reply.headers).not.toHaveProperty("set-cookie");
    expect(upstream.asked).toEqual([{ url: SOURCES, method: "GET", hops: "1", body: "" }]);
  });

  test("a document goes there as it came; a refusal comes back as it was", async () => {
    const upstream = await node((response) => ok(response, 409, { code: "nonce" }));
    const { post } = await gatewayTo(upstream.url);
    const reply = await post(DOCUMENTS, DOCUMENT);
    expect([reply.status, reply.json()]).toEqual([409, { code: "nonce" }]);
    expect(JSON.parse(upstream.asked[0]?.body ?? "")).toEqual(DOCUMENT);
  });

  test.each(["/v1/breaker/pause", DOCUMENTS])("POST %s is relayed", async (path) => {
    const upstream = await node();
    const { post } = await gatewayTo(upstream.url);
    expect((await post(path, DOCUMENT)).status).toBe(200);
  });

  test("a proposed config is replayed there", async () => {
    const upstream = await node();
    const { post, network } = await gatewayTo(upstream.url);
    expect((await post("/v1/governance/replay", { config: network.config })).status).toBe(200);
  });

  test("is not asked of anybody when the request is none, or one that this gateway answers", async () => {
    const upstream = await node();
    const { get, post } = await gatewayTo(upstream.url);
    expect((await post(DOCUMENTS, { document: "no hex" })).status).toBe(400);
    expect((await post(DOCUMENTS, { document: `0x${"ab".repeat(9_000_000)}` })).status).toBe(413);
    expect((await get(`${SOURCES}?x=1`)).status).toBe(400);
    expect((await get(DOCUMENTS)).status).toBe(200);
    expect((await get("/v1/feeds")).status).toBe(200);
    expect(upstream.asked).toEqual([]);
  });

  test("is not asked with a document that no keyholder signed: a stranger's flood would use up what the node grants this gateway", async () => {
    const upstream = await node();
    const { post } = await gatewayTo(upstream.url);
    const strangers = pauseBy([testKey(99)]);
    for (const document of ["0xabab", toHex(strangers.bytes), `${DOCUMENT.document}00`]) {
      for (const path of ["/v1/breaker/pause", DOCUMENTS]) {
        const reply = await post(path, { document });
        expect([reply.status, reply.json().code]).toEqual([422, "malformed"]);
      }
    }
    expect(upstream.asked).toEqual([]);
  });

  test.each(["http://elsewhere.example/v1/feeds/ETH-USD/sources", "https://u:p@elsewhere.example/v1/feeds/ETH-USD/sources"])(
    "is asked below the node's own base, whatever the target says: %s",
    async (target) => {
      const upstream = await node();
      const { app } = await gatewayTo(`${upstream.url}/behind/proxy`);
      const address = await app.listen({ host: "127.0.0.1", port: 0 });
      closing.push(() => app.close());
      expect(await statusOf(address, target)).toBe(200);
      expect(upstream.asked.map(({ url }) => url)).toEqual([`/behind/proxy${SOURCES}`]);
    },
  );

  test.each(["%2e%2e", "..", "..%2f..%2fadmin", "..\\..\\admin", "ETH-USD%2f..", "NO-FEED"])(
    "no path climbs out of it, and no feed that is none is asked for: %s",
    async (id) => {
      const upstream = await node();
      const { app } = await gatewayTo(`${upstream.url}/behind/proxy`);
      const address = await app.listen({ host: "127.0.0.1", port: 0 });
      closing.push(() => app.close());
      expect([400, 404]).toContain(await statusOf(address, `/v1/feeds/${id}/sources`));
      expect(upstream.asked).toEqual([]);
    },
  );

  test("is asked of the next node when one is gone, and of that one first from then on", async () => {
    const [gone, here] = [await node(), await node()];
    await gone.stop();
    const { get, post, logged } = await gatewayTo(gone.url, here.url);
    for (const reply of [await get(SOURCES), await post(DOCUMENTS, DOCUMENT)]) {
      expect(reply.headers["x-breakwater-upstream"]).toBe(here.host);
    }
    expect(logged.map(({ message }) => message)).toEqual([expect.stringContaining("does not answer: is it running")]);
  });

  test("is asked of the next node when one falls silent: to look, and to hand in, may be done twice", async () => {
    const [silent, here] = [await node(() => undefined), await node()];
    const { get } = await gatewayTo(silent.url, here.url);
    expect((await get(SOURCES)).headers["x-breakwater-upstream"]).toBe(here.host);
  });

  test("is a problem that says so when no node answers, or none is configured", async () => {
    const gone = await node();
    await gone.stop();
    const reply = await (await gatewayTo(gone.url)).post(DOCUMENTS, DOCUMENT);
    expect([reply.status, reply.json().detail]).toEqual([503, "none of the 1 nodes behind this gateway answers"]);
    const { get, post } = await gatewayTo();
    expect((await get(SOURCES)).json().type).toBe("urn:breakwater:problem:no-sources");
    expect((await post(DOCUMENTS, DOCUMENT)).json().type).toBe("urn:breakwater:problem:no-node");
  });

  describe("a document that rounds have carried is public, and whoever brings it again", () => {
    const pause = pauseBy(GUARDIANS.slice(0, 1));
    const spent = () => {
      const keyholders = pause.document.approvals.map(({ keyholder, nonce }) => ({
        ...{ address: keyholder, nonce },
        ...{ usedMs: 0, usedAt: 0 },
      }));
      return { keyholders, pauses: [], pending: undefined, previous: ZERO_DIGEST };
    };

    test.each(["/v1/breaker/pause", DOCUMENTS])("is told here what a node would say once it is spent: POST %s", async (path) => {
      const upstream = await node();
      const forward = [{ url: upstream.url }];
      const { post, memory } = await buildTestGateway({ network, rounds: [], forward, governance: spent });
      memory.kept.documents.push({ ...pause, kind: "pause" });
      for (let time = 0; time < 70; time += 1) expect((await post(path, DOCUMENT)).status).toBe(time < 60 ? 409 : 429);
      expect(upstream.asked).toEqual([]);
    });

    test.each<[what: string, status: number, content: object, later: number, asked: number]>([
      ["that carries it", 202, { digest: pause.digest, code: "carried" }, 202, 1],
      ["that refuses it", 409, { code: "busy", detail: "no room" }, 409, 1],
      ["that has no time", 429, {}, 429, 3],
      ["that says nothing of it", 409, {}, 409, 3],
    ])("is told what a node said that was asked before, one %s", async (_, status, content, later, asked) => {
      const upstream = await node((response) => ok(response, status, content));
      const { post, memory } = await gatewayTo(upstream.url);
      memory.kept.documents.push({ ...pause, kind: "pause" });
      for (const expected of [status, later, later]) {
        const reply = await post(DOCUMENTS, DOCUMENT);
        expect([reply.status, reply.json()]).toMatchObject([expected, content]);
      }
      expect(upstream.asked).toHaveLength(asked);
    });

    test("is told that no node answers as long as none does", async () => {
      const gone = await node();
      await gone.stop();
      const { post, memory } = await gatewayTo(gone.url);
      memory.kept.documents.push({ ...pause, kind: "pause" });
      for (const expected of [503, 503]) expect((await post(DOCUMENTS, DOCUMENT)).status).toBe(expected);
    });
  });

  test("is asked with the key that the node's gateway gave, and with nobody else's", async () => {
    const shown: unknown[] = [];
    const upstream = await node((response, { headers }) => {
      shown.push([headers.authorization, headers["x-api-key"]]);
      ok(response);
    });
    const { app } = await buildTestGateway({ network, rounds: [], forward: [{ url: upstream.url, key: "bw_edge" }] });
    const { statusCode } = await app.inject({ url: SOURCES, headers: { "x-api-key": "mine", authorization: "Bearer mine" } });
    expect([statusCode, shown]).toEqual([200, [["Bearer bw_edge", undefined]]]);
  });

  test("is asked of the next node when one refuses this gateway's key, which is no fault of the reader", async () => {
    const [closed, here] = [await node((response) => ok(response, 401)), await node()];
    const { get, post, logged } = await gatewayTo(closed.url, here.url);
    for (const reply of [await get(SOURCES), await post("/v1/governance/replay", { config: network.config })]) {
      expect([reply.status, reply.headers["x-breakwater-upstream"]]).toEqual([200, here.host]);
    }
    expect(logged).toMatchObject([{ details: { why: expect.stringContaining("keyFile") } }]);
    expect((await (await gatewayTo(closed.url)).get(SOURCES)).status).toBe(503);
  });

  test("does not go round in circles", async () => {
    const upstream = await node();
    const { app } = await gatewayTo(upstream.url);
    for (const hops of ["4", "9", "x", "-1e308", "0x1", ""]) {
      const reply = await app.inject({ method: "GET", url: SOURCES, headers: { "x-breakwater-hops": hops } });
      expect(reply.statusCode).toBe(503);
    }
    expect(upstream.asked).toEqual([]);
    const near = await app.inject({ method: "GET", url: SOURCES, headers: { "x-breakwater-hops": "3" } });
    expect(near.statusCode).toBe(200);
    expect(upstream.asked[0]?.hops).toBe("4");
  });

  test("a reply without an end is cut off, and a redirect is no reply", async () => {
    const endless = await node((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(1 << 20, 32), () => setImmediate(more));
      };
      more();
    });
    const large = await node((response) => ok(response, 200, { text: "x".repeat(17 * 2 ** 20) }));
    const here = await node();
    const elsewhere = await node((response) => response.writeHead(302, { location: `${here.url}${SOURCES}` }).end());
    for (const { url } of [endless, large, elsewhere]) expect((await (await gatewayTo(url)).get(SOURCES)).status).toBe(503);
  });
});
