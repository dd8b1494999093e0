import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Agreement, agree, MAX_LAG_BLOCKS } from "../../../adapters/chain/agreement.ts";
import type { EndpointView } from "../../../adapters/chain/poll.ts";
import { fail, ok } from "../../../protocol/result.ts";

const NOW = 1_000_000;
const WITHIN = { now: NOW, maxAgeMs: 5_000, maxLagBlocks: MAX_LAG_BLOCKS };

function view(number: number, gauges: Record<string, bigint> = {}, over: Partial<EndpointView> = {}): EndpointView {
  return {
    sentAt: NOW - 20,
    receivedAt: NOW - 10,
    head: { number, at: number * 1_000 },
    gauges: new Map(Object.entries(gauges)),
    prices: new Map(),
    ...over,
  };
}

const valuesOf = ({ gauges }: Agreement) => Object.fromEntries(gauges.map(({ gauge, value }) => [gauge, value]));

describe("which endpoints count", () => {
  const rows: readonly (readonly [name: string, views: readonly (EndpointView | undefined)[], standings: readonly string[]])[] = [
    ["three that agree", [view(100), view(100), view(101)], ["counted", "counted", "counted"]],
    ["three blocks behind", [view(97), view(100), view(100)], ["counted", "counted", "counted"]],
    ["four blocks behind", [view(96), view(100), view(100)], ["lagging", "counted", "counted"]],
    ["four blocks ahead", [view(104), view(100), view(100)], ["ahead", "counted", "counted"]],
    ["never heard", [undefined, view(100), view(100)], ["silent", "counted", "counted"]],
    ["not heard of late", [view(100, {}, { receivedAt: NOW - 5_001 }), view(100), view(100)], ["silent", "counted", "counted"]],
    ["none", [undefined, undefined, undefined], ["silent", "silent", "silent"]],
    ["two that contradict each other", [view(100), view(200), undefined], ["lagging", "counted", "silent"]],
  ];
  test.each(rows)("%s", (_, views, standings) => expect(agree(views, WITHIN).standings).toEqual(standings));
});

describe("what they agree on", () => {
  test("the median of each value, by ascending name", () => {
    const said = [
      view(100, { "seq.X": 0n, "fee.X": 3n }),
      view(100, { "seq.X": 0n, "fee.X": 1n }),
      view(100, { "seq.X": 1n, "fee.X": 2n }),
    ];
    expect(agree(said, WITHIN).gauges).toEqual([
      { gauge: "fee.X", value: 2n, asOf: NOW - 20 },
      { gauge: "seq.X", value: 0n, asOf: NOW - 20 },
    ]);
  });

  test("a value that only a minority has is left out", () => {
    const said = [view(100, { "fee.X": 3n, "wait.X": 9n }), view(100, { "fee.X": 1n }), view(100, { "fee.X": 2n })];
    expect(valuesOf(agree(said, WITHIN))).toEqual({ "fee.X": 2n });
    expect(valuesOf(agree([view(100, { "fee.X": 3n }), undefined, undefined], WITHIN))).toEqual({});
    expect(valuesOf(agree([view(100, { "fee.X": 3n }), view(100, { "fee.X": 3n }), undefined], WITHIN))).toEqual({ "fee.X": 3n });
    const five = [view(100, { "fee.X": 3n }), view(100, { "fee.X": 3n }), undefined, undefined, undefined];
    expect(valuesOf(agree(five, WITHIN))).toEqual({});
  });

  test("what one that lags says does not count", () => {
    const said = [view(10, { "fee.X": 1n }), view(100, { "fee.X": 5n }), view(100, { "fee.X": 6n })];
    expect(valuesOf(agree(said, WITHIN))).toEqual({ "fee.X": 6n });
  });

  test("whatever one of three says, the value lies within the two honest ones'", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 20n });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 2 }),
        (a, b, lie, head, place) => {
          const said = [view(100, { "fee.X": a }), view(101, { "fee.X": b })];
          said.splice(place, 0, view(head, { "fee.X": lie }));
          const { "fee.X": value } = valuesOf(agree(said, WITHIN));
          expect(value !== undefined && value >= (a < b ? a : b) && value <= (a < b ? b : a)).toBe(true);
        },
      ),
    );
  });
});

describe("who is named", () => {
  const honest = (gauge: string, value: bigint) => [view(100, { [gauge]: value }), view(100, { [gauge]: value })];
  const rows: readonly (readonly [gauge: string, honest: bigint, said: bigint, block: number, named: boolean])[] = [
    ["fee.X", 8_000n, 9_000n, 100, false],
    ["fee.X", 8_000n, 9_001n, 100, true],
    ["fee.X", 9_000n, 7_999n, 100, true],
    ["fee.X", 6_400n, 8_100n, 101, false],
    ["fee.X", 6_400n, 8_101n, 101, true],
    ["fee.X", 0n, 1n, 100, true],
    ["seq.X", 0n, 1n, 100, true],
    ["seq.X", 0n, 1n, 101, false],
    ["rate.x", 10_000n, 10_100n, 103, false],
    ["rate.x", 10_000n, 10_101n, 100, true],
    ["rate.x", 10_000n, 9_900n, 100, true],
    ["head.X", 100_000n, 1n, 100, false],
    ["wait.X", 10n, 100_000n, 100, false],
  ];
  test.each(rows)("%s: %s against %s at block %d: %s", (gauge, value, said, block, named) => {
    const { dissents } = agree([...honest(gauge, value), view(block, { [gauge]: said })], WITHIN);
    expect(dissents).toEqual(named ? [{ endpoint: 2, gauge, said, median: value }] : []);
  });
});

describe("prices", () => {
  const priced = (price: bigint, at: number) => view(100, {}, { prices: new Map([["eth-link", ok({ price, at })]]) });
  const broken = view(100, {}, { prices: new Map([["eth-link", fail({ code: "non-positive", detail: "answer" } as const)]]) });
  const of = (...views: readonly EndpointView[]) => agree(views, WITHIN).prices.get("eth-link");

  test("the median price with its own instant", () => {
    expect(of(priced(3n, 30), priced(1n, 10), priced(2n, 20))).toMatchObject(ok({ quote: { price: 2n, at: 20 } }));
  });
  test("a liar in the middle makes it no younger", () => {
    expect(of(priced(3n, 30), priced(1n, 10), priced(2n, 9_999_999))).toMatchObject(ok({ quote: { price: 2n, at: 30 } }));
  });
  test("two of three have it", () => {
    expect(of(priced(3n, 30), broken, priced(1n, 10))).toMatchObject(ok({ quote: { price: 3n } }));
  });
  test("one of three has it, and why the others have not", () => {
    expect(of(priced(3n, 30), broken, broken)).toEqual(fail({ code: "non-positive", detail: "answer" }));
    expect(of(priced(3n, 30), view(100), view(100))).toEqual(fail({ code: "timeout", detail: "too few endpoints answer" }));
  });
});
