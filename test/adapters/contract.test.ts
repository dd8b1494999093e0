import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Adapter, FAULT_CODES, type FaultCode, type MarketAnswer } from "../../adapters/adapter.ts";
import { ADAPTERS, VENUES } from "../../adapters/index.ts";
import { MAX_BODY_BYTES } from "../../adapters/json.ts";
import { type Fixture, fixturesOf, requestOf, responseOf, responseWith, shown, venuesWithFixtures } from "./fixtures.ts";

/** What the poller alone can say: no response, no fixture. */
const POLLER_CODES: readonly FaultCode[] = ["timeout", "network"];

/** Every venue shows what it does in each of these by a fixture of its own; `crossed` only where it has a book. */
const EACH_VENUE: readonly FaultCode[] = ["unknown-market", "rate-limited", "maintenance", "malformed", "non-positive"];

const MARKETS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"];

/** Bodies no venue should send, and the fault that every market must get at status 200. */
const HOSTILE: readonly { readonly what: string; readonly body: string | Uint8Array; readonly fault: FaultCode }[] = [
  { what: "nothing", body: "", fault: "malformed" },
  { what: "white space", body: " \r\n\t ", fault: "malformed" },
  { what: "bytes that are not UTF-8", body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), fault: "malformed" },
  { what: "HTML", body: "<!DOCTYPE html><html><body>Just a moment...</body></html>", fault: "html" },
  { what: "HTML after a byte-order mark and white space", body: "\uFEFF\n <html></html>", fault: "html" },
  { what: "arrays nested 100 000 deep", body: "[".repeat(100_000) + "]".repeat(100_000), fault: "malformed" },
  { what: "objects nested 50 000 deep", body: `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`, fault: "malformed" },
  { what: "more bytes than any venue sends", body: new Uint8Array(MAX_BODY_BYTES + 1).fill(0x20), fault: "oversize" },
  { what: "a number", body: "1e999", fault: "malformed" },
  { what: "a string", body: '"1800.12"', fault: "malformed" },
  { what: "true", body: "true", fault: "malformed" },
  { what: "two documents", body: "{}{}", fault: "malformed" },
  { what: "NaN", body: '{"last":NaN}', fault: "malformed" },
];

/** Bodies that are JSON of no venue's shape: the code may differ, a quote must not appear. */
const SHAPELESS = [
  "null",
  "{}",
  "[]",
  "[[]]",
  "[null]",
  "[{}]",
  "[1,2,3]",
  '{"__proto__":{"data":[]}}',
  '{"data":null,"result":null}',
  '{"code":{}}',
  ...["code", "retCode", "reason", "status", "message"].map((key) => `{"${key}":"constructor","result":"error"}`),
];

for (const venue of VENUES) describe(venue, () => contract(ADAPTERS[venue]));

function contract(adapter: Adapter): void {
  const fixtures = fixturesOf(adapter.venue);

  test.each(fixtures.map((fixture) => [fixture.name, fixture] as const))("fixture %s", (_name, fixture) => {
    const answers = adapter.parse(requestOf(adapter, fixture), responseOf(fixture));
    expect(shown(answers)).toEqual(fixture.answers);
    expect(answers.map(({ market }) => market)).toEqual(requestOf(adapter, fixture).markets);
  });

  test("has a fixture for every fault it can give and for a one-sided book", () => {
    const answers = fixtures.flatMap((fixture) => Object.values(fixture.answers));
    const codes = new Set(answers.map(({ fault }) => fault));
    const hasBook = answers.some(({ bid, ask }) => bid !== undefined && ask !== undefined);
    expect([...EACH_VENUE, ...(hasBook ? (["crossed"] as const) : [])].filter((code) => !codes.has(code))).toEqual([]);
    expect(!hasBook || answers.some(({ bid, ask }) => (bid === undefined) !== (ask === undefined))).toBe(true);
    expect(fixtures.some(({ markets, answers }) => markets.length > 1 && Object.values(answers).some((a) => !a.fault))).toBe(
      true,
    );
  });

  test("asks for every market exactly once, by paths of printable ASCII", () => {
    for (const count of [1, 2, 3, 25, 120]) {
      const markets = Array.from({ length: count }, (_, i) => `T${i}/USDT`);
      const requests = adapter.request(markets);
      expect(requests.flatMap((request) => request.markets)).toEqual(markets);
      for (const { path, method, body } of requests) {
        expect(path).toMatch(/^\/[!-~]*$/);
        expect(method === "GET").toBe(body === undefined);
      }
    }
    expect(adapter.request([])).toEqual([]);
  });

  test.each(HOSTILE.map((row) => [row.what, row] as const))(
    "a body of %s is a fault of every market",
    (_what, { body, fault }) => {
      expect(parseAll(adapter, body)).toEqual(MARKETS.map((market) => [market, fault]));
    },
  );

  test("JSON of another shape never gives a quote", () => {
    for (const body of SHAPELESS) for (const [, fault] of parseAll(adapter, body)) expect(FAULT_CODES, body).toContain(fault);
  });

  test.each([
    [429, "rate-limited"],
    [418, "rate-limited"],
    [503, "maintenance"],
    [500, "http-status"],
    [301, "http-status"],
  ] as const)("status %i without a word is %s", (status, fault) => {
    expect(parseAll(adapter, "", status)).toEqual(MARKETS.map((market) => [market, fault]));
  });

  test("an HTML page is html whatever its status, except where the status says more", () => {
    for (const [status, fault] of [
      [520, "html"],
      [502, "html"],
      [429, "rate-limited"],
      [503, "maintenance"],
    ] as const) {
      expect(parseAll(adapter, "<html>", status)).toEqual(MARKETS.map((market) => [market, fault]));
    }
  });

  test("a body cut off anywhere never gives a quote", () => {
    for (const fixture of fixtures.filter(hasQuote)) {
      const request = requestOf(adapter, fixture);
      const response = responseOf(fixture);
      const step = Math.max(1, Math.floor(response.body.length / 400));
      for (let end = 0; end < response.body.length; end += step) {
        const answers = adapter.parse(request, { ...response, body: response.body.slice(0, end) });
        expect(answers.filter(({ answer }) => answer.ok)).toEqual([]);
      }
    }
  });

  test("one flipped byte never throws and never leaves a market unanswered", () => {
    for (const fixture of fixtures.filter(hasQuote)) {
      const request = requestOf(adapter, fixture);
      const response = responseOf(fixture);
      fc.assert(
        fc.property(fc.nat(response.body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const body = Uint8Array.from(response.body, (byte, i) => (i === at ? byte ^ flip : byte));
          expectComplete(request.markets, adapter.parse(request, { ...response, body }));
        }),
        { numRuns: 100 },
      );
    }
  });

  test("any JSON at any status never throws and never leaves a market unanswered", () => {
    const requests = [...adapter.request(MARKETS), ...adapter.request(MARKETS.slice(0, 1))];
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(200, 400, 403, 404, 500), (body, status) => {
        for (const request of requests) expectComplete(request.markets, adapter.parse(request, responseWith(body, status)));
      }),
      { numRuns: 200 },
    );
  });

  test("names itself, its documentation and its budget", () => {
    expect(adapter.baseUrl).toMatch(/^https:\/\/[a-z0-9.-]+$/);
    expect(adapter.docs).toMatch(/^https:\/\//);
    expect(adapter.requestsPerSecond).toBeGreaterThan(0);
  });
}

test("every fault an adapter can give has a row", () => {
  const fromFixtures = VENUES.flatMap((venue) => fixturesOf(venue)).flatMap(({ answers }) =>
    Object.values(answers).map((a) => a.fault),
  );
  const seen = new Set([...fromFixtures, ...HOSTILE.map(({ fault }) => fault)]);
  expect(FAULT_CODES.filter((code) => !seen.has(code) && !POLLER_CODES.includes(code))).toEqual([]);
});

test("every venue has fixtures, its own name in the table, and every fixture folder a venue", () => {
  expect(venuesWithFixtures()).toEqual([...VENUES].toSorted());
  expect(VENUES.map((venue) => ADAPTERS[venue].venue)).toEqual([...VENUES]);
});

/** `[market, fault code]` of every market over every request, or "quote" where one came out. */
function parseAll(
  adapter: Adapter,
  body: string | Uint8Array,
  status = 200,
): readonly (readonly [string, FaultCode | "quote"])[] {
  const answers = adapter.request(MARKETS).flatMap((request) => adapter.parse(request, responseWith(body, status)));
  return answers.map(({ market, answer }) => [market, answer.ok ? "quote" : answer.error.code]);
}

function hasQuote(fixture: Fixture): boolean {
  return Object.values(fixture.answers).some(({ fault }) => fault === undefined);
}

/** Every market once, in order; a quote has at least one price, all positive, the book uncrossed; a fault has a known code. */
function expectComplete(markets: readonly string[], answers: readonly MarketAnswer[]): void {
  expect(answers.map(({ market }) => market)).toEqual(markets);
  for (const { answer } of answers) {
    if (!answer.ok) {
      expect(FAULT_CODES).toContain(answer.error.code);
      continue;
    }
    const { bid, ask, last } = answer.value;
    const prices = [bid, ask, last].filter((price) => price !== undefined);
    expect(prices.length).toBeGreaterThan(0);
    expect(prices.every((price) => price > 0n)).toBe(true);
    expect(bid === undefined || ask === undefined || bid <= ask).toBe(true);
  }
}
