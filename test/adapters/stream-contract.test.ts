import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAULT_CODES } from "../../adapters/adapter.ts";
import { VENUES } from "../../adapters/index.ts";
import { MAX_FRAME_BYTES, type StreamAdapter, type StreamMessage, symbolsOf } from "../../adapters/stream.ts";
import { createStreamSession, type SessionOutput, STREAM_DEFAULTS } from "../../adapters/stream-session.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import { SIMULATED_STREAMS } from "../../simulator/streams/index.ts";
import { frameOf, readText, STREAM_ADAPTERS, type StreamFixture, shownMessage, streamFixturesOf } from "./stream-fixtures.ts";

/** Every venue shows what it does in each of these by a fixture of its own. */
const EACH_VENUE = [
  ...["snapshot", "update", "acknowledged", "refused", "unknown-market", "malformed"],
  ...["crossed", "non-positive", "out-of-order", "one-sided", "other"],
];

const MARKETS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"];

/** Frames no venue should send, and the fault they must be. */
const HOSTILE: readonly { readonly what: string; readonly frame: string | Uint8Array; readonly fault: string }[] = [
  { what: "nothing", frame: "", fault: "malformed" },
  { what: "bytes that are not UTF-8", frame: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), fault: "malformed" },
  { what: "HTML", frame: "<!DOCTYPE html><html></html>", fault: "html" },
  { what: "arrays nested 30 000 deep", frame: "[".repeat(30_000) + "]".repeat(30_000), fault: "malformed" },
  { what: "more bytes than any venue sends", frame: new Uint8Array(MAX_FRAME_BYTES + 1).fill(0x20), fault: "oversize" },
  { what: "two documents", frame: "{}{}", fault: "malformed" },
  { what: "NaN", frame: '{"last":NaN}', fault: "malformed" },
];

/** Frames that are JSON of no venue's shape: they may mean little, and must be no quote. */
const SHAPELESS = [
  ...["null", "true", "1e999", '"x"', "{}", "[]", "[[]]", "[null]", "[{}]", '{"__proto__":{"e":"24hrTicker"}}'],
  ...['{"data":null}', '{"data":[]}', '{"data":[null]}', '{"data":{"e":{}}}', '{"event":"data","channel":"order_book_btcusdt"}'],
  ...['{"channel":"ticker","data":[null,1,"x",[]]}', '{"arg":{"channel":"tickers"},"data":[null,1,"x",[]]}'],
  ...['{"topic":"orderbook.1.BTCUSDT","type":"snapshot"}', '{"type":"ticker","product_id":"BTC-USDT"}', '{"type":"error"}'],
  ...['{"e":"24hrTicker","s":"BTCUSDT"}', '{"event":"error","msg":1,"code":{}}', '{"op":"subscribe","success":"no"}'],
];

test("the venues with a stream are venues, and the market server pushes for exactly these", () => {
  const names = Object.keys(STREAMS);
  expect(names.filter((name) => !(VENUES as readonly string[]).includes(name))).toEqual([]);
  expect(Object.keys(SIMULATED_STREAMS).toSorted()).toEqual(names.toSorted());
  expect(STREAM_ADAPTERS.map(({ venue }) => venue)).toEqual(names);
});

for (const adapter of STREAM_ADAPTERS) describe(adapter.venue, () => contract(adapter));

function contract(adapter: StreamAdapter): void {
  const fixtures = streamFixturesOf(adapter.venue);
  const symbols = symbolsOf(adapter, MARKETS);

  test.each(fixtures.map((fixture) => [fixture.name, fixture] as const))("fixture %s", (_name, { frames, markets }) => {
    const said = frames.map(({ text }) => readText(adapter, markets, text).map(shownMessage));
    expect(said).toEqual(frames.map(({ says }) => says));
  });

  test("has a fixture for everything a stream can say, and a heartbeat where it asks for one", () => {
    const names = fixtures.map(({ name }) => name);
    const wanted = [...EACH_VENUE, ...(adapter.heartbeat.ping === undefined ? [] : ["heartbeat"])];
    expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
  });

  test("goes to the venue over TLS, and names the page that says so", () => {
    expect(adapter.url).toMatch(/^wss:\/\//);
    expect(adapter.docs).toMatch(/^https:\/\//);
    expect(adapter.sendEveryMs).toBeGreaterThan(0);
    expect(adapter.heartbeat.silenceMs).toBeGreaterThan((adapter.heartbeat.ping?.everyMs ?? 0) + 5_000);
  });

  test("subscribes to each market once, whatever their number, and takes each back", () => {
    const many = Array.from({ length: 250 }, (_, index) => `A${index}/USDT`);
    const inFrames = (frames: readonly string[]) =>
      many.map((market) => {
        const name = adapter.symbolOf(market);
        const spelled = new RegExp(`[":_.]${name}["@]`, "i");
        return frames.filter((frame) => spelled.test(frame)).length;
      });
    for (const frames of [adapter.subscribe(many), adapter.unsubscribe(many)]) {
      expect(new Set(inFrames(frames))).toEqual(new Set([1]));
      expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThan(16 * 1024);
      for (const frame of frames) expect(() => JSON.parse(frame)).not.toThrow();
    }
    expect(adapter.subscribe([])).toEqual([]);
  });

  test("what comes out of order makes the session ask anew, and is not recorded", () => {
    const outputs = outputsOf(adapter, fixtureNamed(fixtures, "out-of-order"));
    expect(outputs.filter(({ kind }) => kind === "record")).toHaveLength(1);
    const codes = outputs.flatMap((output) => (output.kind === "counted" ? [output.code] : []));
    expect(codes).toEqual(["quote", "out-of-order"]);
  });

  test.each(HOSTILE)("$what is a fault", ({ frame, fault }) => {
    const bytes = typeof frame === "string" ? frameOf(frame) : frame;
    expect(adapter.read(bytes, symbols).map(shownMessage)).toEqual([{ fault }]);
  });

  test.each(SHAPELESS)("%s is no quote", (text) => {
    const messages = readText(adapter, MARKETS, text);
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.filter((message) => message.kind === "quote" && message.answer.ok)).toEqual([]);
  });

  test("any bytes and any JSON are read without a throw, and every fault has a code and a short text", () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    const json = fc.json({ maxDepth: 6 }).map(frameOf);
    fc.assert(fc.property(fc.oneof(bytes, json), (frame) => expectSound(adapter.read(frame, symbols))));
  });

  test("a fixture's frame with any part cut out or repeated is read without a throw", () => {
    const texts = fixtures.flatMap(({ frames }) => frames.map(({ text }) => text));
    const cut = fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(), fc.boolean()).map(([text, from, length, repeat]) => {
      const start = from % text.length;
      const end = start + (length % 40);
      return text.slice(0, start) + (repeat ? text.slice(start, end).repeat(2) : "") + text.slice(end);
    });
    fc.assert(fc.property(cut, (text) => expectSound(adapter.read(frameOf(text), symbols))));
  });
}

function expectSound(messages: readonly StreamMessage[]): void {
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    if (message.kind === "quote" && message.answer.ok) {
      const { bid, ask, last } = message.answer.value;
      expect([bid, ask, last].some((price) => price !== undefined)).toBe(true);
      for (const price of [bid, ask, last]) expect(price === undefined || price > 0n).toBe(true);
    }
    const fault = message.kind === "fault" || message.kind === "refused" ? message.fault : undefined;
    if (fault === undefined) continue;
    expect(FAULT_CODES).toContain(fault.code);
    expect(fault.detail.length).toBeLessThanOrEqual(200);
  }
}

/** A session that is open and has been told to subscribe, over the frames of a fixture. */
function outputsOf(adapter: StreamAdapter, { markets, frames }: StreamFixture): readonly SessionOutput[] {
  const session = createStreamSession({ adapter, markets, settings: STREAM_DEFAULTS, random: () => 0 }, 0);
  session.handle({ kind: "wake" }, 0);
  session.handle({ kind: "opened" }, 1);
  return frames.flatMap(({ text }) => session.handle({ kind: "frame", bytes: frameOf(text) }, 2));
}

function fixtureNamed(fixtures: readonly StreamFixture[], name: string): StreamFixture {
  const fixture = fixtures.find((each) => each.name === name);
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  return fixture;
}
