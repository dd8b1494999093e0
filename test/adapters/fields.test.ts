import { describe, expect, test } from "vitest";
import { at, batchesOf, readQuote, textOf } from "../../adapters/fields.ts";
import { type Json, parseJson } from "../../adapters/json.ts";
import { readBody } from "../../adapters/response.ts";
import { boundedRetry, MAX_RETRY_MS, retryAfter, timeOf } from "../../adapters/times.ts";
import { RECEIVED_AT, responseWith } from "./fixtures.ts";

function json(text: string): Json {
  const parsed = parseJson(new TextEncoder().encode(text));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

/** The code and detail of a record with the fields bid, ask, last, bookAt (ms), or the quote's bid. */
function read(record: string): string {
  const value = json(record);
  const quote = readQuote("BTC/USD", {
    bid: at(value, "bid"),
    ask: at(value, "ask"),
    last: at(value, "last"),
    volume: at(value, "volume"),
    bookAt: { field: at(value, "time"), unit: "ms" },
  });
  return quote.ok ? "quote" : `${quote.error.code}: ${quote.error.detail}`;
}

describe("a quote's faults, each before the ones below it", () => {
  test.each([
    ['{"bid":"x","ask":"-1","last":"0","time":"x"}', "malformed: bid: expected a decimal (not-decimal)"],
    ['{"bid":"2","ask":{},"last":"0","time":"x"}', "malformed: ask: expected a decimal (empty)"],
    ['{"bid":"2","ask":"1","last":"1e5"}', "malformed: last: expected a decimal (exponent)"],
    ['{"bid":"2","ask":"1","last":"1.0000000000000000001"}', "malformed: last: expected a decimal (precision)"],
    ['{"bid":"2","ask":"0","time":"12"}', "malformed: time: expected a time in ms"],
    ['{"bid":"-2","ask":"1","last":"0"}', "non-positive: bid: expected more than zero"],
    ['{"bid":"2","ask":"1","last":"0.000"}', "non-positive: last: expected more than zero"],
    ['{"bid":null,"ask":"","volume":"1"}', "malformed: no bid, ask or last"],
    ['{"bid":"2","ask":"1"}', "crossed: bid above ask"],
    ['{"bid":"1","ask":"1"}', "quote"],
    ['{"bid":1.5,"ask":1.50}', "quote"],
    ['{"last":"1","volume":"-1"}', "quote"],
    ["[]", "malformed: bid: expected a decimal (empty)"],
  ])("%s → %s", (record, said) => {
    expect(read(record)).toBe(said);
  });
});

test("a path names the field and a scalar on the way is misplaced, not absent", () => {
  expect(at(json('{"a":["1"]}'), "a", 0)).toEqual({ path: "a[0]", value: "1" });
  expect(at(json('{"a":null}'), "a", 0)).toEqual({ path: "a[0]", value: null });
  expect(at(json('{"a":"15"}'), "a", 0)).toEqual({ path: "a[0]", value: undefined, misplaced: true });
  expect(at(json('{"a":1}'), "a", "number").misplaced).toBe(true);
  expect(textOf(at(json('{"r":{"a":1.0}}'), "r", "a"))).toBe("1.0");
  expect(textOf(at(json("[true]"), 0))).toBeUndefined();
});

describe("times", () => {
  test.each([
    ["1710328241", "s", 1710328241000],
    ["1710328241.5", "s", 1710328241500],
    ["1710328241.1239", "s", 1710328241123],
    ["1710328243709", "ms", 1710328243709],
    ["1710328243709.9", "ms", 1710328243709],
    ["1710328243709123", "us", 1710328243709],
    ["1710328243709123456", "ns", 1710328243709],
    ["2024-03-13T11:10:41.270099Z", "iso", 1710328241270],
    ["2024-03-13T11:10:41Z", "iso", 1710328241000],
    ["2024-03-13T11:10:41.2+00:00", "iso", 1710328241200],
    ["2024-02-29T00:00:00Z", "iso", 1709164800000],
    ["2023-02-29T00:00:00Z", "iso", undefined],
    ["2024-03-13T24:00:00Z", "iso", undefined],
    ["2024-03-13T11:10:41+01:00", "iso", undefined],
    ["2024-03-13 11:10:41", "iso", undefined],
    ["1710328241", "ms", undefined],
    ["1710328243709", "s", undefined],
    ["1710328243709", "us", undefined],
    ["-1710328241", "s", undefined],
    ["1.7e9", "s", undefined],
    ["", "ms", undefined],
    ["0", "ms", undefined],
    ["99999999999999999999", "ns", undefined],
  ] as const)("%s in %s is %s", (text, unit, time) => {
    expect(timeOf(text, unit)).toBe(time);
  });
});

describe("Retry-After", () => {
  test.each([
    ["30", RECEIVED_AT + 30_000],
    [" 0 ", RECEIVED_AT],
    ["999999999", RECEIVED_AT + MAX_RETRY_MS],
    ["Sat, 22 Nov 2025 08:27:40 GMT", RECEIVED_AT + 60_000],
    ["Sat, 22 Nov 2025 08:00:00 GMT", RECEIVED_AT],
    ["Fri, 31 Dec 2999 23:59:59 GMT", RECEIVED_AT + MAX_RETRY_MS],
    ["2025-11-22", undefined],
    ["-5", undefined],
    ["soon", undefined],
  ])("%s", (header, instant) => {
    expect(retryAfter({ "retry-after": header }, RECEIVED_AT)).toBe(instant);
  });

  test("no header, no instant; a stranger's instant is bounded", () => {
    expect(retryAfter({}, RECEIVED_AT)).toBeUndefined();
    expect(boundedRetry(0, RECEIVED_AT)).toBe(RECEIVED_AT);
    expect(boundedRetry(Number.MAX_SAFE_INTEGER, RECEIVED_AT)).toBe(RECEIVED_AT + MAX_RETRY_MS);
  });
});

describe("the order of a response's faults", () => {
  const stating = { bodyFault: () => ({ code: "unknown-market", detail: "said so" }) as const };
  test.each([
    ["a status of its own before what the body states", 429, "{}", stating, "rate-limited"],
    ["the venue's own status alike", 403, "{}", { ...stating, statusFaults: { 403: "rate-limited" } }, "rate-limited"],
    ["the body's word before 503", 503, "{}", stating, "unknown-market"],
    ["503 before html", 503, "<html>", {}, "maintenance"],
    ["html before the status", 500, "<html>", {}, "html"],
    ["the status before what is no JSON", 500, "oops", {}, "http-status"],
    ["what is no JSON", 200, "oops", {}, "malformed"],
  ] as const)("%s", (_what, status, body, rules, code) => {
    expect(readBody(responseWith(body, status), rules)).toMatchObject({ ok: false, error: { code } });
  });

  test("only rate limits and maintenance carry an instant, the later of header and venue", () => {
    const headers = { "retry-after": "10" };
    const later = { retryAt: () => RECEIVED_AT + 20_000 };
    const earlier = { retryAt: () => RECEIVED_AT + 1000 };
    const error = (status: number, rules: object) => readBody({ ...responseWith("{}", status), headers }, rules);
    expect(error(429, later)).toMatchObject({ error: { retryAt: RECEIVED_AT + 20_000 } });
    expect(error(503, earlier)).toMatchObject({ error: { retryAt: RECEIVED_AT + 10_000 } });
    expect(error(500, later)).toEqual({ ok: false, error: { code: "http-status", detail: "status 500" } });
  });
});

test("batches keep the order and lose nobody", () => {
  expect(batchesOf(["A", "B", "C"], 2)).toEqual([["A", "B"], ["C"]]);
  expect(batchesOf([], 2)).toEqual([]);
});
