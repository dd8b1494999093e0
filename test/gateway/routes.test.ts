import { describe, expect, it } from "vitest";
import { trustCommittee, trustGenesis } from "../../client/committee.ts";
import { verifyText } from "../../client/verify.ts";
import { evidenceListSchema, feedListSchema, historySchema, roundSchema } from "../../gateway/documents.ts";
import { buildGateway } from "../../gateway/io/server.ts";
import type { SourcesView } from "../../gateway/ports.ts";
import { sourcesSchema } from "../../gateway/sources.ts";
import { ONE } from "../../protocol/amount.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { bundleDocumentSchema, committeeDocumentSchema, decodeReport, feedDocumentSchema } from "../../protocol/document.ts";
import { observationDigest } from "../../protocol/eip712.ts";
import { verifyEvidence } from "../../protocol/evidence.ts";
import { buildMerkleTree } from "../../protocol/merkle.ts";
import { leafHash, reportTuple } from "../../protocol/report.ts";
import { changed, keysOf } from "../client/changing.ts";
import { digestOf, scheme, testKeys } from "../support/network.ts";
import { certifyChain, feedId, networkOf } from "../support/rounds.ts";
import { buildTestGateway, FEEDS, FIRST_ROUND, openGateway } from "./support.ts";

const LATEST = FIRST_ROUND + 2;

describe("/v1/feeds", () => {
  it("lists every configured feed, null until its first price", async () => {
    const { get } = await buildTestGateway();
    const { status, json } = await get("/v1/feeds");
    expect(status).toBe(200);
    const { feeds, network } = feedListSchema.parse(json());
    expect(network).toBe("test");
    expect(feeds.map(({ feed, price }) => [feed, price])).toEqual([
      ["BTC/USD", "1802"],
      ["ETH/USD", "1802"],
      ["LINK/USD", "1802"],
      ["NEW/USD", null],
    ]);
    expect(feeds[0]).toMatchObject({
      preset: "major",
      round: LATEST,
      breaker: { state: "closed" },
      permits: { liquidate: "any" },
    });
    expect(feeds[3]).toMatchObject({ round: null, validUntil: null, breaker: null, permits: null });
  });

  it("lists them before the first round as well", async () => {
    const { get } = await buildTestGateway({ rounds: [] });
    const { headers, json } = await get("/v1/feeds");
    expect(feedListSchema.parse(json()).feeds.map(({ price }) => price)).toEqual([null, null, null, null]);
    expect(headers["cache-control"]).toBe("no-store");
  });
});

describe("/v1/feeds/:id and /v1/bundle", () => {
  it("give documents that verify, of the newest round, and follow it", async () => {
    const { get, memory, network } = await buildTestGateway();
    const trust = { committee: network.committee, domain: network.domain };
    for (const round of [LATEST, LATEST + 1]) {
      const feed = await get("/v1/feeds/ETH-USD");
      expect(feedDocumentSchema.parse(feed.json())).toMatchObject({ feed: "ETH/USD", round });
      const bundle = await get("/v1/bundle?feeds=LINK-USD,BTC-USD");
      expect(bundleDocumentSchema.parse(bundle.json()).feeds.map((item) => item.feed)).toEqual(["LINK/USD", "BTC/USD"]);
      for (const { text } of [feed, bundle])
        expect(verifyText(text, { trust, scheme })).toMatchObject({ ok: true, header: { round } });
      const [next] = certifyChain(network, FEEDS, LATEST + 1, 1);
      if (next !== undefined && round === LATEST) memory.publish(next);
    }
  });

  it("never go back to an older round that arrives late", async () => {
    const { get, memory, network } = await buildTestGateway();
    for (const round of certifyChain(network, FEEDS, FIRST_ROUND - 5, 1)) memory.publish(round);
    expect((await get("/v1/feeds/ETH-USD")).json().round).toBe(LATEST);
  });

  it("are open to any origin", async () => {
    const { app } = await buildTestGateway();
    const url = "/v1/feeds/ETH-USD";
    const reply = await app.inject({ method: "GET", url, headers: { origin: "https://lender.example" } });
    expect(reply.headers["access-control-allow-origin"]).toBe("*");
    const preflight = await app.inject({
      method: "OPTIONS",
      url,
      headers: { origin: "https://lender.example", "access-control-request-method": "GET" },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers["access-control-allow-methods"]).toBe("GET, HEAD, POST");
  });
});

describe("/v1/feeds/:id/history", () => {
  const timestamp = (round: number) => round * 1_000;

  it("gives past rounds, oldest first, within from and to, both included", async () => {
    const { get, network } = await buildTestGateway({
      rounds: certifyChain(networkOf([...FEEDS, "NEW/USD"]), FEEDS, FIRST_ROUND, 10),
    });
    expect(network.config.roundMs).toBe(1_000);
    const all = historySchema.parse((await get("/v1/feeds/ETH-USD/history")).json());
    expect(all.points.map(({ round }) => round)).toEqual(Array.from({ length: 10 }, (_, index) => FIRST_ROUND + index));
    expect(all).toMatchObject({ feed: "ETH/USD", more: false });
    const query = `from=${timestamp(FIRST_ROUND + 2)}&to=${timestamp(FIRST_ROUND + 4) + 999}`;
    const some = historySchema.parse((await get(`/v1/feeds/ETH-USD/history?${query}`)).json());
    expect(some.points.map(({ round, price }) => [round - FIRST_ROUND, price])).toEqual([
      [2, "1802"],
      [3, "1803"],
      [4, "1804"],
    ]);
    const justAfter = await get(
      `/v1/feeds/ETH-USD/history?from=${timestamp(FIRST_ROUND + 2) + 1}&to=${timestamp(FIRST_ROUND + 3)}`,
    );
    expect(historySchema.parse(justAfter.json()).points.map(({ round }) => round)).toEqual([FIRST_ROUND + 3]);
  });

  it("keeps the newest `limit` and says that there are more", async () => {
    const { get } = await buildTestGateway();
    const { points, more } = historySchema.parse((await get("/v1/feeds/ETH-USD/history?limit=2")).json());
    expect(points.map(({ round }) => round)).toEqual([LATEST - 1, LATEST]);
    expect(more).toBe(true);
    expect(historySchema.parse((await get("/v1/feeds/NEW-USD/history")).json())).toEqual({
      feed: "NEW/USD",
      more: false,
      points: [],
    });
  });
});

describe("/v1/feeds/:id/sources", () => {
  const source = (venue: string) => ({
    venue,
    market: "ETH/USDT",
    group: venue,
    weight: 2,
    convert: [{ multiply: feedId("USDT/USD") }],
  });
  const view: SourcesView = {
    at: 10_000,
    price: {
      feed: feedId("ETH/USD"),
      entry: { price: 1_800n * ONE, low: 1_799n * ONE, high: 1_801n * ONE, asOf: 9_000, groups: 2, topBps: 5_000, outsideBps: 0 },
      sources: [
        { source: source("kraken"), raw: 1_801n * ONE, price: 1_800n * ONE, asOf: 9_000, weightBps: 5_000 },
        { source: source("okx"), drop: { code: "stale", detail: "16000 ms old, at most 15000 counts" } },
      ],
    },
  };

  it("says how this node got its price, source by source", async () => {
    const { get } = await buildTestGateway({ sources: () => view });
    const { price, refusal, sources } = sourcesSchema.parse((await get("/v1/feeds/ETH-USD/sources")).json());
    expect([price, refusal]).toEqual(["1800", null]);
    expect(sources[0]).toMatchObject({
      venue: "kraken",
      status: "used",
      convert: "ETH/USDT × USDT/USD",
      raw: "1801",
      ageMs: 1_000,
    });
    expect(sources[1]).toMatchObject({
      venue: "okx",
      status: "dropped",
      code: "stale",
      detail: "16000 ms old, at most 15000 counts",
    });
  });

  it("says why there is none", async () => {
    const refused: SourcesView = {
      at: 10_000,
      price: { feed: feedId("ETH/USD"), refusal: "1 usable sources, at least 3 are needed", sources: [] },
    };
    const { get } = await buildTestGateway({ sources: () => refused });
    expect(sourcesSchema.parse((await get("/v1/feeds/ETH-USD/sources")).json())).toMatchObject({
      price: null,
      refusal: refused.price.refusal,
    });
  });
});

describe("/v1/rounds", () => {
  it("gives any stored round with every leaf, from which its root is rebuilt", async () => {
    const { get } = await buildTestGateway();
    for (const [path, number] of [["latest", LATEST] as const, [`${FIRST_ROUND}`, FIRST_ROUND] as const]) {
      const round = roundSchema.parse((await get(`/v1/rounds/${path}`)).json());
      expect(round.header.round).toBe(number);
      expect(round.body).toBeUndefined();
      const leaves = round.feeds.map(({ report }) => {
        const decoded = decodeReport(report);
        if (!decoded.ok) throw new Error(decoded.error);
        return leafHash(reportTuple(decoded.value));
      });
      expect(buildMerkleTree(leaves).root).toBe(round.header.reportsRoot);
    }
  });

  it("with body=1 adds all that recomputes it, as stored", async () => {
    const { get, memory, network, rounds } = await buildTestGateway();
    const parent = rounds.at(-1)?.certificate.header;
    const [next] = certifyChain(network, FEEDS, LATEST + 1, 1);
    if (next === undefined) throw new Error("one round was asked for");
    memory.publish(next, { round: LATEST + 1, parent, memory: "0x0102", observations: ["0xaa", "0xbb"], documents: ["0xcc"] });
    const expected = { round: LATEST + 1, parent, memory: "0x0102", observations: ["0xaa", "0xbb"], documents: ["0xcc"] };
    expect(roundSchema.parse((await get("/v1/rounds/latest?body=1")).json()).body).toEqual(expected);
    expect(roundSchema.parse((await get(`/v1/rounds/${LATEST + 1}?body=1`)).json()).body).toEqual(expected);
    expect((await get(`/v1/rounds/${LATEST + 1}?body=0`)).json().body).toBeUndefined();
  });

  it("gives a first round's missing parent as null", async () => {
    const { get, memory, network } = await buildTestGateway({ rounds: [] });
    for (const round of certifyChain(network, FEEDS, FIRST_ROUND, 1)) {
      memory.publish(round, { round: FIRST_ROUND, parent: undefined, memory: "0x", observations: [], documents: [] });
    }
    expect(roundSchema.parse((await get("/v1/rounds/latest?body=1")).json()).body?.parent).toBeNull();
  });
});

describe("/v1/committee", () => {
  it("is what a verifier trusts, in the documented shape", async () => {
    const { get, network } = await buildTestGateway();
    const document = (await get("/v1/committee")).json();
    expect(Object.keys(document)).toEqual(["network", "domain", "configDigest", "genesisConfigDigest", "f", "quorum", "members"]);
    expect(document.domain).toEqual({ name: "Breakwater", version: "1", salt: network.domain.salt });
    expect(trustCommittee(document)).toEqual({ ok: true, value: { committee: network.committee, domain: network.domain } });
  });

  it("with config=1 is enough for whoever holds the genesis digest alone", async () => {
    const { get, network } = await buildTestGateway();
    const document = committeeDocumentSchema.parse((await get("/v1/committee?config=1")).json());
    expect(trustGenesis(document, network.genesisConfigDigest).ok).toBe(true);
    expect(trustGenesis(document, digestOf(1)).ok).toBe(false);
  });

  it("is another one after a change of config, and so is what the config lists", async () => {
    const before = networkOf(FEEDS);
    const after = changed(before, keysOf(1, 2, 3, 4), { feeds: networkOf([...FEEDS, "NEW/USD"]).config.feeds });
    let current = before;
    const { options } = await openGateway({ network: before });
    const moving = await buildGateway({ ...options, network: () => current });
    const ask = async (url: string) => (await moving.inject({ method: "GET", url })).json();
    const committee = async () => (await ask("/v1/committee")).configDigest;
    const listed = async () => {
      const [feeds, breaker] = [await ask("/v1/feeds"), await ask("/v1/breaker")];
      return [feeds.feeds.length, breaker.feeds.length, (await ask("/v1/feeds/NEW-USD")).status];
    };
    expect([await committee(), await listed()]).toEqual([before.configDigest, [3, 3, 404]]);
    current = after;
    expect([await committee(), await listed()]).toEqual([after.configDigest, [4, 4, 503]]);
  });
});

it("/v1/evidence gives equivocations that convict", async () => {
  const { get, memory, network } = await buildTestGateway();
  const [key] = testKeys(4);
  if (key === undefined) throw new Error("four keys were asked for");
  const statement = (byte: number) => {
    const struct = { round: 7, configDigest: network.configDigest, contents: digestOf(byte) };
    return { struct, signature: scheme.sign(fromHex(observationDigest(network.domain, struct)), key.privateKey) };
  };
  memory.accuse({ kind: "observation", signer: key.address, statements: [statement(1), statement(2)] });
  const { evidence } = evidenceListSchema.parse((await get("/v1/evidence")).json());
  expect(evidence).toHaveLength(1);
  for (const item of evidence) {
    const verdictOf = verifyEvidence(item, { committee: network.committee, domain: network.domain, scheme });
    expect(verdictOf).toEqual({ ok: true, value: key.address });
  }
});

describe("/health", () => {
  it("is live always, and ready while the newest certificate's lease runs", async () => {
    const { get, clock, rounds } = await buildTestGateway();
    const validUntil = rounds.at(-1)?.certificate.header.validUntil ?? 0;
    expect((await get("/health/live")).json()).toEqual({ live: true });
    expect((await get("/health/ready")).json()).toEqual({ ready: true, round: LATEST, validUntil });
    clock.now = validUntil;
    expect((await get("/health/ready")).status).toBe(200);
    clock.now = validUntil + 1;
    const expired = await get("/health/ready");
    expect(expired.status).toBe(503);
    expect(expired.json().detail).toBe(`the newest certificate, of round ${LATEST}, ended 1 ms ago (validUntil ${validUntil})`);
    expect((await get("/health/live")).status).toBe(200);
  });

  it("is not ready before the first round", async () => {
    const { get } = await buildTestGateway({ rounds: [] });
    const { status, json } = await get("/health/ready");
    expect([status, json().detail]).toEqual([503, "no round has been certified yet"]);
  });

  it("is asked as often as one likes", async () => {
    const { get } = await buildTestGateway({ rateLimit: { max: 1, windowMs: 60_000 } });
    for (let i = 0; i < 3; i++) expect((await get("/health/ready")).status).toBe(200);
  });
});

it("/metrics counts requests by route template, whatever the path was", async () => {
  const { get } = await buildTestGateway();
  await get("/v1/feeds/ETH-USD");
  await get("/v1/feeds/NO-SUCH");
  await get("/wp-login.php");
  const { text, headers } = await get("/metrics");
  expect(headers["content-type"]).toContain("text/plain");
  expect(text).toContain('breakwater_http_request_duration_seconds_count{method="GET",route="/v1/feeds/:id",status="200"} 1');
  expect(text).toContain('breakwater_http_request_duration_seconds_count{method="GET",route="/v1/feeds/:id",status="404"} 1');
  expect(text).toContain('route="(none)",status="404"} 1');
  expect(text).not.toContain("wp-login");
  expect(text).toContain("breakwater_stream_readers 0");
});
