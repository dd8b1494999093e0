import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Adapter, FaultCode, MarketAnswer, Quote, VenueRequest } from "../../adapters/adapter.ts";
import { ADAPTERS, VENUES, type Venue } from "../../adapters/index.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { responseWith } from "./fixtures.ts";

/** Recorded bodies are kept beside the checkout, not in it: their licence does not allow to pass them on. */
const FOLDER = new URL("../../../shared/data/exchanges/", import.meta.url);
const PRESENT = existsSync(FOLDER);
const ABSENT = "there is no ../shared/data/exchanges beside this checkout";

type Recorded = {
  readonly endpoint?: string;
  readonly http_status: number | null;
  readonly body?: unknown;
  readonly body_text?: string;
};

/** Every market that a recorded body is about. */
const MARKETS = [
  ...["BTC/USDT", "ETH/USDT", "LTC/USDT", "LINK/USDT", "KFC/USDT", "AE/USDT", "S/USDT", "BTC/USD", "ETH/USD", "USDC/USD"],
  ...["BTC/EUR", "BTC/KRW", "ETH/BTC", "LTC/BTC", "BCD/BTC", "HBC/BTC", "BHD/HT"],
];

/** Where the venue's documentation puts bid, ask and last: paths into the body, keys and indexes joined by dots. */
type Places = Readonly<Record<"bid" | "ask" | "last", RegExp>> & { readonly wraps?: (record: unknown) => readonly unknown[] };

const NEVER = /^\b$/;
const PLACES = {
  binance: { bid: /bidPrice$/, ask: /askPrice$/, last: /lastPrice$/, wraps: (record) => [[record]] },
  bitfinex: { bid: /^(0|\d+\.1)$/, ask: /^(2|\d+\.3)$/, last: /^(6|\d+\.7)$/ },
  bitget: { bid: /bidPr$/, ask: /askPr$/, last: /lastPr$/, wraps: (record) => [{ code: "00000", data: [record] }] },
  bitstamp: { bid: /bid$/, ask: /ask$/, last: /last$/ },
  bybit: {
    bid: /bid1Price$/,
    ask: /ask1Price$/,
    last: /lastPrice$/,
    wraps: (record) => [{ retCode: 0, result: { list: [record] } }],
  },
  coinbase: { bid: /bid$/, ask: /ask$/, last: /price$/ },
  "crypto.com": { bid: /\.b$/, ask: /\.k$/, last: /\.a$/, wraps: (record) => [{ code: 0, result: { data: [record] } }] },
  gate: { bid: /highest_bid$/, ask: /lowest_ask$/, last: /last$/, wraps: (record) => [[record]] },
  gemini: { bid: /^bid$/, ask: /^ask$/, last: /^last$/ },
  htx: { bid: /bid(\.0)?$/, ask: /ask(\.0)?$/, last: /close$/, wraps: (record) => [{ status: "ok", data: [record] }] },
  hyperliquid: { bid: /^levels\.0\.0\.px$/, ask: /^levels\.1\.0\.px$/, last: NEVER },
  indodax: { bid: /buy$/, ask: /sell$/, last: /last$/ },
  kraken: { bid: /\.b\.0$/, ask: /\.a\.0$/, last: /\.c\.0$/, wraps: (record) => [{ error: [], result: { XETHZUSD: record } }] },
  kucoin: { bid: /buy$/, ask: /sell$/, last: /last$/ },
  luno: { bid: /bid$/, ask: /ask$/, last: /last_trade$/ },
  mexc: { bid: /bidPrice$/, ask: /askPrice$/, last: /lastPrice$/ },
  okx: { bid: /bidPx$/, ask: /askPx$/, last: /last$/, wraps: (record) => [{ code: "0", data: [record] }] },
  upbit: { bid: NEVER, ask: NEVER, last: /trade_price$/, wraps: (record) => [[record]] },
} satisfies Record<Venue, Places>;

/** Of Hyperliquid only perpetuals were recorded: their coin is not that of the spot pair, and none of it may pass for one. */
const ONLY_OTHER_MARKETS: readonly Venue[] = ["hyperliquid"];

const tally: Record<string, Record<string, number>> = {};

describe("recorded bodies", () => {
  for (const venue of VENUES) {
    test(`${venue}: tickers`, (context) => {
      const records = recordsOf(venue, "rest-ticker.json");
      if (records === undefined) return context.skip(ABSENT);
      const adapter: Adapter = ADAPTERS[venue];
      let quoted = 0;
      for (const record of records) {
        const quotes = bodiesOf(record, PLACES[venue]).flatMap((body) => quotesOf(adapter, body));
        if (quotes.length > 0) quoted += 1;
        const ours = isOurs(adapter, record.endpoint ?? "");
        expect(!ours || quotes.length > 0, `${record.endpoint} gives a quote`).toBe(true);
        for (const { quote, body } of quotes) expectPricesOf(body, quote, PLACES[venue], ours);
        count(venue, `ticker ${quotes.length > 0 ? "quote" : firstFault(adapter, record)}`);
      }
      if (ONLY_OTHER_MARKETS.includes(venue)) expect(quoted, "another market's record is refused").toBe(0);
      else expect(quoted, "at least one recorded ticker is read").toBeGreaterThan(0);
    });

    if (PRESENT && recordsOf(venue, "errors.json") === undefined) continue;
    test(`${venue}: errors`, (context) => {
      const records = recordsOf(venue, "errors.json");
      if (records === undefined) return context.skip(ABSENT);
      for (const record of records) {
        const answers = requestsOf(ADAPTERS[venue]).flatMap((request) => answersTo(ADAPTERS[venue], request, record));
        expect(
          answers.filter(({ answer }) => answer.ok),
          textOf(record),
        ).toEqual([]);
        count(venue, `error ${firstFault(ADAPTERS[venue], record)}`);
      }
    });
  }

  test("the table of what became of them", (context) => {
    if (!PRESENT) {
      console.log(`recorded bodies: NOT CHECKED, ${ABSENT}`);
      return context.skip(ABSENT);
    }
    console.log("recorded bodies: what the adapters made of them (the code is that of the first market asked)");
    for (const [venue, codes] of Object.entries(tally)) {
      const columns = Object.entries(codes).toSorted(([a], [b]) => (a > b ? -1 : 1));
      console.log(`  ${venue.padEnd(12)} ${columns.map(([code, n]) => `${code} ${n}`).join(", ")}`);
    }
    expect(Object.keys(tally)).toEqual([...VENUES]);
  });
});

function recordsOf(venue: string, file: string): readonly Recorded[] | undefined {
  const path = new URL(`${venue}/${file}`, FOLDER);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function textOf(record: Recorded): string {
  return record.body_text ?? JSON.stringify(record.body ?? null);
}

/** The body as recorded and, where a comment shows one record without its envelope, inside the envelope. */
function bodiesOf(record: Recorded, places: Places): readonly string[] {
  const wrapped = record.body === undefined ? [] : (places.wraps?.(record.body) ?? []);
  return [textOf(record), ...wrapped.map((body) => JSON.stringify(body))];
}

/** Every market asked alone, and all of them at once. */
function requestsOf(adapter: Adapter): readonly VenueRequest[] {
  return [...MARKETS.flatMap((market) => adapter.request([market])), ...adapter.request(MARKETS)];
}

function quotesOf(adapter: Adapter, body: string): readonly { readonly quote: Quote; readonly body: string }[] {
  const answers = requestsOf(adapter).flatMap((request) => adapter.parse(request, responseWith(body)));
  return answers.flatMap(({ answer }) => (answer.ok ? [{ quote: answer.value, body }] : []));
}

/** A status that was not recorded may have been any: success and refusal are both tried. */
function answersTo(adapter: Adapter, request: VenueRequest, record: Recorded): readonly MarketAnswer[] {
  const statuses = record.http_status === null ? [200, 400] : [record.http_status];
  return statuses.flatMap((status) => adapter.parse(request, responseWith(textOf(record), status)));
}

function firstFault(adapter: Adapter, record: Recorded): FaultCode | "quote" {
  const [first] = requestsOf(adapter).flatMap((request) => answersTo(adapter, request, record));
  return first === undefined || first.answer.ok ? "quote" : first.answer.error.code;
}

/** The recorded request is one that the adapter would send (`...` stands for what the recording left out). */
function isOurs(adapter: Adapter, endpoint: string): boolean {
  const [method, url, ...rest] = endpoint.split(" ");
  if (url === undefined || !URL.canParse(url)) return false;
  const recorded = new URL(url);
  return requestsOf(adapter).some((request) => {
    const asked = new URL(request.path, adapter.baseUrl);
    const samePath = recorded.pathname === asked.pathname || recorded.pathname.replace("...", "BTC-USDT") === asked.pathname;
    return method === request.method && samePath && rest.join(" ") === (request.body ?? "");
  });
}

/** Every price of the quote stands in the body where the documentation says; of our own endpoint none is left out. */
function expectPricesOf(body: string, quote: Quote, places: Places, complete: boolean): void {
  const leaves = leavesOf(JSON.parse(body), "");
  for (const name of ["bid", "ask", "last"] as const) {
    const written = leaves.filter(([path]) => places[name].test(path)).map(([, text]) => canonical(text));
    const price = quote[name];
    if (price !== undefined) expect(written, `${name} of ${body}`).toContain(formatAmount(price));
    else if (complete) expect(written, `${name} of ${body}`).toEqual([]);
  }
}

function leavesOf(value: unknown, path: string): readonly (readonly [path: string, text: string])[] {
  if (typeof value === "string" || typeof value === "number") return [[path, String(value)]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === "" ? key : `${path}.${key}`));
}

/** @example canonical("73380.70000"); // "73380.7" */
function canonical(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function count(venue: string, what: string): void {
  tally[venue] ??= {};
  tally[venue][what] = (tally[venue][what] ?? 0) + 1;
}
