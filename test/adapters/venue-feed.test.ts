import { afterEach, describe, expect, test } from "vitest";
import { ADAPTERS } from "../../adapters/index.ts";
import { openVenueFeed, type VenueFeed } from "../../adapters/io/venue-feed.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import type { MarketServer } from "../../simulator/io/market-server.ts";
import { MARKETS, QUICK, streamRig, watching } from "./stream-rig.ts";
import { until } from "./toy-venue.ts";

const { serve } = streamRig();
const feeds: VenueFeed[] = [];
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
});

const INTERVAL_MS = 150;

/** A feed over the market server's REST and, unless the URL says otherwise, its stream; and how often REST was asked. */
function openFeed(venue: keyof typeof STREAMS, server: MarketServer, streamUrl = server.streamUrls.get(venue)) {
  const seen = watching();
  let asked = 0;
  const baseUrl = server.baseUrls.get(venue);
  if (baseUrl === undefined || streamUrl === undefined) throw new Error(`${venue} is not served`);
  const feed = openVenueFeed(
    { adapter: ADAPTERS[venue], markets: MARKETS, baseUrl, requestsPerSecond: 1_000, settings: { intervalMs: INTERVAL_MS } },
    { adapter: STREAMS[venue], url: streamUrl, settings: QUICK, metrics: seen.metrics },
    {
      log: seen.log,
      metrics: { onRequest: () => void asked++, onFault: () => undefined },
      now: Date.now,
      random: Math.random,
    },
    new Map(),
  );
  feeds.push(feed);
  const requestsIn = async (ms: number): Promise<number> => {
    const before = asked;
    await new Promise((done) => setTimeout(done, ms));
    return asked - before;
  };
  /** At the usual interval this is soon; while REST is asked rarely it takes longer than a test may. */
  const untilAsked = async (times: number): Promise<void> => {
    const before = asked;
    await until(() => asked - before >= times);
  };
  return { feed, requestsIn, untilAsked, ...seen };
}

/** Until REST has been left alone for a while: every market is pushed and fresh. */
async function untilRare({ requestsIn }: ReturnType<typeof openFeed>): Promise<void> {
  while ((await requestsIn(700)) > 0);
}

describe("polling", () => {
  test("is rare while every market is pushed, back at its interval when the stream is silent, and rare again after it", async () => {
    const server = await serve();
    const it = openFeed("binance", server);
    await it.untilAsked(4);
    await untilRare(it);
    server.addFault({ venue: "binance", fault: "silent" });
    await it.untilAsked(4);
    const pushed = it.codes.get("quote");
    const askedAt = Date.now();
    await it.untilAsked(4);
    expect(it.codes.get("quote"), "nothing is pushed").toBe(pushed);
    const states = [...it.feed.snapshot().values()];
    expect(states.map(({ quote, sentAt }) => quote !== undefined && sentAt >= askedAt)).toEqual([true, true]);
    server.clearFaults();
    await untilRare(it);
  });

  test("goes on at its interval for the sake of one market that is not pushed", async () => {
    const server = await serve();
    const it = openFeed("okx", server);
    await untilRare(it);
    server.addFault({ venue: "okx", market: "ETH/USDT", fault: "silent" });
    const pushed = it.codes.get("quote") ?? 0;
    await it.untilAsked(12);
    await until(() => (it.codes.get("quote") ?? 0) > pushed);
  });

  test("is at its interval where the stream cannot be reached, and the quotes are those of REST", async () => {
    const server = await serve();
    const it = openFeed("kraken", server, "ws://127.0.0.1:1");
    await until(() => it.reasons.has("unreachable"));
    await it.untilAsked(4);
    expect([...it.feed.snapshot().keys()]).toEqual(MARKETS.map((market) => marketKey("kraken", market)));
  });

  test("slows down for a stream that runs behind as little as for none", async () => {
    const [server, slow] = [await serve(), await serve()];
    slow.addFault({ venue: "okx", fault: "latency", ms: 6_000 });
    const it = openFeed("okx", server, slow.streamUrls.get("okx"));
    await until(() => (it.codes.get("quote") ?? 0) > 10);
    await it.untilAsked(4);
    for (const { quote } of it.feed.snapshot().values()) expect(Date.now() - (quote?.bookAt ?? 0)).toBeLessThan(5_500);
  });
});

test("the pushed book comes with the last price and volume that only REST has", async () => {
  const server = await serve();
  const it = openFeed("bybit", server);
  await untilRare(it);
  const quote = it.feed.snapshot().get(marketKey("bybit", "BTC/USDT"))?.quote;
  expect(quote?.bookAt).toBeGreaterThan(Date.now() - 5_000);
  expect(quote?.last).toBeGreaterThan(0n);
  expect(quote?.volume).toBeGreaterThan(0n);
});

test("a stream that pushes other prices than REST answers is caught by the cross-check, and REST's count", async () => {
  const [honest, lying] = [await serve(), await serve()];
  const it = openFeed("okx", honest, lying.streamUrls.get("okx"));
  await untilRare(it);
  lying.addFault({ venue: "okx", fault: "offset", bps: 500 });
  // What would be asked in fifteen seconds is asked now: one market's stream falls silent, and polling is back.
  lying.addFault({ venue: "okx", market: "BTC/USDT", fault: "silent" });
  await until(() => it.codes.has("gap"));
  await until(() => it.reasons.has("gap"));
  const rest = it.feed.snapshot().get(marketKey("okx", "ETH/USDT"))?.quote?.bid ?? 0n;
  const [bid = 0n] = [honest].map((server) => feedPrice(server, "ETH/USD"));
  expect(Math.abs(Number(rest - bid))).toBeLessThan(Number(bid) / 50);
}, 40_000);

function feedPrice(server: MarketServer, feed: string): bigint {
  const price = server.state().feeds.find((each) => each.feed === feed)?.price ?? "0";
  return BigInt(Math.round(Number(price) * 1e6)) * 10n ** 12n;
}
