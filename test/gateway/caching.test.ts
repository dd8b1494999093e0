import { describe, expect, it } from "vitest";
import { verifyText } from "../../client/verify.ts";
import { buildGateway } from "../../gateway/io/server.ts";
import { cacheControlOf, matchesTag, pastCacheControlOf } from "../../gateway/lease.ts";
import { feedDocumentSchema } from "../../protocol/document.ts";
import { changed, keysOf } from "../client/changing.ts";
import { scheme } from "../support/network.ts";
import { certifyChain, networkOf } from "../support/rounds.ts";
import { buildTestGateway, FEEDS, FIRST_ROUND, openGateway } from "./support.ts";

const LATEST = FIRST_ROUND + 2;
/** What may be decided on, and what is only looked at. */
const PERMITTING = ["/v1/feeds/ETH-USD", "/v1/feeds?ids=ETH-USD,BTC-USD", "/v1/bundle?feeds=ETH-USD"];
const SHOWING = ["/v1/feeds", "/v1/breaker", "/v1/chains", "/v1/rounds/latest"];
const CURRENT = [...PERMITTING, ...SHOWING];

async function open(options: Parameters<typeof buildTestGateway>[0] = {}) {
  const parts = await buildTestGateway(options);
  const ask = (url: string, headers: Record<string, string> = {}, method: "GET" | "HEAD" = "GET") =>
    parts.app.inject({ method, url, headers });
  return { ...parts, ask, validUntil: parts.rounds.at(-1)?.certificate.header.validUntil ?? 0 };
}

describe("a round's documents", () => {
  it.each(CURRENT)("%s: a second and no longer, and asked for again after it", async (url) => {
    const { ask, clock, validUntil } = await open();
    expect((await ask(url)).headers["cache-control"]).toBe("public, max-age=1, must-revalidate");
    clock.now = validUntil - 200;
    expect((await ask(url)).headers["cache-control"]).toBe("public, max-age=0, must-revalidate");
    clock.now = validUntil;
    expect((await ask(url)).headers["cache-control"]).toBe("public, max-age=0, must-revalidate");
  });

  it.each(CURRENT)("%s: not sent again to who has it, until the next round", async (url) => {
    const { ask, memory, network } = await open();
    const first = await ask(url);
    const tag = String(first.headers.etag);
    expect(tag).toMatch(/^"[0-9a-f]{64}(-[0-9a-f]{16})?"$/);
    const known = await ask(url, { "if-none-match": `"other", ${tag}` });
    expect([known.statusCode, known.body, known.headers.etag]).toEqual([304, "", tag]);
    expect(known.headers["cache-control"]).toBe(first.headers["cache-control"]);
    expect((await ask(url, { "if-none-match": '"other"' })).body).toBe(first.body);
    for (const round of certifyChain(network, FEEDS, LATEST + 1, 1)) memory.publish(round);
    const next = await ask(url, { "if-none-match": tag });
    expect(next.statusCode).toBe(200);
    expect(next.headers.etag).not.toBe(tag);
  });

  it.each(CURRENT)("%s: HEAD says what GET would, without the document", async (url) => {
    const { ask } = await open();
    const [whole, head] = [await ask(url), await ask(url, {}, "HEAD")];
    expect([head.statusCode, head.body]).toEqual([200, ""]);
    for (const name of ["etag", "cache-control", "content-type", "content-length"]) {
      expect([name, head.headers[name]]).toEqual([name, whole.headers[name]]);
    }
    expect((await ask(url, { "if-none-match": String(whole.headers.etag) }, "HEAD")).statusCode).toBe(304);
  });

  it("one round under another config in force is another document with another tag", async () => {
    const before = networkOf(FEEDS);
    const after = changed(before, keysOf(1, 2, 3, 4), { feeds: networkOf([...FEEDS, "NEW/USD"]).config.feeds });
    let current = before;
    const { options } = await openGateway({ network: before });
    const app = await buildGateway({ ...options, network: () => current });
    const ask = (etag: string) => app.inject({ url: "/v1/feeds", headers: { "if-none-match": etag } });
    const tag = String((await ask("")).headers.etag);
    expect((await ask(tag)).statusCode).toBe(304);
    current = after;
    const reply = await ask(tag);
    expect([reply.statusCode, reply.json().feeds.length]).toEqual([200, 4]);
  });
});

describe("after the lease (P3)", () => {
  it.each(PERMITTING)("%s: there is no document, and it is not to be kept", async (url) => {
    const { ask, clock, validUntil } = await open();
    clock.now = validUntil;
    expect((await ask(url)).statusCode).toBe(200);
    clock.now = validUntil + 1;
    for (const headers of [{}, { "if-none-match": "*" }]) {
      const reply = await ask(url, headers);
      expect([reply.statusCode, reply.headers["cache-control"], reply.headers["retry-after"]]).toEqual([503, "no-store", "1"]);
      expect(reply.headers.etag).toBeUndefined();
      expect(reply.json()).toMatchObject({ type: "urn:breakwater:problem:lease-ended" });
      expect(reply.json().detail).toContain(`of round ${LATEST}, ended 1 ms ago (validUntil ${validUntil})`);
    }
  });

  it.each(SHOWING)("%s: stays readable for diagnosis, and nobody keeps it", async (url) => {
    const { ask, clock, validUntil } = await open();
    const { etag } = (await ask(url)).headers;
    clock.now = validUntil + 1;
    const reply = await ask(url, { "if-none-match": String(etag) });
    expect([reply.statusCode, reply.headers["cache-control"], reply.headers.etag]).toEqual([200, "no-store", undefined]);
  });

  it("the next round speaks again at once", async () => {
    const { ask, clock, memory, network, validUntil } = await open();
    clock.now = validUntil + 1;
    const round = Math.floor(clock.now / network.config.roundMs);
    for (const next of certifyChain(network, FEEDS, round, 1)) memory.publish(next);
    for (const url of PERMITTING) expect([url, (await ask(url)).statusCode]).toEqual([url, 200]);
  });
});

describe("past rounds", () => {
  it("are immutable once the walk has gone on past their lease, and never before", async () => {
    const { ask, clock, memory, network } = await open();
    const url = `/v1/rounds/${FIRST_ROUND}`;
    const cacheControl = async () => (await ask(url)).headers["cache-control"];
    expect(await cacheControl()).toBe("public, max-age=1, must-revalidate");
    clock.now = (FIRST_ROUND + 61) * 1_000;
    expect(await cacheControl()).toBe("public, max-age=1, must-revalidate");
    for (const round of certifyChain(network, FEEDS, FIRST_ROUND + 61, 1)) memory.publish(round);
    expect(await cacheControl()).toBe("public, max-age=86400, immutable");
    const { etag } = (await ask(url)).headers;
    expect((await ask(url, { "if-none-match": String(etag) })).statusCode).toBe(304);
  });

  it("off the walk are asked for again: a gateway may yet learn that they are on it", () => {
    const [old, , latest] = certifyChain(networkOf(FEEDS), FEEDS, FIRST_ROUND, 80).filter((_, index) => index % 39 === 0);
    if (old === undefined || latest === undefined) throw new Error("eighty rounds were asked for");
    const at = { latest, now: latest.certificate.header.timestamp, roundMs: 1_000 };
    expect(pastCacheControlOf({ certified: old, orphan: false }, at)).toContain("immutable");
    expect(pastCacheControlOf({ certified: old, orphan: true }, at)).toBe("public, max-age=1, must-revalidate");
  });
});

it("a cache keeps a price no longer than a round of a quick network", () => {
  const [round] = certifyChain(networkOf(["ETH/USD"]), ["ETH/USD"], FIRST_ROUND, 1);
  if (round === undefined) throw new Error("one round was asked for");
  const { timestamp } = round.certificate.header;
  expect(cacheControlOf(round, timestamp, { roundMs: 500 })).toBe("public, max-age=0, must-revalidate");
  expect(cacheControlOf(round, timestamp, { roundMs: 5_000 })).toBe("public, max-age=1, must-revalidate");
});

describe("matchesTag", () => {
  it.each([
    ['"aa"', true],
    ['W/"aa"', true],
    ['"bb","aa"', true],
    ['"bb" , W/"aa"', true],
    ["*", true],
    ['"bb"', false],
    ['"aab"', false],
    ["aa", false],
    ["", false],
  ])("%j", (ifNoneMatch, expected) => {
    expect(matchesTag(ifNoneMatch, '"aa"')).toBe(expected);
  });
});

it("/v1/feeds?ids= gives each feed's own whole document, all of one round, in the order asked for, each once", async () => {
  const { ask, network } = await open();
  const documents: unknown[] = (await ask("/v1/feeds?ids=LINK-USD,BTC-USD,LINK-USD")).json();
  expect(documents.map((item) => feedDocumentSchema.parse(item).feed)).toEqual(["LINK/USD", "BTC/USD"]);
  const trust = { committee: network.committee, domain: network.domain };
  for (const item of documents) {
    expect(verifyText(JSON.stringify(item), { trust, scheme })).toMatchObject({ ok: true, header: { round: LATEST } });
  }
  expect(documents[1]).toEqual((await ask("/v1/feeds/BTC-USD")).json());
});
