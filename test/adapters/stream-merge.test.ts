import { describe, expect, test } from "vitest";
import type { Quote } from "../../adapters/adapter.ts";
import type { MarketState } from "../../adapters/snapshot.ts";
import { contradicts, mergeStates } from "../../adapters/stream-merge.ts";

const BASE = { venue: "toy", market: "A/USD" };

function stateOf(quote: Omit<Quote, "market"> | undefined, sentAt: number, over: Partial<MarketState> = {}): MarketState {
  return {
    ...BASE,
    ...(quote === undefined ? {} : { quote: { market: "A/USD", ...quote } }),
    sentAt,
    receivedAt: sentAt + 100,
    ...over,
  };
}

describe("of a market's two ways the newer counts", () => {
  const rest = { bid: 1n, ask: 2n };
  const push = { bid: 3n, ask: 4n };
  const CASES: readonly {
    readonly what: string;
    readonly rest: MarketState;
    readonly push: MarketState;
    readonly wins: "rest" | "push";
  }[] = [
    { what: "a push after the request", rest: stateOf(rest, 1_000), push: stateOf(push, 1_001), wins: "push" },
    { what: "a request after the push", rest: stateOf(rest, 1_002), push: stateOf(push, 1_001), wins: "rest" },
    {
      what: "by the venue's time where both have one, whichever came first",
      rest: stateOf({ ...rest, bookAt: 900 }, 5_000),
      push: stateOf({ ...push, bookAt: 950 }, 1_000),
      wins: "push",
    },
    {
      what: "a dated push that was long on its way, against a request without a venue's time",
      rest: stateOf(rest, 40_000),
      push: stateOf({ ...push, bookAt: 10_000 }, 41_000),
      wins: "rest",
    },
    {
      what: "a venue's clock that is ahead gains nothing",
      rest: stateOf(rest, 2_000),
      push: stateOf({ ...push, bookAt: 9_000 }, 1_000),
      wins: "rest",
    },
    {
      what: "a fault that takes the quote away, after the push",
      rest: stateOf(undefined, 2_000, { fault: { code: "maintenance", detail: "" }, faultAt: 2_100 }),
      push: stateOf(push, 1_001),
      wins: "rest",
    },
    {
      what: "a push after such a fault",
      rest: stateOf(undefined, 2_000, { fault: { code: "maintenance", detail: "" }, faultAt: 2_100 }),
      push: stateOf(push, 2_101),
      wins: "push",
    },
  ];
  test.each(CASES)("$what", ({ rest: polled, push: pushed, wins }) => {
    const merged = mergeStates(polled, pushed);
    expect(merged?.quote?.bid).toBe((wins === "rest" ? polled : pushed).quote?.bid);
    expect(merged?.sentAt).toBe((wins === "rest" ? polled : pushed).sentAt);
  });
});

test("what the newer has no word of is the older's; what it has is its own; a book's time is never borrowed", () => {
  const rest = stateOf({ bid: 1n, ask: 2n, last: 5n, lastAt: 7, volume: 9n, bookAt: 10 }, 1_000);
  expect(mergeStates(rest, stateOf({ bid: 3n, ask: 4n }, 2_000))?.quote).toEqual({
    ...{ market: "A/USD", bid: 3n, ask: 4n, last: 5n, lastAt: 7, volume: 9n },
  });
  expect(mergeStates(rest, stateOf({ bid: 3n, ask: 4n, last: 6n }, 2_000))?.quote?.last).toBe(6n);
});

test("one way alone is that way, and none is none", () => {
  const only = stateOf({ bid: 1n, ask: 2n }, 1_000);
  expect(mergeStates(only, undefined)).toBe(only);
  expect(mergeStates(undefined, only)).toBe(only);
  expect(mergeStates(undefined, undefined)).toBeUndefined();
});

describe("two books contradict each other", () => {
  const book = (bid: bigint, ask: bigint): Quote => ({ market: "A/USD", bid, ask });
  const CASES: readonly (readonly [what: string, one: Quote, other: Quote, expected: boolean])[] = [
    ["four spreads apart are not enough", book(10_000n, 10_010n), book(10_040n, 10_050n), false],
    ["a little more is", book(10_000n, 10_010n), book(10_041n, 10_051n), true],
    ["the other way round as well", book(10_041n, 10_051n), book(10_000n, 10_010n), true],
    ["the wider spread counts", book(10_000n, 10_010n), book(10_041n, 10_061n), false],
    ["a book of one tick needs 20 bps", book(100_000n, 100_001n), book(100_200n, 100_201n), false],
    ["and has them here", book(100_000n, 100_001n), book(100_201n, 100_202n), true],
    ["a book without one side says nothing", { market: "A/USD", bid: 1n }, book(10_000n, 10_010n), false],
  ];
  test.each(CASES)("%s", (_what, one, other, expected) => {
    expect(contradicts(one, other)).toBe(expected);
  });
});
