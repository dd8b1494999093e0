import fc from "fast-check";
import { encodeAbiParameters, pad, stringToHex } from "viem";
import { describe, expect, test } from "vitest";
import { EMPTY_GOVERNANCE, type GovernanceMemory, PAUSE_POWERS } from "../../circuit-breaker/governance-memory.ts";
import { type BreakerMemory, decodeMemory, EMPTY_MEMORY, encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { type Address, type Hex, toHex } from "../../protocol/bytes.ts";
import { compareText, type FeedId } from "../../protocol/feed.ts";
import { BREAKER_STATES } from "../../protocol/report.ts";
import { digestOf } from "../support/network.ts";
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

/** Every word of the globals another number, but where a bound is lower. */
const GOVERNED: GovernanceMemory = {
  keyholders: [
    { address: addressOf(0xa1), nonce: 801, usedMs: 802, usedAt: 803 },
    { address: addressOf(0xa2), nonce: 804, usedMs: 805, usedAt: 806 },
  ],
  pauses: [
    {
      feed: "*",
      action: "none",
      until: 811,
      power: "guardians",
      keyholders: [addressOf(0xb1), addressOf(0xb2)],
      refundUntil: 812,
    },
    { feed: "CHAIN/ETHEREUM" as FeedId, action: "robust", until: 813, power: "governors", keyholders: [], refundUntil: 0 },
  ],
  pending: {
    configDigest: digestOf(0xc1),
    activation: 821,
    feeds: [
      { feed: "BTC/USD" as FeedId, agreedAt: 822, accepted: false },
      { feed: "ETH/USD" as FeedId, agreedAt: 0, accepted: true },
    ],
  },
  previous: digestOf(0xd1),
  next: digestOf(0xd2),
  droppedAt: 831,
  certified: 2n ** 60n - 2n,
};
const GOVERNED_WORDS = [
  ...[2n, 0xa1n, 801n, 802n, 803n, 0xa2n, 804n, 805n, 806n],
  ...[2n, 0n, 2n, 811n, 1n, 812n, 2n, 0xb1n, 0xb2n],
  ...[wordOf("CHAIN/ETHEREUM"), 1n, 813n, 2n, 0n, 0n],
  ...[1n, signed(digestOf(0xc1)), 821n, 2n, wordOf("BTC/USD"), 822n, 0n, wordOf("ETH/USD"), 0n, 1n],
  ...[signed(digestOf(0xd1)), signed(digestOf(0xd2)), 831n, 2n ** 60n - 2n],
];
/** EMPTY_GOVERNANCE: no keyholders, pauses or pending config; no digests; nothing dropped or certified. */
const UNGOVERNED_WORDS = [0n, 0n, 0n, 0n, 0n, 0n, 0n];

function addressOf(value: number): Address {
  return `0x${value.toString(16).padStart(40, "0")}`;
}

/** 32 bytes as the int256 that they are. */
function signed(word: Hex): bigint {
  return BigInt.asIntN(256, BigInt(word));
}

function wordOf(feed: string): bigint {
  return signed(pad(stringToHex(feed), { size: 32, dir: "right" }));
}

function withFeeds(...feeds: readonly FeedMemory[]): BreakerMemory {
  return { feeds, governance: EMPTY_GOVERNANCE };
}

/** The pinned Solidity type, encoded by a second implementation. */
function encodeByViem(
  feeds: readonly { readonly feed: string; readonly fields: readonly bigint[] }[],
  globals: readonly bigint[] = UNGOVERNED_WORDS,
): string {
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
    [feeds.map(({ feed, fields }) => ({ feed: pad(stringToHex(feed), { size: 32, dir: "right" }), fields })), globals] as never,
  );
}

describe("the encoding is Solidity's abi.encode((bytes32,int256[53])[], int256[])", () => {
  test("of nothing", () => expect(toHex(encodeMemory(EMPTY_MEMORY))).toBe(encodeByViem([])));

  test("of two feeds, every field in its place", () => {
    const fields = NUMBERED_WORDS.map(BigInt);
    expect(toHex(encodeMemory(withFeeds(NUMBERED, { ...NUMBERED, feed: "SOL/USD" as FeedId })))).toBe(
      encodeByViem([
        { feed: "ETH/USD", fields },
        { feed: "SOL/USD", fields },
      ]),
    );
  });

  test("of what governance set in motion, every word in its place", () => {
    const fields = NUMBERED_WORDS.map(BigInt);
    expect(toHex(encodeMemory({ feeds: [NUMBERED], governance: GOVERNED }))).toBe(
      encodeByViem([{ feed: "ETH/USD", fields }], GOVERNED_WORDS),
    );
    expect(decodeMemory(encodeMemory({ feeds: [NUMBERED], governance: GOVERNED }))).toEqual({
      ok: true,
      value: { feeds: [NUMBERED], governance: GOVERNED },
    });
  });
});

const instant = fc.nat(Number.MAX_SAFE_INTEGER);
const price = fc.bigInt({ min: 1n, max: MAX_AMOUNT });
const timer = fc.bigInt({ min: 0n, max: 2n ** 127n - 1n });
const count = fc.nat(2 ** 32 - 1);
const list = fc.array(instant, { minLength: 11, maxLength: 11 });
const recent = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
const anyFeeds: fc.Arbitrary<readonly FeedMemory[]> = fc
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
  .map((feeds) => feeds.sort((a, b) => compareText(a.feed, b.feed)));
const address = fc.nat().map(addressOf);
const digest = fc.nat(255).map(digestOf);
const addresses = fc.uniqueArray(address, { maxLength: 4 }).map((list) => list.sort(compareText));
const feedId = fc.constantFrom("BTC/USD", "CHAIN/ETHEREUM", "ETH/USD", "SOL/USD").map((text) => text as FeedId);
const anyGovernance: fc.Arbitrary<GovernanceMemory> = fc.record({
  keyholders: fc
    .uniqueArray(fc.record({ address, nonce: instant, usedMs: instant, usedAt: instant }), { selector: (item) => item.address })
    .map((list) => list.sort((a, b) => compareText(a.address, b.address))),
  pauses: fc.array(
    fc.record({
      feed: fc.oneof(feedId, fc.constant("*" as const)),
      action: fc.constantFrom("robust" as const, "none" as const),
      until: instant,
      power: fc.constantFrom(...PAUSE_POWERS),
      keyholders: addresses,
      refundUntil: instant,
    }),
  ),
  pending: fc.option(
    fc.record({
      configDigest: digest,
      activation: instant,
      feeds: fc
        .uniqueArray(fc.record({ feed: feedId, agreedAt: instant, accepted: fc.boolean() }), { selector: (item) => item.feed })
        .map((list) => list.sort((a, b) => compareText(a.feed, b.feed))),
    }),
    { nil: undefined },
  ),
  previous: digest,
  next: digest,
  droppedAt: instant,
  certified: fc.bigInt({ min: 0n, max: 2n ** 60n - 1n }),
});
const anyMemory: fc.Arbitrary<BreakerMemory> = fc.record({ feeds: anyFeeds, governance: anyGovernance });

test("decode is the inverse of encode", () => {
  fc.assert(
    fc.property(anyMemory, (memory) => {
      expect(decodeMemory(encodeMemory(memory))).toEqual({ ok: true, value: memory });
    }),
  );
});

test("bytes changed anywhere either are refused or are the encoding of what they decode to", () => {
  const bytes = encodeMemory({ feeds: [NUMBERED], governance: GOVERNED });
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

/** One feed's encoding with one word replaced. */
function withWord(index: number, word: bigint, governance: GovernanceMemory = EMPTY_GOVERNANCE): Uint8Array {
  const bytes = encodeMemory({ feeds: [NUMBERED], governance });
  new DataView(bytes.buffer).setBigInt64(index * 32 + 24, word);
  if (word < 0n) bytes.fill(0xff, index * 32, index * 32 + 24);
  return bytes;
}

test.each([
  ["no bytes", new Uint8Array(0), "word 0: truncated"],
  ["a byte more", Uint8Array.from([...encodeMemory(EMPTY_MEMORY), 0]), "word 10: 1 bytes left over"],
  ["another offset", withWord(0, 96n), "word 0: expected 64 to 64"],
  ["globals elsewhere", withWord(1, 96n), "word 2: 0 bytes are not those of 1 feeds"],
  ["more feeds than there is room for", withWord(2, 2n), "word 2: expected 0 to 1"],
  ["another count", withWord(2, 0n), "word 2: 1728 bytes are not those of 0 feeds"],
  ["a price of zero", withWord(4, 0n), `word 4: expected 1 to ${MAX_AMOUNT}`],
  ["a negative instant", withWord(5, -1n), "word 5: expected 0 to 9007199254740991"],
  ["an instant beyond 2^53", withWord(5, 2n ** 53n), "word 5: expected 0 to 9007199254740991"],
  ["a fourth state", withWord(14, 3n), "word 14: expected 0 to 2"],
  ["a twelfth rule waived", withWord(34, 2048n), "word 34: expected 0 to 2047"],
  ["a direction of 2", withWord(35, 2n), "word 35: expected -1 to 1"],
  ["a manual action of 3", withWord(54, 3n), "word 54: expected 0 to 2"],
  ["another number of globals", withWord(57, 8n), "word 64: another number of globals than declared"],
  ["too many keyholders", withWord(58, 257n), "word 58: expected 0 to 256"],
  ["keyholders out of order", withWord(59, 0xa3n, GOVERNED), "word 66: not in ascending order"],
  ["a pause that withdraws", withWord(69, 0n, GOVERNED), "word 69: expected 1 to 2"],
  ["a fourth power", withWord(71, 3n, GOVERNED), "word 71: expected 0 to 2"],
  ["two pending configs", withWord(82, 2n, GOVERNED), "word 82: expected 0 to 1"],
  ["half an acceptance", withWord(88, 2n, GOVERNED), "word 88: expected 0 to 1"],
  ["a drop beyond 2^53", withWord(94, 2n ** 53n, GOVERNED), "word 94: expected 0 to 9007199254740991"],
  ["a sixty-first round", withWord(95, 2n ** 60n, GOVERNED), `word 95: expected 0 to ${2n ** 60n - 1n}`],
] as const)("refuses %s", (_name, bytes, error) => {
  expect(decodeMemory(bytes)).toEqual({ ok: false, error });
});

test("refuses a feed that is none, and feeds out of order or twice", () => {
  const second = { ...NUMBERED, feed: "BTC/USD" as FeedId };
  const wrongName = encodeMemory(withFeeds(NUMBERED));
  wrongName[3 * 32] = 0x20;
  expect(decodeMemory(wrongName)).toEqual({ ok: false, error: "word 3: feed: expected BASE/QUOTE, each of A-Z, 0-9 and '.'" });
  for (const feeds of [
    [NUMBERED, second],
    [NUMBERED, NUMBERED],
  ]) {
    expect(decodeMemory(encodeMemory(withFeeds(...feeds)))).toEqual({
      ok: false,
      error: "word 110: feeds not in ascending order",
    });
  }
});

test("what a chain remembers decodes", () => {
  const chain = createChain();
  chain.eth({ price: 10n ** 21n });
  chain.eth(undefined);
  expect(decodeMemory(encodeMemory(chain.memory()))).toEqual({ ok: true, value: chain.memory() });
});
