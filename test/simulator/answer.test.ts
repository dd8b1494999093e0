import { describe, expect, test } from "vitest";
import { ONE } from "../../protocol/amount.ts";
import { answerRequest } from "../../simulator/answer.ts";
import type { VenueFault } from "../../simulator/faults.ts";
import type { SimulatedRequest, SimulatedTicker, SimulatedVenue } from "../../simulator/venue.ts";
import { binance } from "../../simulator/venues/binance.ts";
import { SIMULATED_VENUES } from "../../simulator/venues/index.ts";

function ticker(units: bigint): SimulatedTicker {
  return { bid: units * ONE, ask: (units + 1n) * ONE, last: units * ONE, volume: ONE, at: 1_800_000_000_000 };
}

const TICKERS = new Map([
  ["BTC/USDT", ticker(60_000n)],
  ["ETH/USDT", ticker(1_800n)],
]);

function ask(...symbols: string[]): SimulatedRequest {
  const query = new URLSearchParams({ symbols: JSON.stringify(symbols) });
  return { method: "GET", path: "/api/v3/ticker/24hr", query, body: "" };
}

function answer(request: SimulatedRequest, ...faults: VenueFault[]) {
  return answerRequest(binance, request, TICKERS, faults);
}

const healthy = (request: SimulatedRequest) => ({ kind: "respond", delayMs: 0, response: binance.respond(request, TICKERS) });
const venue = "binance";
const market = "ETH/USDT";

describe("a fault of the whole exchange", () => {
  const rows: { fault: VenueFault; expected: object }[] = [
    { fault: { venue, fault: "down" }, expected: { kind: "drop" } },
    { fault: { venue, fault: "latency", ms: 300 }, expected: { kind: "respond", delayMs: 300 } },
    { fault: { venue, fault: "status", status: 502 }, expected: { kind: "respond", delayMs: 0, response: { status: 502 } } },
  ];
  for (const { fault, expected } of rows) {
    test(`${fault.fault} of the venue strikes every request; of one market only a request that names no other`, () => {
      expect(answer(ask("BTCUSDT", "ETHUSDT"), fault)).toMatchObject(expected);
      expect(answer(ask("ETHUSDT"), { ...fault, market })).toMatchObject(expected);
      for (const request of [ask("BTCUSDT", "ETHUSDT"), ask("BTCUSDT"), ask("NONEUSDT")]) {
        expect(answer(request, { ...fault, market })).toEqual(healthy(request));
      }
    });
  }

  test("down goes before status, status before malformed, latency adds to both", () => {
    const status: VenueFault = { venue, fault: "status", status: 500 };
    const malformed: VenueFault = { venue, fault: "malformed" };
    const latency: VenueFault = { venue, fault: "latency", ms: 300 };
    expect(answer(ask("BTCUSDT"), malformed, status, { venue, fault: "down" })).toEqual({ kind: "drop" });
    expect(answer(ask("BTCUSDT"), malformed, status, latency)).toMatchObject({ delayMs: 300, response: { status: 500 } });
    expect(answer(ask("BTCUSDT"), latency, malformed)).toMatchObject({ delayMs: 300, response: { status: 200 } });
  });
});

describe("malformed", () => {
  test("of the venue is no JSON at any venue, whatever was asked", () => {
    for (const format of Object.values<SimulatedVenue>(SIMULATED_VENUES)) {
      const request = { method: "GET", path: "/nothing", query: new URLSearchParams(), body: "" };
      const done = answerRequest(format, request, TICKERS, [{ venue: format.venue, fault: "malformed" }]);
      if (done.kind !== "respond") throw new Error("expected a response");
      expect(() => JSON.parse(done.response.body)).toThrow();
    }
  });

  test("of one market garbles its prices and leaves the document and its neighbours whole", () => {
    const request = ask("BTCUSDT", "ETHUSDT");
    const done = answer(request, { venue, market, fault: "malformed" });
    if (done.kind !== "respond") throw new Error("expected a response");
    const [btc, eth] = JSON.parse(done.response.body);
    expect([btc]).toEqual(JSON.parse(binance.respond(ask("BTCUSDT"), TICKERS).body));
    expect([eth.symbol, eth.bidPrice, eth.askPrice, eth.lastPrice]).toEqual([
      "ETHUSDT",
      "not a number",
      "not a number",
      "not a number",
    ]);
    expect(answer(ask("BTCUSDT"), { venue, market, fault: "malformed" })).toEqual(healthy(ask("BTCUSDT")));
  });
});

test("a 429 is in the venue's own words where they are known, any other status is a web server's", () => {
  expect(answer(ask("BTCUSDT"), { venue, fault: "status", status: 429 })).toMatchObject({
    response: { status: 429, contentType: "application/json", body: expect.stringContaining("-1003") },
  });
  expect(answer(ask("BTCUSDT"), { venue, fault: "status", status: 418 })).toMatchObject({
    response: { contentType: "text/plain" },
  });
});
