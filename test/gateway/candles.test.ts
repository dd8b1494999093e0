import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CandleBook, createCandleBook, type MinuteView } from "../../gateway/candle-book.ts";
import { addRound, addSums, MINUTE_MS, NOTHING, type Sums } from "../../gateway/candles.ts";
import { coverageBpsOf, integrate, meanOf, sumOver } from "../../gateway/twap.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import type { CertifiedRound, HistoryEntry } from "../../protocol/round.ts";
import { memoryStore } from "../support/rounds.ts";
import { chainOf, digestFor, ETH, LEASE_MS, type Price } from "./unsigned-rounds.ts";

/** A minute that begins at a whole one. */
const START = 29_921_666 * 60;

/** Rounds of a few minutes with gaps, some longer than a lease, and some carried. */
const pricesArbitrary = fc
  .array(
    fc.record({
      skip: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 3, arbitrary: fc.integer({ min: 2, max: 150 }) }),
      price: fc.bigInt({ min: 1n, max: 10n ** 24n }),
      carried: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
      state: fc.constantFrom("closed" as const, "open" as const, "half-open" as const),
    }),
    { minLength: 2, maxLength: 160 },
  )
  .map((items) => {
    let round = START;
    return items.map(({ skip, ...item }): Price => {
      round += skip;
      return { round, ...item };
    });
  });

function historyOf(prices: readonly Price[]): readonly HistoryEntry[] {
  return memoryStore(chainOf(prices)).store.history(ETH, { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100_000 }).toReversed();
}

function fill(book: CandleBook): number {
  let steps = 0;
  while (book.step()) steps += 1;
  return steps;
}

/** The last `taken` rounds come while the book is open; it reads a step after every so many of them. */
function openBook(prices: readonly Price[], taken = 0, stepEvery = Number.POSITIVE_INFINITY) {
  const chain = chainOf(prices);
  const memory = memoryStore(chain.slice(0, chain.length - taken));
  const book = createCandleBook({ store: memory.store, roundMs: 1_000 });
  for (const [index, round] of chain.slice(chain.length - taken).entries()) {
    memory.publish(round);
    book.take(round);
    if (index % stepEvery === stepEvery - 1) book.step();
  }
  return { book, memory, chain };
}

const everyMinute = (book: CandleBook) => book.minutes(ETH, { from: 0, to: Number.MAX_SAFE_INTEGER });

describe("the gap rule", () => {
  const at = (second: number, price: bigint, carried = false): Price => ({ round: START + second, price, carried });
  const span = (from: number, to: number) => ({ from: (START + from) * 1_000, to: (START + to) * 1_000, leaseMs: LEASE_MS });
  const over = (prices: readonly Price[], from: number, to: number) => {
    const { weighted, coveredMs, rounds, carried } = integrate(historyOf(prices), span(from, to));
    return { weighted, coveredMs, rounds, carried };
  };

  it.each([
    ["the worked example", [at(0, 100n), at(1, 110n), at(2, 110n, true), at(3, 130n)], 0, 3, 210_000n, 2_000],
    ["a missed round: the price before it holds on", [at(0, 100n), at(5, 200n)], 0, 5, 500_000n, 5_000],
    [
      "a silence longer than a lease: to the lease's end and no further",
      [at(0, 100n), at(100, 200n)],
      0,
      100,
      6_000_000n,
      60_000,
    ],
    ["a price from before the time holds into it", [at(-10, 100n), at(3, 200n)], 0, 3, 300_000n, 3_000],
    ["a carried one from before it does not", [at(-10, 100n, true), at(3, 200n)], 0, 3, 0n, 0],
    ["nothing before the first round", [at(2, 100n), at(4, 100n)], 0, 4, 200_000n, 2_000],
    ["no round at all", [], 0, 4, 0n, 0],
  ] as const)("%s", (_, prices, from, to, weighted, coveredMs) => {
    expect(over(prices, from, to)).toMatchObject({ weighted, coveredMs });
  });

  it("the mean is truncated, and lies between the lowest and the highest price", () => {
    expect(meanOf({ weighted: 11n, coveredMs: 4 })).toBe(2n);
    expect(meanOf(NOTHING)).toBeUndefined();
    fc.assert(
      fc.property(pricesArbitrary, (prices) => {
        const sums = integrate(historyOf(prices), { from: 0, to: ((prices.at(-1)?.round ?? 0) + 1) * 1_000, leaseMs: LEASE_MS });
        const mean = meanOf(sums);
        if (mean === undefined) return;
        expect(sums.low !== undefined && sums.low <= mean).toBe(true);
        expect(sums.high !== undefined && mean <= sums.high).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("of a time in two the sums add up to those of the whole, wherever it is cut", () => {
    fc.assert(
      fc.property(
        pricesArbitrary,
        fc.array(fc.integer({ min: 0, max: 20_000_000 }), { minLength: 3, maxLength: 3 }),
        (prices, cuts) => {
          const [from = 0, middle = 0, to = 0] = cuts.map((cut) => START * 1_000 + (cut % 1_000_000)).sort((a, b) => a - b);
          const entries = historyOf(prices);
          const part = (a: number, b: number) => integrate(entries, { from: a, to: b, leaseMs: LEASE_MS });
          expect(addSums(part(from, middle), part(middle, to))).toEqual(part(from, to));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("coverage is truncated", () => {
    expect(coverageBpsOf({ coveredMs: 2_999 }, { from: 0, to: 3_000 })).toBe(9_996);
  });
});

describe("a book of minutes", () => {
  it("says the same whether rounds came one by one, were read from the store, or both, as the rounds themselves say", () => {
    fc.assert(
      fc.property(pricesArbitrary, fc.nat({ max: 200 }), fc.integer({ min: 1, max: 200 }), (prices, taken, stepEvery) => {
        const entries = historyOf(prices);
        const [newest] = entries.slice(-1);
        if (newest === undefined) throw new Error("every walk here has a round");
        const { book } = openBook(prices, Math.min(taken, prices.length), stepEvery);
        fill(book);
        const minutes = everyMinute(book);
        for (const { startAt, sums, complete } of minutes.slice(0, -1)) {
          expect(sums).toEqual(integrate(entries, { from: startAt, to: startAt + MINUTE_MS, leaseMs: LEASE_MS }));
          expect(complete).toBe(true);
        }
        const [{ startAt, sums, complete }] = minutes.slice(-1) as [MinuteView];
        const before = integrate(entries, { from: startAt, to: newest.timestamp, leaseMs: LEASE_MS });
        expect(sums).toEqual(addRound(before, newest.round, newest.verdict.report));
        expect(complete).toBe(false);
      }),
      { numRuns: 80 },
    );
  });

  it("with the rounds at both ends gives any time's sums", () => {
    fc.assert(
      fc.property(pricesArbitrary, fc.nat(2_000_000), fc.nat(2_000_000), (prices, a, b) => {
        const { book, memory } = openBook(prices);
        fill(book);
        const newest = (prices.at(-1)?.round ?? 0) * 1_000;
        const [from, to] = [START * 1_000 + Math.min(a, b), START * 1_000 + Math.max(a, b) + 1];
        const sums = sumOver(ETH, { from, to }, { book, history: memory.store.history, roundMs: 1_000, leaseMs: LEASE_MS });
        const expected = integrate(historyOf(prices), { from, to: Math.max(from, Math.min(to, newest)), leaseMs: LEASE_MS });
        expect(sums).toEqual(expected);
      }),
      { numRuns: 80 },
    );
  });

  it("counts the newest minute as its rounds come, and completes it when it is over", () => {
    const prices = Array.from({ length: 70 }, (_, index): Price => ({ round: START + index, price: BigInt(100 + index) }));
    const { book } = openBook(prices, 70);
    const [first, second] = everyMinute(book);
    expect(first).toMatchObject({ startAt: START * 1_000, awaited: true });
    expect(fill(book)).toBeGreaterThan(0);
    const [filled] = everyMinute(book);
    expect(filled).toMatchObject({ complete: true, sums: { open: 100n, high: 159n, low: 100n, close: 159n, rounds: 60 } });
    expect(second).toMatchObject({ complete: false, sums: { open: 160n, close: 169n, rounds: 10, coveredMs: 9_000 } });
  });

  it("carried rounds move no price, and the worst state and every doubt are kept", () => {
    const { book } = openBook([
      { round: START, price: 100n },
      { round: START + 1, price: 90n, carried: true, state: "open" },
      { round: START + 2, price: 120n, state: "half-open" },
      { round: START + 60, price: 1n },
    ]);
    fill(book);
    const [minute] = everyMinute(book);
    expect(minute?.sums).toMatchObject({
      open: 100n,
      high: 120n,
      low: 100n,
      close: 120n,
      rounds: 3,
      carried: 1,
      doubted: 2,
      worst: 0,
    });
    expect(minute?.sums).toMatchObject({ firstRound: START, lastRound: START + 2, coveredMs: 59_000 });
  });

  it("a feed with rounds of a tenth of a second, and of a whole minute, is counted like any other", () => {
    for (const [roundMs, count] of [
      [100, 1_300],
      [60_000, 5],
    ] as const) {
      const first = Math.ceil((START * 1_000) / roundMs);
      const chain = chainOf(
        Array.from({ length: count }, (_, index): Price => ({ round: first + index, price: BigInt(index + 1) })),
        { roundMs },
      );
      const { store } = memoryStore(chain);
      const book = createCandleBook({ store, roundMs });
      fill(book);
      const [minute] = book.minutes(ETH, { from: START * 1_000, to: START * 1_000 + 1 });
      expect(minute).toMatchObject({ complete: true, sums: { rounds: MINUTE_MS / roundMs, coveredMs: MINUTE_MS, open: 1n } });
    }
  });
});

describe("when the walk is another one than it seemed", () => {
  const prices = Array.from({ length: 100 }, (_, index): Price => ({ round: START + index, price: 100n }));

  it("what was left behind counts no more, and what took its place does: with a node's own store", () => {
    const store = createMemoryStore({ now: () => 0 });
    const book = createCandleBook({ store, roundMs: 1_000 });
    const follow = (chain: readonly CertifiedRound[]) => {
      for (const certified of chain) {
        store.saveRound({ certified, body: undefined });
        book.take(certified);
      }
    };
    const abandoned = chainOf(prices);
    follow(abandoned);
    fill(book);
    const second = Array.from({ length: 80 }, (_, index): Price => ({ round: START + 105 + index, price: 200n }));
    follow(chainOf(second, { parent: digestFor(START + 49), branch: 1 }));
    fill(book);
    expect(store.byRound(START + 50)?.orphan).toBe(true);
    const walk = store.history(ETH, { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1_000 }).toReversed();
    expect(walk).toHaveLength(130);
    const over = everyMinute(book).slice(0, 3);
    expect(over.map(({ complete }) => complete)).toEqual([true, true, true]);
    for (const { startAt, sums } of over) {
      expect(sums).toEqual(integrate(walk, { from: startAt, to: startAt + MINUTE_MS, leaseMs: LEASE_MS }));
    }
    expect(over[0]?.sums.lastRound).toBe(START + 49);
  });

  it("a hole makes its minute incomplete until the store has what was missing", () => {
    const chain = chainOf(Array.from({ length: 200 }, (_, index): Price => ({ round: START + index, price: 100n })));
    const memory = memoryStore(chain.slice(0, 20));
    const book = createCandleBook({ store: memory.store, roundMs: 1_000 });
    const follow = (from: number, to: number) => {
      for (const round of chain.slice(from, to)) {
        memory.publish(round);
        book.take(round);
      }
      fill(book);
    };
    follow(30, 130);
    const first = () => everyMinute(book)[0];
    expect(first()).toMatchObject({ complete: false, sums: { rounds: 50 } });
    const whole = memoryStore(chain.slice(0, 130));
    Object.assign(memory.store, whole.store);
    memory.publish = whole.publish;
    follow(130, 200);
    expect(first()).toMatchObject({ complete: true, sums: { rounds: 60, coveredMs: MINUTE_MS } });
  });

  it("minutes older than what the store still has are not complete, and an outage is no hole", () => {
    const trimmed = memoryStore(chainOf(prices).slice(10));
    const book = createCandleBook({ store: trimmed.store, roundMs: 1_000 });
    fill(book);
    expect(everyMinute(book).map(({ complete }) => complete)).toEqual([false, false]);
    const outage = openBook([
      ...prices.slice(0, 30),
      { round: START + 400, price: 100n },
      { round: START + 460, price: 100n },
    ]).book;
    fill(outage);
    const minutes = everyMinute(outage);
    expect(minutes.map(({ sums }) => sums.rounds)).toEqual([30, 0, 0, 0, 0, 0, 1, 1]);
    expect(minutes.map(({ complete }) => complete)).toEqual([true, true, true, true, true, true, true, false]);
    expect(minutes.at(-1)).toMatchObject({ awaited: false, sums: { rounds: 1 } });
  });
});

describe("bounds", () => {
  it("the more feeds, the fewer minutes; no step reads more than a few hundred verdicts", () => {
    const feeds = Array.from({ length: 1_000 }, (_, index) => `A${index}/USD`);
    const sparse = Array.from({ length: 400 }, (_, index): Price => ({ round: START + index * 30, price: 100n }));
    const chain = chainOf(sparse, { feeds });
    const { store } = memoryStore(chain.slice(0, 399));
    let most = 0;
    const range: typeof store.range = (span) => {
      const found = store.range(span);
      most = Math.max(most, found.length * feeds.length);
      return found;
    };
    const book = createCandleBook({ store: { ...store, range }, roundMs: 1_000 });
    const [last] = chain.slice(399);
    if (last !== undefined) book.take(last);
    fill(book);
    expect(most).toBeLessThanOrEqual(1_000);
    const first = book.minutes(ETH, { from: 0, to: Number.MAX_SAFE_INTEGER })[0]?.startAt ?? 0;
    expect(last?.certificate.header.timestamp ?? 0).toBeLessThan(first + 74 * MINUTE_MS);
  });

  it("a head after years of nothing costs no loop over them", () => {
    const chain = chainOf([
      { round: START - 200_000_000, price: 1n },
      { round: START, price: 2n },
    ]);
    const { store, publish } = memoryStore(chain.slice(0, 1));
    const book = createCandleBook({ store, roundMs: 1_000 });
    for (const round of chain.slice(1)) {
      publish(round);
      const startedAt = performance.now();
      book.take(round);
      expect(performance.now() - startedAt).toBeLessThan(100);
    }
  });
});

it("sums are immutable: what was handed out does not change", () => {
  const { book, memory, chain } = openBook([{ round: START, price: 1n }]);
  void memory;
  const [next] = chainOf([{ round: START + 1, price: 2n }], { parent: chain[0]?.digest ?? "0x" });
  if (next !== undefined) book.take(next);
  const before: Sums | undefined = everyMinute(book)[0]?.sums;
  const copy = { ...before };
  const [third] = chainOf([{ round: START + 2, price: 3n }], { parent: digestFor(START + 1) });
  if (third !== undefined) book.take(third);
  expect(before).toEqual(copy);
});
