import { afterEach, expect, it } from "vitest";
import { ADAPTERS } from "../../adapters/index.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import { createPolling, type Polling } from "../../node/io/polling.ts";
import { parseNodeConfig } from "../../node/node-config.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { streamRig, watching } from "../adapters/stream-rig.ts";
import { until } from "../adapters/toy-venue.ts";
import { testNetwork } from "../support/network.ts";

const { serve } = streamRig();
let polling: Polling | undefined;
afterEach(async () => {
  await polling?.stop();
});

const MARKET = "ETH/USDT";

function configOf(venues: readonly string[]): NetworkConfig {
  const { config } = testNetwork();
  const sources = venues.map((venue) => ({ venue, market: MARKET, weight: 1 }));
  return { ...config, feeds: config.feeds.map((feed) => ({ ...feed, sources })) } as unknown as NetworkConfig;
}

function open(venues: Readonly<Record<string, object>>, streams = STREAMS) {
  const node = parseNodeConfig({
    network: "network.yaml",
    key: { file: "key" },
    listen: ["/ip4/127.0.0.1/tcp/9000"],
    api: { port: 8080 },
    storage: { path: "store" },
    venues,
  });
  if (!node.ok) throw new Error(JSON.stringify(node.error));
  const { log, metrics, lines } = watching();
  const said = new Map<string, number>();
  const count = ({ venue }: { readonly venue: string }): void => void said.set(venue, (said.get(venue) ?? 0) + 1);
  polling = createPolling({
    config: node.value,
    adapters: ADAPTERS,
    streams,
    log,
    metrics: { onRequest: () => undefined, onFault: () => undefined },
    streamMetrics: { ...metrics, onMessage: count, onReconnect: count },
    now: Date.now,
    random: Math.random,
  });
  polling.follow([configOf(Object.keys(venues))]);
  return { polling, said, lines };
}

it("a venue is pushed where node.yaml names a stream, and not where it wants none or points the adapter elsewhere", async () => {
  const server = await serve();
  const [url, stream] = [server.baseUrls, server.streamUrls];
  const {
    said,
    polling: it,
    lines,
  } = open({
    okx: { url: url.get("okx"), stream: stream.get("okx") },
    kraken: { url: url.get("kraken") },
    binance: { url: url.get("binance"), stream: false },
    gate: { url: url.get("okx"), stream: stream.get("okx") },
  });
  await until(() => (said.get("okx") ?? 0) > 5);
  expect([...said.keys()]).toEqual(["okx"]);
  expect(lines.filter((line) => line.includes("polled alone"))).toEqual([expect.stringContaining("gate is polled alone")]);
  await until(() =>
    ["okx", "kraken", "binance"].every((venue) => it.snapshot().get(marketKey(venue, MARKET))?.quote !== undefined),
  );
});

it("without a word in node.yaml a venue's own stream is dialled", async () => {
  const here = await serve();
  const elsewhere = { ...STREAMS, okx: { ...STREAMS.okx, url: here.streamUrls.get("okx") ?? "" } };
  const { said } = open({ okx: {} }, elsewhere);
  await until(() => (said.get("okx") ?? 0) > 3);
  await polling?.stop();
  const { said: none } = open({ okx: { stream: false } }, elsewhere);
  await new Promise((done) => setTimeout(done, 700));
  expect(none.size).toBe(0);
});

it("a venue whose list of markets changes keeps what was pushed until it is pushed again", async () => {
  const server = await serve();
  const venues = { okx: { url: "http://127.0.0.1:1", stream: server.streamUrls.get("okx") } };
  const { polling: it, said } = open(venues);
  await until(() => it.snapshot().get(marketKey("okx", MARKET))?.quote !== undefined);
  const before = configOf(["okx"]);
  const more = before.feeds.map((feed) => ({ ...feed, sources: [{ venue: "okx", market: "BTC/USDT", weight: 1 }] }));
  it.follow([before, { ...before, feeds: more } as unknown as NetworkConfig]);
  expect(it.snapshot().get(marketKey("okx", MARKET))?.quote).toBeDefined();
  await until(() => it.snapshot().get(marketKey("okx", "BTC/USDT"))?.quote !== undefined);
  expect(said.get("okx")).toBeGreaterThan(0);
});
