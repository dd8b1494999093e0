import { afterEach, describe, expect, test } from "vitest";
import { ADAPTERS } from "../../adapters/index.ts";
import { createPoller, type Poller } from "../../adapters/io/poller.ts";
import { type MarketState, marketKey } from "../../adapters/snapshot.ts";
import type { VenueFault } from "../../simulator/faults.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { SIMULATED_VENUES } from "../../simulator/venues/index.ts";

const MARKETS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "USDT/USD", "WSTETH/USDT"];
const VENUES = Object.values(ADAPTERS).map(({ venue }) => venue);
const LISTINGS = new Map(VENUES.map((venue) => [venue, MARKETS]));

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

type Rig = { server: MarketServer; poller: Poller; faults: string[] };

async function startRig(venues: readonly string[], extraMarket?: string): Promise<Rig> {
  const listings = new Map([...LISTINGS].filter(([venue]) => venues.includes(venue)));
  const server = await startMarketServer({ seed: 1, listings, now: Date.now });
  open.push(server.stop);
  const faults: string[] = [];
  const quiet = () => undefined;
  const poller = createPoller({
    venues: Object.values(ADAPTERS)
      .filter(({ venue }) => listings.has(venue))
      .map((adapter) => ({
        adapter,
        requestsPerSecond: 1_000,
        markets: extraMarket === undefined ? MARKETS : [...MARKETS, extraMarket],
        baseUrl: server.baseUrls.get(adapter.venue) ?? "",
      })),
    settings: { intervalMs: 60, timeoutMs: 5_000, backoffBaseMs: 60, backoffCapMs: 120 },
    log: { info: quiet, warn: quiet, error: quiet },
    metrics: { onRequest: quiet, onFault: ({ venue, market, code }) => faults.push(`${venue} ${market} ${code}`) },
    now: Date.now,
    random: () => 0.5,
  });
  open.push(poller.stop);
  poller.start();
  return { server, poller, faults };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function stateOf(rig: Rig, venue: string, market: string): MarketState | undefined {
  return rig.poller.snapshot().get(marketKey(venue, market));
}

/** The mid of the book, else the last trade, in thousandths of a unit. */
function milli(state: MarketState | undefined): number {
  const quote = state?.quote;
  const price = quote?.bid !== undefined && quote.ask !== undefined ? (quote.bid + quote.ask) / 2n : (quote?.last ?? 0n);
  return Number(price / 10n ** 15n);
}

function allQuoted(rig: Rig, venues: readonly string[]): boolean {
  return venues.every((venue) => MARKETS.every((market) => stateOf(rig, venue, market)?.quote !== undefined));
}

/** Every other venue and market has been answered anew since `since`, and none has a fault. */
function othersFresh(rig: Rig, fault: VenueFault, since: number): boolean {
  return VENUES.every((venue) =>
    MARKETS.every((market) => {
      if (venue === fault.venue && (fault.market === undefined || fault.market === market)) return true;
      const state = stateOf(rig, venue, market);
      return state !== undefined && state.fault === undefined && state.sentAt > since;
    }),
  );
}

function impose(rig: Rig, fault: VenueFault): void {
  const done = rig.server.addFault(fault);
  if (!done.ok) throw new Error(done.error.problem);
}

describe("adapters, poller and market server together", () => {
  test("every adapter has a simulated venue under the same name", () => {
    expect(Object.keys(SIMULATED_VENUES).sort()).toEqual([...VENUES].sort());
  });

  test("every venue quotes every listed market near the same price, without a fault", async () => {
    const rig = await startRig(VENUES);
    await until(() => allQuoted(rig, VENUES));
    expect(rig.faults).toEqual([]);
    for (const venue of VENUES) {
      for (const market of MARKETS) {
        const reference = milli(stateOf(rig, "binance", market));
        const price = milli(stateOf(rig, venue, market));
        expect(Math.abs(price - reference), `${venue} ${market}`).toBeLessThanOrEqual(1 + reference / 500);
      }
    }
  });

  test("a step is what every venue shows at its next poll", async () => {
    const rig = await startRig(VENUES);
    await until(() => allQuoted(rig, VENUES));
    const moved = rig.server.setPrice({ feed: "SOL/USD", price: 40n * 10n ** 18n, overMs: 0 });
    expect(moved.ok).toBe(true);
    const movedAt = Date.now();
    await until(() => VENUES.every((venue) => (stateOf(rig, venue, "SOL/USDT")?.sentAt ?? 0) > movedAt));
    for (const venue of VENUES) expect(Math.abs(milli(stateOf(rig, venue, "SOL/USDT")) - 40_000), venue).toBeLessThan(200);
  });

  const rows: { fault: VenueFault; code: string }[] = [
    { fault: { venue: "binance", fault: "status", status: 500 }, code: "http-status" },
    { fault: { venue: "okx", fault: "malformed" }, code: "malformed" },
    { fault: { venue: "kraken", fault: "down" }, code: "network" },
    { fault: { venue: "gate", market: "ETH/USDT", fault: "malformed" }, code: "malformed" },
    { fault: { venue: "coinbase", market: "ETH/USDT", fault: "status", status: 502 }, code: "http-status" },
    { fault: { venue: "gemini", market: "BTC/USDT", fault: "down" }, code: "network" },
  ];
  for (const { fault, code } of rows) {
    test(`${fault.fault} at ${fault.venue} ${fault.market ?? ""} is ${code} there and nothing elsewhere, and ends when cleared`, async () => {
      const rig = await startRig(VENUES);
      await until(() => allQuoted(rig, VENUES));
      impose(rig, fault);
      const imposedAt = Date.now();
      const stricken = fault.market ?? "BTC/USDT";
      await until(() => stateOf(rig, fault.venue, stricken)?.fault?.code === code);
      await until(() => othersFresh(rig, fault, imposedAt));
      const elsewhere = rig.faults.filter((line) => !line.startsWith(`${fault.venue} ${fault.market ?? ""}`));
      expect(elsewhere).toEqual([]);
      rig.server.clearFaults();
      await until(() => stateOf(rig, fault.venue, stricken)?.fault === undefined);
    });
  }

  for (const venue of VENUES) {
    test(`${venue}: one garbled market in whatever request it shares, one rate limit for all`, async () => {
      const rig = await startRig([venue]);
      await until(() => allQuoted(rig, [venue]));
      impose(rig, { venue, market: "ETH/USDT", fault: "malformed" });
      const garbledAt = Date.now();
      await until(() => stateOf(rig, venue, "ETH/USDT")?.fault?.code === "malformed");
      for (const market of MARKETS.filter((name) => name !== "ETH/USDT")) {
        await until(() => (stateOf(rig, venue, market)?.sentAt ?? 0) > garbledAt);
      }
      expect(rig.faults.filter((line) => line !== `${venue} ETH/USDT malformed`)).toEqual([]);
      rig.server.clearFaults();
      impose(rig, { venue, fault: "status", status: 429 });
      await until(() => rig.faults.includes(`${venue} BTC/USDT rate-limited`));
    });
  }

  test("freeze stops the venue's prices and times; latency holds back that venue's answers only", async () => {
    const rig = await startRig(["okx", "bybit"]);
    await until(() => allQuoted(rig, ["okx", "bybit"]));
    impose(rig, { venue: "okx", fault: "freeze" });
    impose(rig, { venue: "bybit", fault: "latency", ms: 700 });
    const imposedAt = Date.now();
    await until(() => (stateOf(rig, "okx", "BTC/USDT")?.sentAt ?? 0) > imposedAt);
    const frozen = stateOf(rig, "okx", "BTC/USDT")?.quote;
    await until(() => (stateOf(rig, "bybit", "BTC/USDT")?.sentAt ?? 0) > imposedAt);
    const slow = stateOf(rig, "bybit", "BTC/USDT");
    expect((slow?.receivedAt ?? 0) - (slow?.sentAt ?? 0)).toBeGreaterThanOrEqual(699);
    expect(stateOf(rig, "okx", "BTC/USDT")?.quote).toEqual(frozen);
    expect(stateOf(rig, "okx", "BTC/USDT")?.sentAt).toBeGreaterThan(imposedAt + 500);
  });

  test("a market the venue does not list is unknown there, and costs its neighbours nothing", async () => {
    const rig = await startRig(VENUES, "AAVE/USDT");
    await until(() => allQuoted(rig, VENUES));
    await until(() => VENUES.every((venue) => stateOf(rig, venue, "AAVE/USDT")?.fault !== undefined));
    for (const venue of VENUES) expect(stateOf(rig, venue, "AAVE/USDT")?.fault?.code, venue).toBe("unknown-market");
    expect(rig.faults.filter((line) => !line.endsWith(" AAVE/USDT unknown-market"))).toEqual([]);
    expect(allQuoted(rig, VENUES)).toBe(true);
  });
});

describe("the server itself", () => {
  test("says its state as JSON with decimal texts", async () => {
    const server = await startMarketServer({ seed: 1, listings: LISTINGS, now: Date.now });
    open.push(server.stop);
    const done = server.addFault({ venue: "okx", fault: "freeze" });
    expect(done.ok).toBe(true);
    server.setPrice({ feed: "ETH/USD", price: 1_234_500_000_000_000_000n, overMs: 0 });
    const state = JSON.parse(JSON.stringify(server.state()));
    expect(state.feeds).toContainEqual({ feed: "ETH/USD", price: "1.2345" });
    expect(state.faults).toEqual([{ venue: "okx", fault: "freeze" }]);
    expect(Math.abs(state.at - Date.now())).toBeLessThan(60_000);
  });

  test("refuses an unknown venue, a taken port, and a path of no venue", async () => {
    await expect(startMarketServer({ seed: 1, listings: new Map([["mtgox", ["BTC/USD"]]]), now: Date.now })).rejects.toThrow(
      /mtgox/,
    );
    const server = await startMarketServer({ seed: 1, listings: LISTINGS, now: Date.now });
    open.push(server.stop);
    const port = Number(new URL(server.url).port);
    await expect(startMarketServer({ seed: 1, port, listings: LISTINGS, now: Date.now })).rejects.toThrow(/EADDRINUSE/);
    const answer = await fetch(`${server.url}/mtgox/ticker`);
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining("binance")]);
  });

  test("stop does not wait for answers that are held back", async () => {
    const server = await startMarketServer({ seed: 1, listings: LISTINGS, now: Date.now });
    server.addFault({ venue: "okx", fault: "latency", ms: 100_000 });
    const pending = fetch(`${server.baseUrls.get("okx")}/api/v5/market/ticker?instId=BTC-USDT`).then(
      () => "answered",
      () => "cut",
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.stop();
    expect(await pending).toBe("cut");
  });
});
