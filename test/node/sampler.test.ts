import { describe, expect, test } from "vitest";
import { type MarketState, marketKey, type VenueSnapshot } from "../../adapters/snapshot.ts";
import { marketsByVenue, mergeGauges, mergeReferences, sampleMarkets } from "../../node/sampler.ts";
import { ONE } from "../../protocol/amount.ts";
import { type GaugeEntry, MAX_GAUGES } from "../../protocol/observation.ts";
import { plainSources, testNetwork } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const NOW = 1_700_000_000_000;
const CONTRACT = `0x${"aa".repeat(20)}`;
const MARKET = "ETH/USD";

/** Six venues, and a Chainlink feed as a seventh. */
const { config } = testNetwork({
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  references: [
    { name: "eth-link", chain: "ETHEREUM", market: MARKET, read: { kind: "chainlink", contract: CONTRACT } },
    {
      name: "wsteth-rate",
      chain: "ETHEREUM",
      market: "WSTETH/ETH",
      read: { kind: "exchange-rate", contract: CONTRACT, method: "stEthPerToken", decimals: 18 },
    },
  ],
  feeds: [
    { feed: MARKET, preset: "major", sources: [...plainSources(MARKET, 6), { venue: "eth-link", market: MARKET, weight: 1 }] },
  ],
});

function snapshot(states: readonly MarketState[]): VenueSnapshot {
  return new Map(states.map((state) => [marketKey(state.venue, state.market), state]));
}

const venues = snapshot(
  Array.from({ length: 6 }, (_, index) => ({
    venue: `venue${index}`,
    market: MARKET,
    quote: { market: MARKET, bid: 1_800n * ONE, ask: 1_801n * ONE },
    sentAt: NOW - 50,
    receivedAt: NOW - 10,
  })),
);
const link = (lastAt: number) =>
  snapshot([
    {
      venue: "eth-link",
      market: MARKET,
      quote: { market: MARKET, last: 1_800n * ONE, lastAt },
      sentAt: NOW - 50,
      receivedAt: NOW - 10,
    },
  ]);

describe("references beside venues", () => {
  const dropped = (merged: VenueSnapshot) =>
    sampleMarkets(config, merged, NOW)
      .prices.get(feedId(MARKET))
      ?.sources.find(({ source }) => source.venue === "eth-link")?.drop?.code;

  test("a reference is a source like any other, as old as its own answer", () => {
    expect(dropped(mergeReferences(venues, link(NOW - 1_000)))).toBeUndefined();
    expect(dropped(mergeReferences(venues, link(NOW - 16_000)))).toBe("stale");
    expect(dropped(mergeReferences(venues, new Map()))).toBe("missing");
  });

  test("what a reference says stands in place of an exchange of its name", () => {
    const impostor = snapshot([
      { venue: "eth-link", market: MARKET, quote: { market: MARKET, bid: ONE, ask: ONE }, sentAt: NOW, receivedAt: NOW },
    ]);
    const merged = mergeReferences(impostor, link(NOW));
    expect(merged.get(marketKey("eth-link", MARKET))?.quote?.last).toBe(1_800n * ONE);
  });

  test("no exchange is asked for a reference's market", () => {
    expect([...marketsByVenue(config).keys()]).toEqual(Array.from({ length: 6 }, (_, index) => `venue${index}`));
  });
});

describe("gauges of several origins", () => {
  const gauge = (name: string, value: bigint): GaugeEntry => ({ gauge: name, value, asOf: NOW });

  test("ascending, each once, the first list's word first", () => {
    const merged = mergeGauges([gauge("fee.X", 2n), gauge("wait.X", 3n)], [gauge("net.lag", 1n), gauge("fee.X", 9n)]);
    expect(merged).toEqual([gauge("fee.X", 2n), gauge("net.lag", 1n), gauge("wait.X", 3n)]);
  });

  test("no more than a message holds", () => {
    const many = Array.from({ length: MAX_GAUGES + 9 }, (_, index) => gauge(`rate.${String(index).padStart(3, "0")}`, 1n));
    expect(mergeGauges(many)).toHaveLength(MAX_GAUGES);
  });
});
