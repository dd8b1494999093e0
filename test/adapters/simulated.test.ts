import { describe, expect, test } from "vitest";
import type { Adapter, MarketAnswer, Quote, VenueRequest } from "../../adapters/adapter.ts";
import { ADAPTERS, VENUES } from "../../adapters/index.ts";
import { parseAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../../simulator/venue.ts";
import { SIMULATED_VENUES } from "../../simulator/venues/index.ts";
import { jsonOf } from "../../simulator/venues/wire.ts";
import { fixturesOf, RECEIVED_AT } from "./fixtures.ts";

/** A whole second, because some venues write no finer time. */
const AT = RECEIVED_AT - 3000;

const BOOKS: Readonly<Record<string, readonly [bid: string, ask: string, last: string, volume: string]>> = {
  "BTC/USD": ["84000.12", "84000.13", "84000.1", "1200.5"],
  "ETH/USD": ["2740.5", "2740.6", "2740.55", "30000"],
  "BTC/USDT": ["84010", "84010.01", "84009.99", "9000.12345678"],
  "ETH/USDT": ["2741.11", "2741.12", "2741.11", "80000.5"],
  "USDT/USD": ["0.9999", "0.99995", "0.9999", "900000000.25"],
  "USDC/USD": ["1", "1.0001", "1", "80000000"],
  "DOGE/USD": ["0.14051", "0.140512", "0.14", "12345678.9"],
  "XRP/USD": ["2.0501", "2.0502", "2.05", "7654321"],
  "WSTETH/USDT": ["3320.1", "3321.9", "3320", "12.5"],
  "SHIB/USDT": ["0.0000081234", "0.0000081235", "0.0000081234", "99999999999.5"],
};
const MARKETS = new Map(Object.entries(BOOKS).map(([market, book]) => [market, tickerOf(book)]));

/** A simulated venue must say everything that the venue's fixtures show it can say: nothing is left out unnoticed. */
function fieldsShown(venue: string): readonly string[] {
  const quotes = fixturesOf(venue).flatMap(({ answers }) => Object.values(answers).filter(({ fault }) => fault === undefined));
  return [...new Set(quotes.flatMap((quote) => Object.keys(quote)))].toSorted();
}

for (const venue of VENUES) {
  describe(venue, () => {
    const adapter: Adapter = ADAPTERS[venue];
    const simulated: SimulatedVenue | undefined = new Map(Object.entries<SimulatedVenue>(SIMULATED_VENUES)).get(venue);

    test("has a simulated venue of its name", () => {
      expect(simulated?.venue).toBe(venue);
    });
    if (simulated === undefined) return;
    const fields = fieldsShown(venue);

    test.each([1, 2, MARKETS.size])("what the simulated venue says of %i markets is what the adapter reads", (count) => {
      const markets = [...MARKETS.keys()].slice(0, count);
      const answers = ask(adapter, simulated, markets);
      expect(answers.map(({ market }) => market)).toEqual(markets);
      for (const answer of answers) expectSame(quoteOf(answer), tickerOfMarket(answer.market), fields);
    });

    test("alone or in a list, a market reads the same", () => {
      const markets = [...MARKETS.keys()];
      const together = ask(adapter, simulated, markets).map(quoteOf);
      const apart = markets.flatMap((market) => ask(adapter, simulated, [market])).map(quoteOf);
      expect(apart).toEqual(together);
    });

    test("an unknown market asked alone is unknown-market, and the others answer", () => {
      expect(ask(adapter, simulated, ["NOPE/USDT"]).map(codeOf)).toEqual(["unknown-market"]);
      const mixed = ask(adapter, simulated, ["BTC/USDT", "NOPE/USDT", "ETH/USDT"]).map(codeOf);
      // A venue that does not name the culprit fails the batch: then each market is asked alone (P8).
      expect([
        ["quote", "unknown-market", "quote"],
        ["unknown-market", "unknown-market", "unknown-market"],
      ]).toContainEqual(mixed);
      expect(ask(adapter, simulated, ["BTC/USDT"]).map(codeOf)).toEqual(["quote"]);
    });

    test("a path that the venue does not have is no quote", () => {
      const response = simulated.respond({ method: "GET", path: "/nowhere", query: new URLSearchParams(), body: "" }, MARKETS);
      const [request] = adapter.request(["BTC/USDT"]);
      expect(response.status).toBe(404);
      expect(request && adapter.parse(request, received(response)).map(codeOf)).not.toContain("quote");
    });
  });
}

test("every simulated venue has an adapter", () => {
  expect(Object.keys(SIMULATED_VENUES).toSorted()).toEqual([...VENUES].toSorted());
});

test("raw numbers keep their digits and everything else is JSON", () => {
  const text = jsonOf({ price: { raw: "1.10" }, list: [1, 'a"b', null, true], at: 1_763_800_000_000 });
  expect(text).toBe('{"price":1.10,"list":[1,"a\\"b",null,true],"at":1763800000000}');
});

function ask(adapter: Adapter, simulated: SimulatedVenue, markets: readonly string[]): readonly MarketAnswer[] {
  return adapter
    .request(markets)
    .flatMap((request) => adapter.parse(request, received(simulated.respond(over(request), MARKETS))));
}

/** What an HTTP server makes of the request line. */
function over(request: VenueRequest): Parameters<SimulatedVenue["respond"]>[0] {
  const url = new URL(request.path, "http://127.0.0.1");
  return { method: request.method, path: decodeURIComponent(url.pathname), query: url.searchParams, body: request.body ?? "" };
}

function received({ status, body }: ReturnType<SimulatedVenue["respond"]>): Parameters<Adapter["parse"]>[1] {
  return { status, headers: {}, receivedAt: RECEIVED_AT, body: new TextEncoder().encode(body) };
}

function expectSame(quote: Quote, ticker: SimulatedTicker, fields: readonly string[]): void {
  const said = { ...ticker, bookAt: ticker.at, lastAt: ticker.at };
  const expected = Object.entries(said).filter(([name]) => fields.includes(name));
  expect(quote).toEqual({ market: quote.market, ...Object.fromEntries(expected) });
}

function quoteOf({ market, answer }: MarketAnswer): Quote {
  if (!answer.ok) throw new Error(`${market}: ${answer.error.code} ${answer.error.detail}`);
  return answer.value;
}

function codeOf({ answer }: MarketAnswer): string {
  return answer.ok ? "quote" : answer.error.code;
}

function tickerOfMarket(market: string): SimulatedTicker {
  const ticker = MARKETS.get(market);
  if (ticker === undefined) throw new Error(`${market} is not in the table`);
  return ticker;
}

function tickerOf([bid, ask, last, volume]: readonly [string, string, string, string]): SimulatedTicker {
  return { bid: amount(bid), ask: amount(ask), last: amount(last), volume: amount(volume), at: AT };
}

function amount(text: string): bigint {
  const parsed = parseAmount(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}
