import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serveInterval } from "../../../circuit-breaker/interval.ts";
import { decodeMemory } from "../../../circuit-breaker/memory.ts";
import { ONE } from "../../../protocol/amount.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import type { FeedEntry } from "../../../protocol/observation.ts";
import { widened } from "../../../simulator/promises/interval-truth.ts";
import { movedBps, quorumTruth } from "../../../simulator/promises/quorum-truth.ts";
import { readMemory } from "../../../simulator/promises/remembered.ts";
import { isqrt } from "../../../simulator/promises/root.ts";
import { calm, committedIn } from "./recorded.ts";

const { config } = calm.facts.network;
const [feed] = config.feeds;
if (feed === undefined) throw new Error("the network has a feed");
const TIMESTAMP = 1_800_000_000_000;

function entry(price: number, changes: Partial<FeedEntry> = {}): FeedEntry {
  const amount = BigInt(price) * ONE;
  const ends = { price: amount, low: amount - ONE, high: amount + ONE };
  return {
    feed: feed?.feed ?? ("" as never),
    ...ends,
    asOf: TIMESTAMP - 500,
    groups: 6,
    topBps: 3_000,
    outsideBps: 0,
    ...changes,
  };
}

function truthOf(entries: readonly FeedEntry[]) {
  if (feed === undefined) throw new Error("the network has a feed");
  const included = entries.map((said, node) => ({ node, observation: { entries: [said] } as never }));
  return quorumTruth(included, feed, { config, f: 1, timestamp: TIMESTAMP });
}

describe("the second reading of a round", () => {
  it("ranks the counted entries: four prices, the third of them, the second low and the second highest high", () => {
    const quorum = truthOf([
      entry(103, { asOf: TIMESTAMP - 900 }),
      entry(101),
      entry(100),
      entry(102, { asOf: TIMESTAMP - 800 }),
    ]);
    expect(quorum).toMatchObject({ priced: true, price: 102n * ONE, rawLow: 100n * ONE, rawHigh: 103n * ONE });
    // Sorted times −900, −800, −500, −500: the third is −500; the chosen entry's own is older.
    expect(quorum.observedAt).toBe(TIMESTAMP - 800);
    expect(truthOf([entry(100, { asOf: TIMESTAMP + 1_000 }), entry(100), entry(100)]).observedAt).toBe(TIMESTAMP - 500);
  });

  it.each<[string, Partial<FeedEntry>]>([
    ["a low above the price", { low: 101n * ONE }],
    ["a high below the price", { high: 99n * ONE }],
    ["a low of nothing", { low: 0n }],
    ["quotes too old", { asOf: TIMESTAMP - 4_000 - 2_000 - 1 }],
    ["quotes of the future", { asOf: TIMESTAMP + 2_000 + 250 + 1 }],
  ])("does not count %s", (_, changes) => {
    expect(truthOf([entry(100), entry(100), entry(100, changes)])).toMatchObject({ priced: false });
    expect(truthOf([entry(100), entry(100), entry(100)])).toMatchObject({ priced: true });
  });

  it("reads from the memory's words what the breaker wrote", () => {
    for (const { body } of committedIn(calm.stream).slice(0, 40)) {
      if (body.memory === "0x") continue;
      const decoded = decodeMemory(fromHex(body.memory));
      if (!decoded.ok) throw new Error(decoded.error);
      const expected = decoded.value.feeds.map(({ feed: name, pricedAt, anchor, v, sysEma }) => [
        name,
        { pricedAt, anchor, v, sysEma },
      ]);
      expect([...readMemory(body.memory)]).toEqual(expected);
    }
    expect(readMemory("0x").size).toBe(0);
  });

  it("measures moves by the smaller price, and roots by halving", () => {
    expect(movedBps(80n, 100n)).toBe(2_500);
    expect(movedBps(100n, 80n)).toBe(2_500);
    expect(movedBps(0n, 100n)).toBe(Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 200n), (n) => {
        const root = isqrt(n);
        return root * root <= n && (root + 1n) * (root + 1n) > n;
      }),
    );
  });

  it("allows exactly the widening of the breaker: never less, and hardly more", () => {
    const amounts = fc.bigInt(ONE, 10n ** 24n);
    fc.assert(
      fc.property(amounts, fc.bigInt(0n, 18n * ONE), fc.integer({ min: 0, max: 120_000 }), (price, volatility, forMs) => {
        const raw = { rawLow: price, rawHigh: price };
        const served = serveInterval(raw, { anchor: undefined, volatility, forMs });
        const widest = widened({ low: price, high: price }, { volatility, forMs });
        const slack = price / 10n ** 9n;
        expect(widest.low).toBeLessThanOrEqual(served.low);
        expect(widest.high).toBeGreaterThanOrEqual(served.high);
        expect(served.low - widest.low).toBeLessThanOrEqual(slack);
        expect(widest.high - served.high).toBeLessThanOrEqual(slack);
      }),
    );
  });
});
