import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { viewGauges, viewShadows } from "../../aggregator/gauges.ts";
import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { GaugeEntry, Observation, ShadowEntry } from "../../protocol/observation.ts";
import { testNetwork } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const AT = 1_700_000_000_000;
const { config } = testNetwork();
const FEE = "fee.ETHEREUM";
const ETH = feedId("ETH/USD");

function observed(gauges: readonly GaugeEntry[], shadows: readonly ShadowEntry[] = []): Observation {
  return {
    ...{
      round: AT / 1_000,
      configDigest: ZERO_DIGEST,
      observer: `0x${"00".repeat(20)}`,
      head: { round: 0, digest: ZERO_DIGEST },
    },
    ...{ entries: [], gauges, shadows, documents: [] },
  };
}

const fee = (value: bigint | number, asOf = AT): Observation => observed([{ gauge: FEE, value: BigInt(value), asOf }]);
const view = (observations: readonly Observation[], f = 1) => viewGauges(observations, { config, f, timestamp: AT });
const SILENT = observed([]);

describe("what the quorum measured", () => {
  it.each<[name: string, observations: readonly Observation[], value: bigint | undefined]>([
    ["nothing", [], undefined],
    ["2f values are too few", [fee(10), fee(20), SILENT, SILENT], undefined],
    ["the middle of 2f+1", [fee(30), fee(10), SILENT, fee(20)], 20n],
    ["the upper middle of four", [fee(40), fee(10), fee(30), fee(20)], 30n],
    ["zero counts: a sequencer that is up", [fee(0), fee(0), fee(1)], 0n],
    ["the largest amount counts", [fee(MAX_AMOUNT), fee(MAX_AMOUNT), fee(1)], MAX_AMOUNT],
    ["an old value is none", [fee(10), fee(20), fee(30, AT - 61_001)], undefined],
    ["a value of a minute and a round ago counts", [fee(10), fee(20), fee(30, AT - 61_000)], 20n],
    ["a value from the future is none", [fee(10), fee(20), fee(30, AT + 1_251)], undefined],
    ["a value within a round and the clocks' skew counts", [fee(10), fee(20), fee(30, AT + 1_250)], 20n],
  ])("%s", (_, observations, value) => {
    expect(view(observations).get(FEE)?.value).toBe(value);
  });

  it("has the age of the middle, and is never from the future", () => {
    expect(view([fee(1, AT - 300), fee(2, AT - 100), fee(3, AT - 200)]).get(FEE)).toEqual({ value: 2n, asOf: AT - 200 });
    expect(view([fee(1, AT + 900), fee(2, AT + 800), fee(3, AT)]).get(FEE)?.asOf).toBe(AT);
  });

  it("takes every gauge by itself: who leaves one out still counts for the others", () => {
    const both = (value: number) =>
      observed([
        { gauge: FEE, value: BigInt(value), asOf: AT },
        { gauge: "net.rtt", value: 40n, asOf: AT },
      ]);
    const rtt = observed([{ gauge: "net.rtt", value: 90n, asOf: AT }]);
    const views = view([both(10), both(20), rtt]);
    expect([...views].map(([gauge, { value }]) => [gauge, value])).toEqual([["net.rtt", 40n]]);
  });

  it("lies between honest values, and so does its age, whatever f say (P1)", () => {
    const values = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
    const instants = fc.integer({ min: AT - 90_000, max: AT + 5_000 });
    const scenes = fc.integer({ min: 1, max: 4 }).chain((f) =>
      fc.record({
        f: fc.constant(f),
        honest: fc.array(fc.tuple(fc.bigInt({ min: 10n, max: 90n }), fc.integer({ min: AT - 900, max: AT })), {
          minLength: 2 * f + 1,
          maxLength: 2 * f + 5,
        }),
        liars: fc.array(fc.tuple(values, instants), { maxLength: f }),
        seed: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(scenes, ({ f, honest, liars, seed }) => {
        const all = [...honest, ...liars].map(([value, asOf]) => fee(value, asOf));
        const turned = [...all.slice(seed % all.length), ...all.slice(0, seed % all.length)];
        const seen = view(turned, f).get(FEE);
        expect(view(all, f).get(FEE)).toEqual(seen);
        const told = honest.map(([value]) => value);
        const ages = honest.map(([, asOf]) => asOf);
        expect(seen !== undefined && told.some((value) => value <= seen.value) && told.some((value) => value >= seen.value)).toBe(
          true,
        );
        expect(Math.min(...ages) <= (seen?.asOf ?? 0) && (seen?.asOf ?? 0) <= Math.max(...ages)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("f liars alone show nothing that nobody honest measures", () => {
    expect(view([fee(7), SILENT, SILENT, SILENT]).size).toBe(0);
  });
});

describe("shadow prices", () => {
  const shadow = (...prices: readonly (readonly [string, bigint])[]) =>
    observed(
      [],
      prices.map(([feed, price]) => ({ feed: feedId(feed), price })),
    );
  const shadows = (observations: readonly Observation[], f = 1) => viewShadows(observations, { config, f, timestamp: AT });

  it("are the middle of at least 2f+1, feed by feed", () => {
    const given = [
      shadow(["BTC/USD", 1n], ["ETH/USD", 30n]),
      shadow(["ETH/USD", 10n]),
      shadow(["BTC/USD", 2n], ["ETH/USD", 20n]),
      SILENT,
    ];
    expect([...shadows(given)]).toEqual([["ETH/USD", 20n]]);
  });

  it("of zero are none", () => {
    expect(shadows([shadow(["ETH/USD", 0n]), shadow(["ETH/USD", 10n]), shadow(["ETH/USD", 20n])]).size).toBe(0);
  });

  it("lie between honest ones, whatever f say", () => {
    const prices = fc.bigInt({ min: 1n, max: MAX_AMOUNT });
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 50n, max: 60n }), { minLength: 3, maxLength: 6 }), prices, (honest, liar) => {
        const seen = shadows([...honest, liar].map((price) => shadow(["ETH/USD", price]))).get(ETH);
        expect(seen !== undefined && seen >= 50n && seen <= 60n).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
