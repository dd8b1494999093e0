import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { catalogueListings } from "../../cli/devnet/layout.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { trustNetwork } from "../../client/committee.ts";
import { verifyDocument } from "../../client/verify.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { layTopology, type Topology } from "../deploy/topology.ts";
import { request, within } from "./devnet.ts";

const NODES = ["node0", "node1", "node2", "node3"];
const GATEWAYS = ["gateway0", "gateway1"];
const START_MS = 90_000;
/** A simulated venue has no public request budget to respect. */
const REQUESTS_PER_SECOND = 200;

describe("what docker-compose.yml runs, as plain processes on a simulated market", () => {
  let market: MarketServer;
  let topology: Topology;
  beforeAll(async () => {
    market = await startMarketServer({ seed: 1, listings: catalogueListings(), now: Date.now });
    topology = await layTopology(
      () => (service, path, text) => (/^node\d$/.test(service) && path.endsWith("node.yaml") ? withMarket(text) : text),
    );
    for (const service of ["redis", ...NODES, ...GATEWAYS, "prometheus"]) topology.start(service);
  }, START_MS);
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(topology.explain());
  });
  afterAll(async () => {
    await topology?.stop();
    await market?.stop();
  }, START_MS);

  function withMarket(text: string): string {
    const document = parseDocument(text);
    const venues = [...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: REQUESTS_PER_SECOND }]);
    document.set("venues", document.createNode(Object.fromEntries(venues)));
    document.set("addressSharedBy", 1);
    return document.toString();
  }

  it(
    "serves through both gateways what the genesis' committee certified",
    async () => {
      const trust = trustNetwork(readNetworkFile(`${topology.folder}/network.yaml`));
      const scheme = loadSecp256k1();
      for (const gateway of GATEWAYS) {
        const feed = `${topology.url(gateway)}/v1/feeds/ETH-USD`;
        const ask = () => request(feed).catch(() => undefined);
        await within(START_MS, `a price at ${gateway}`, async () => (await ask())?.status === 200);
        const first = (await ask())?.json as { round: number };
        expect(verifyDocument(first, { trust, scheme })).toMatchObject({ ok: true });
        await within(
          START_MS,
          `a later round at ${gateway}`,
          async () => Number(((await ask())?.json as { round?: number } | undefined)?.round) > first.round + 2,
        );
      }
    },
    2 * START_MS,
  );

  it("is healthy by every health check", async () => {
    const all = ["redis", ...NODES, ...GATEWAYS, "prometheus"];
    const health = await Promise.all(all.map(async (service) => [service, await topology.health(service)]));
    expect(health).toEqual(all.map((service) => [service, 0]));
  });

  it("is scraped: every node and gateway is up, and no rule is broken", async () => {
    const base = `${topology.url("prometheus", 9090)}/api/v1`;
    type Answer = { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
    const up = async (): Promise<readonly string[]> =>
      ((await request(`${base}/query?query=up`)).json as Answer).data.result
        .filter(({ value }) => value[1] === "1")
        .map(({ metric }) => metric.job ?? "");
    await within(START_MS, "six targets up", async () => (await up()).length === 6);
    expect((await up()).toSorted()).toEqual(["breakwater-gateway", "breakwater-gateway", ...NODES.map(() => "breakwater-node")]);
    type Rules = { data: { groups: { rules: { name: string; health: string }[] }[] } };
    const { data } = (await request(`${base}/rules`)).json as Rules;
    expect(data.groups.flatMap(({ rules }) => rules.filter(({ health }) => health === "err"))).toEqual([]);
  });

  it(
    "goes on without a gateway and without Redis, and catches up when Redis is back",
    async () => {
      const gateway = topology.url("gateway1");
      const roundAt = async () => ((await request(`${gateway}/v1/feeds/ETH-USD`)).json as { round: number }).round;
      expect((await topology.end("gateway0", "SIGKILL")).signal).toBe("SIGKILL");
      await topology.end("redis", "SIGKILL");
      expect(await topology.health("redis")).not.toBe(0);
      const before = await roundAt();
      topology.start("redis");
      await within(START_MS, "a later round through Redis", async () => (await roundAt()) > before + 5);
      topology.start("gateway0");
      const there = async () =>
        (await request(`${topology.url("gateway0")}/health/ready`).catch(() => undefined))?.status === 200;
      await within(START_MS, "gateway0 ready again", there);
    },
    3 * START_MS,
  );

  it(
    "ends cleanly on SIGTERM, every service of it",
    async () => {
      for (const service of [...GATEWAYS, ...NODES, "prometheus", "redis"]) {
        expect([service, await topology.end(service)]).toEqual([service, { code: 0, signal: null }]);
      }
    },
    START_MS,
  );
});
