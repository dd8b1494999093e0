import { afterEach, expect, it } from "vitest";
import { marketKey } from "../../adapters/snapshot.ts";
import { createPolling, type Polling } from "../../node/io/polling.ts";
import { parseNodeConfig } from "../../node/node-config.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { goodAnswer, toyAdapter, toyRig, until } from "../adapters/toy-venue.ts";
import { testNetwork } from "../support/network.ts";

const { serve } = toyRig();
let polling: Polling | undefined;
afterEach(async () => {
  await polling?.stop();
});

/** One feed from two venues; with the third, or with another market of the first. */
function configOf(markets: Readonly<Record<string, string>>): NetworkConfig {
  const sources = Object.entries(markets).map(([venue, market]) => ({ venue, market, weight: 1 }));
  const { config } = testNetwork();
  const feeds = config.feeds.map((feed) => ({ ...feed, sources }));
  return { ...config, feeds } as unknown as NetworkConfig;
}

it("venues come and go with the config, those that stay are not disturbed, and a new list begins with the old answers", async () => {
  const server = await serve((markets, response, request) => goodAnswer(markets, response, request));
  const slow = await serve((markets, response, request) => {
    if (markets.length === 1) goodAnswer(markets, response, request);
  });
  const node = parseNodeConfig({
    network: "network.yaml",
    key: { file: "key" },
    listen: ["/ip4/127.0.0.1/tcp/9000"],
    api: { port: 8080 },
    storage: { path: "store" },
    venues: {
      stays: { url: server.url, intervalMs: 100 },
      goes: { url: server.url, intervalMs: 100 },
      comes: { url: server.url, intervalMs: 100 },
      changes: { url: slow.url, intervalMs: 100 },
    },
  });
  if (!node.ok) throw new Error(JSON.stringify(node.error));
  const venues = ["stays", "goes", "comes", "changes"];
  polling = createPolling({
    config: node.value,
    adapters: Object.fromEntries(venues.map((venue) => [venue, toyAdapter(venue)])),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    metrics: { onRequest: () => undefined, onFault: () => undefined },
    now: Date.now,
    random: Math.random,
  });
  const quoteOf = (venue: string, market: string) => polling?.snapshot().get(marketKey(venue, market))?.quote;
  const before = configOf({ stays: "A/USD", goes: "A/USD", changes: "A/USD" });
  polling.follow([before]);
  await until(() => ["stays", "goes", "changes"].every((venue) => quoteOf(venue, "A/USD") !== undefined));

  // While a config is pending both are polled; the venue that is asked for more gives no answer to the new list.
  polling.follow([before, configOf({ stays: "A/USD", comes: "B/USD", changes: "B/USD" })]);
  await until(() => quoteOf("comes", "B/USD") !== undefined);
  await until(() => slow.asked.some((markets) => markets.length === 2));
  expect(["stays", "goes", "changes"].every((venue) => quoteOf(venue, "A/USD") !== undefined)).toBe(true);
  expect(quoteOf("changes", "B/USD")).toBeUndefined();

  polling.follow([configOf({ stays: "A/USD", comes: "B/USD" })]);
  expect([...polling.snapshot().keys()].sort()).toEqual([marketKey("comes", "B/USD"), marketKey("stays", "A/USD")]);
});
