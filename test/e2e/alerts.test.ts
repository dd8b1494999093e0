import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DEVELOPMENT_THRESHOLDS } from "../../cli/catalogue.ts";
import { type AlertMessage, alertMessageSchema } from "../../node/alert-message.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { isGenuine, startReceiver } from "../node/receiver.ts";
import { request, within } from "./devnet.ts";
import { type Founded, found, removeFounded, runFounded } from "./founded.ts";
import { kill, leftQuarantine, logOf, nodeOf } from "./nodes.ts";

const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];
const SECRET = "of the operator of node0, and of his receiver";
const TOLD_MS = 60_000;
/** The first delivery is refused, as a receiver in trouble does. */
const FIRST_STATUS = 503;

describe("an operator's webhook, with the network as operators run it", () => {
  let market: MarketServer;
  let founded: Founded;
  let network: ReturnType<typeof runFounded>;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;

  beforeAll(async () => {
    market = await startMarketServer({ seed: 1, listings: new Map(VENUES.map((venue) => [venue, ["BTC/USD"]])), now: Date.now });
    receiver = await startReceiver((response, index) => response.writeHead(index === 0 ? FIRST_STATUS : 200).end("ok"));
    const sources = VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 }));
    founded = await found([{ feed: "BTC/USD", preset: "major", sources }], {
      network: (genesis) => void Object.assign(genesis, { thresholds: DEVELOPMENT_THRESHOLDS }),
      node: (node, index) => {
        node.venues = Object.fromEntries([...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: 50 }]));
        if (index === 0)
          node.alerts = [{ url: receiver.url.replace("http://", "http://hook:passw0rd@"), secretFile: "hook.secret" }];
      },
    });
    writeFileSync(join(founded.nodes[0]?.folder ?? "", "hook.secret"), `${SECRET}\n`, { mode: 0o600 });
    network = runFounded(founded);
    for (const index of founded.nodes.keys()) await leftQuarantine(network, index);
    await within(TOLD_MS, "BTC/USD closed", async () => {
      const { feeds } = await network.get<{ feeds: { breaker: { state: string } | null }[] }>("/v1/feeds");
      return feeds.every(({ breaker }) => breaker?.state === "closed");
    });
  });
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    console.error(receiver.deliveries.map(({ body }) => body).join("\n"));
  });
  afterAll(async () => {
    await network?.stop();
    await market?.stop();
    await receiver?.close();
    if (founded !== undefined) removeFounded(founded);
  });

  const messages = (): readonly AlertMessage[] =>
    receiver.deliveries.map(({ body }) => alertMessageSchema.parse(JSON.parse(body)));
  const told = (kind: AlertMessage["kind"], status: AlertMessage["status"]): AlertMessage | undefined =>
    messages().find((message) => message.kind === kind && message.status === status);
  const untilTold = (kind: AlertMessage["kind"], status: AlertMessage["status"]): Promise<void> =>
    within(TOLD_MS, `${kind} ${status}`, async () => told(kind, status) !== undefined);

  it("a network that starts and runs tells nothing", () => {
    expect(messages().map(({ kind, status, text }) => `${kind} ${status} ${text}`)).toEqual([]);
  });

  it("every venue gone: the feed trips and its sources are gone, each with why; a receiver in trouble gets it again", async () => {
    await market.stop();
    await untilTold("feed-tripped", "firing");
    await untilTold("sources-decayed", "firing");
    expect(told("feed-tripped", "firing")?.subjects[0]).toMatchObject({ subject: "BTC/USD" });
    expect(told("feed-tripped", "firing")?.text).toMatch(/BTC\/USD: (thin|stale): .*\(limit /);
    expect(told("sources-decayed", "firing")?.text).toContain("0 of 5 sources");
    const [first, again] = receiver.deliveries;
    expect(again?.headers["x-breakwater-delivery"]).toBe(first?.headers["x-breakwater-delivery"]);
  });

  it("two of four nodes killed: too few peers, then no certificate; back again, both end", async () => {
    for (const index of [2, 3]) await kill(network, index);
    await untilTold("peers-lost", "firing");
    await untilTold("no-certificate", "firing");
    expect(told("peers-lost", "firing")?.text).toContain("1 connected, 2 needed beside this node");
    for (const index of [2, 3]) await network.post(`/nodes/node${index}/start`);
    await untilTold("peers-lost", "resolved");
    await untilTold("no-certificate", "resolved");
  });

  it("every delivery is genuine, from this node, and none is told twice", () => {
    for (const delivery of receiver.deliveries) {
      expect(isGenuine(delivery, SECRET)).toBe(true);
      expect(delivery.headers.authorization).toMatch(/^Basic /);
    }
    for (const { node, network: name } of messages()) {
      expect(node).toEqual({ address: founded.nodes[0]?.address, name: "node0" });
      expect(name).toBe("founded");
    }
    const firing = new Map(messages().map((message) => [message.id, `${message.kind} ${message.status}`]));
    expect([...firing.values()].filter((what) => what === "peers-lost firing")).toHaveLength(1);
  });

  it("the log has each, and neither the secret nor the hook's address; metrics count what was delivered and where time went", async () => {
    const { log, api } = await nodeOf(network, 0);
    const lines = logOf(log);
    expect(lines.filter(({ code }) => code === "alert").length).toBeGreaterThanOrEqual(4);
    expect(JSON.stringify(lines)).not.toMatch(/passw0rd|hookpath|of the operator/);
    const { text } = await request(`${api}/metrics`);
    const value = (series: string): number =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length + 1) ?? Number.NaN,
      );
    expect(value('breakwater_alerts_sent_total{kind="peers-lost",outcome="delivered"}')).toBe(2);
    expect(value('breakwater_own_inclusion_total{included="yes"}')).toBeGreaterThan(5);
    for (const stage of ["sample", "observe", "propose", "recompute", "sign", "certify", "save", "publish"]) {
      expect(value(`breakwater_stage_seconds_count{stage="${stage}"}`), stage).toBeGreaterThan(0);
    }
    expect(Math.abs(value("breakwater_clock_offset_seconds")), "one machine has one clock").toBeLessThan(0.25);
    expect(value("breakwater_storage_free_bytes")).toBeGreaterThan(0);
    expect(value('breakwater_feed_sources{feed="BTC/USD",status="used"}')).toBe(0);
  });
});
