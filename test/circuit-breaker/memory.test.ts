import fc from "fast-check";
import { encodeAbiParameters, pad, stringToHex } from "viem";
import { describe, expect, test } from "vitest";
import { type BreakerMemory, decodeMemory, EMPTY_MEMORY, encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { toHex } from "../../protocol/bytes.ts";
import { compareText, type FeedId } from "../../protocol/feed.ts";
import { BREAKER_STATES } from "../../protocol/report.ts";
import { createChain } from "./chain.ts";

/** Every field another number, so that two swapped fields show. */
const NUMBERED: FeedMemory = {
  feed: "ETH/USD" as FeedId,
  price: 101n,
  pricedAt: 102,
  observedAt: 103,
  rawLow: 104n,
  rawHigh: 105n,
  ema: 106n,
  anchor: 107n,
  v: 108n,
  sampleP: 109n,
  sampleAt: 110,
  state: "half-open",
  since: 112,
  fired: [201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211],
  recent: [301n, 302n, 303n],
  corrob: 401n,
  stepMax: 402,
  pegHeld: 403n,
  agree: 404,
  waived: 405,
  dir: -1,
  trips: 407,
  openMs: [501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511],
  closedAt: 601,
  spent: 602n,
  gapAt: 603,
  restartAt: 604,
  rounds: 605,
  firstAt: 606,
  manual: { action: 2, until: 702 },
  sysEma: 703n,
};
const NUMBERED_WORDS = [
  ...[101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 1, 112],
  ...[201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211],
  ...[301, 302, 303],
  ...[401, 402, 403, 404, 405, -1, 407],
  ...[501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511],
  ...[601, 602, 603, 604, 605, 606],
  ...[2, 702, 703],
];

/** The pinned Solidity type, encoded by a second implementation. */
function encodeByViem(feeds: readonly { readonly feed: string; readonly fields: readonly bigint[] }[]): string {
  return encodeAbiParameters(
    [
      {
        type: "tuple[]",
        name: "feeds",
        components: [
          { type: "bytes32", name: "feed" },
          { type: "int256[53]", name: "fields" },
        ],
      },
      { type: "int256[]", name: "globals" },
    ],
    [feeds.map(({ feed, fields }) => ({ feed: pad(stringToHex(feed), { size: 32, dir: "right" }), fields })), []] as never,
  );
}

describe("the encoding is Solidity's abi.encode((bytes32,int256[53])[], int256[])", () => {
  test("of nothing", () => expect(toHex(encodeMemory(EMPTY_MEMORY))).toBe(encodeByViem([])));

  test("of two feeds, every field in its place", () => {
    const fields = NUMBERED_WORDS.map(BigInt);
    expect(toHex(encodeMemory({ feeds: [NUMBERED, { ...NUMBERED, feed: "SOL/USD" as FeedId }] }))).toBe(
      encodeByViem([
        { feed: "ETH/USD", fields },
        { feed: "SOL/USD", fields },
      ]),
    );
  });
});

const instant = fc.nat(Number.MAX_SAFE_INTEGER);
const price = fc.bigInt({ min: 1n, max: MAX_AMOUNT });
const timer = fc.bigInt({ min: 0n, max: 2n ** 127n - 1n });
const count = fc.nat(2 ** 32 - 1);
const list = fc.array(instant, { minLength: 11, maxLength: 11 });
const recent = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
const anyMemory: fc.Arbitrary<BreakerMemory> = fc
  .uniqueArray(
    fc.record({
      feed: fc.stringMatching(/^[A-Z0-9.]{1,12}\/[A-Z0-9.]{1,12}$/).map((text) => text as FeedId),
      price,
      pricedAt: instant,
      observedAt: instant,
      rawLow: price,
      rawHigh: price,
      ema: price,
      anchor: price,
      v: fc.bigInt({ min: 0n, max: MAX_AMOUNT }),
      sampleP: price,
      sampleAt: instant,
      state: fc.constantFrom(...BREAKER_STATES),
      since: instant,
      fired: list,
      recent: fc.tuple(recent, recent, recent),
      corrob: timer,
      stepMax: count,
      pegHeld: timer,
      agree: instant,
      waived: fc.nat(2 ** 11 - 1),
      dir: fc.constantFrom(-1, 0, 1),
      trips: count,
      openMs: list,
      closedAt: instant,
      spent: timer,
      gapAt: instant,
      restartAt: instant,
      rounds: count,
      firstAt: instant,
      manual: fc.record({ action: fc.nat(2), until: instant }),
      sysEma: fc.bigInt({ min: 0n, max: MAX_AMOUNT }),
    }),
    { selector: ({ feed }) => feed, maxLength: 4 },
  )
  .map((feeds) => ({ feeds: feeds.sort((a, b) => compareText(a.feed, b.feed)) }));

test("decode is the inverse of encode", () => {
  fc.assert(
    fc.property(anyMemory, (memory) => {
      expect(decodeMemory(encodeMemory(memory))).toEqual({ ok: true, value: memory });
    }),
  );
});

test("bytes changed anywhere either are refused or are the encoding of what they decode to", () => {
  const bytes = encodeMemory({ feeds: [NUMBERED] });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const decoded = decodeMemory(changed);
      if (decoded.ok) expect(encodeMemory(decoded.value)).toEqual(changed);
    }),
    { numRuns: 500 },
  );
});

test("no bytes make it throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4_000 }), (bytes) => void decodeMemory(bytes)));
  fc.assert(
    fc.property(fc.nat(3), (feeds) => {
      expect(decodeMemory(new Uint8Array(32 * (4 + 54 * feeds))).ok).toBe(false);
    }),
  );
});

/** The one-feed encoding with one word replaced. */
function withWord(index: number, word: bigint): Uint8Array {
  const bytes = encodeMemory({ feeds: [NUMBERED] });
  new DataView(bytes.buffer).setBigInt64(index * 32 + 24, word);
  if (word < 0n) bytes.fill(0xff, index * 32, index * 32 + 24);
  return bytes;
}

test.each([
  ["no bytes", new Uint8Array(0), "0 bytes are no whole number of feeds"],
  ["a byte more", new Uint8Array(32 * 4 + 1), "129 bytes are no whole number of feeds"],
  ["another offset", withWord(0, 96n), "word 0: expected 64 to 64"],
  ["another count", withWord(2, 2n), "word 2: expected 1 to 1"],
  ["a price of zero", withWord(4, 0n), `word 4: expected 1 to ${MAX_AMOUNT}`],
  ["a negative instant", withWord(5, -1n), "word 5: expected 0 to 9007199254740991"],
  ["an instant beyond 2^53", withWord(5, 2n ** 53n), "word 5: expected 0 to 9007199254740991"],
  ["a fourth state", withWord(14, 3n), "word 14: expected 0 to 2"],
  ["a twelfth rule waived", withWord(34, 2048n), "word 34: expected 0 to 2047"],
  ["a direction of 2", withWord(35, 2n), "word 35: expected -1 to 1"],
  ["a manual action of 3", withWord(54, 3n), "word 54: expected 0 to 2"],
  ["globals", withWord(57, 1n), "word 57: expected 0 to 0"],
] as const)("refuses %s", (_name, bytes, error) => {
  expect(decodeMemory(bytes)).toEqual({ ok: false, error });
});

test("refuses a feed that is none, and feeds out of order or twice", () => {
  const second = { ...NUMBERED, feed: "BTC/USD" as FeedId };
  const wrongName = encodeMemory({ feeds: [NUMBERED] });
  wrongName[3 * 32] = 0x20;
  expect(decodeMemory(wrongName)).toEqual({ ok: false, error: "word 3: feed: expected BASE/QUOTE, each of A-Z, 0-9 and '.'" });
  for (const feeds of [
    [NUMBERED, second],
    [NUMBERED, NUMBERED],
  ]) {
    expect(decodeMemory(encodeMemory({ feeds }))).toEqual({ ok: false, error: "word 110: feeds not in ascending order" });
  }
});

test("what a chain remembers decodes", () => {
  const chain = createChain();
  chain.eth({ price: 10n ** 21n });
  chain.eth(undefined);
  expect(decodeMemory(encodeMemory(chain.memory()))).toEqual({ ok: true, value: chain.memory() });
});
