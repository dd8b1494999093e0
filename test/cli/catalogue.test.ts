import { describe, expect, it } from "vitest";
import { ADAPTERS } from "../../adapters/index.ts";
import {
  CATALOGUE,
  catalogueOn,
  DEFAULT_BASKET,
  DEVELOPMENT_LEASE_MS,
  DEVELOPMENT_THRESHOLDS,
  WSTETH_RATE,
} from "../../cli/catalogue.ts";
import { parseNetworkConfig } from "../../protocol/config.ts";
import { THRESHOLDS } from "../../protocol/thresholds.ts";
import { testKeys } from "../support/network.ts";

const committee = testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address }));

describe.each(CATALOGUE.map((feed) => [feed.feed, feed] as const))("%s", (_, { preset, sources }) => {
  const venues = new Set(sources.map(({ venue }) => venue));
  const total = sources.reduce((sum, { weight }) => sum + weight, 0);

  it("has a group more than it needs beyond the ones it wants", () => {
    expect(venues.size).toBeGreaterThanOrEqual(THRESHOLDS.wantGroups.presets[preset] + 1);
  });

  it("gives no venue more than 30 % of its weight", () => {
    for (const venue of venues) {
      const own = sources.filter((source) => source.venue === venue).reduce((sum, { weight }) => sum + weight, 0);
      expect(own / total, venue).toBeLessThanOrEqual(0.3);
    }
  });

  it("asks only venues that have an adapter", () => {
    for (const venue of venues) expect(Object.keys(ADAPTERS)).toContain(venue);
  });
});

const ofPreset = (wanted: string) =>
  CATALOGUE.filter(({ preset }) => preset === wanted).map((feed) => [feed.feed, feed.sources] as const);

it.each(ofPreset("major"))("%s stands on dollars at three venues, and on tether and USDC through conversions", (_, sources) => {
  expect(sources.filter(({ convert }) => convert === undefined).length).toBeGreaterThanOrEqual(3);
  const legs = sources.flatMap(({ convert = [] }) => convert.map((leg) => ("multiply" in leg ? leg.multiply : leg.divide)));
  expect(legs).toEqual(expect.arrayContaining(["USDT/USD", "USDC/USD"]));
});

it.each(ofPreset("stable"))("%s is quoted directly at four venues or more", (_, sources) => {
  expect(sources.filter(({ convert }) => convert === undefined).length).toBeGreaterThanOrEqual(4);
});

it("founds a network with the presets as they are, and with development's times", () => {
  const base = { network: "catalogue", rules: 1, committee, basket: DEFAULT_BASKET, feeds: CATALOGUE };
  const development = { leaseMs: DEVELOPMENT_LEASE_MS, thresholds: DEVELOPMENT_THRESHOLDS };
  expect(parseNetworkConfig(base)).toMatchObject({ ok: true });
  expect(parseNetworkConfig({ ...base, ...development })).toMatchObject({ ok: true });
});

describe("a staked asset's peg", () => {
  const base = { network: "catalogue", rules: 1, committee, basket: DEFAULT_BASKET };
  const pegOf = (feeds: readonly { feed: string; peg?: unknown }[]) => feeds.find(({ feed }) => feed === "WSTETH/ETH")?.peg;

  it("is its rate, where the chain that states it is one of the network's", () => {
    const chains = [{ chain: "ETHEREUM", blockMs: 12_000 }];
    const { feeds, references } = catalogueOn(chains);
    expect(references).toEqual([WSTETH_RATE]);
    expect(pegOf(feeds)).toEqual({ rate: "wsteth-rate" });
    expect(parseNetworkConfig({ ...base, chains, references, feeds })).toMatchObject({ ok: true });
    expect(feeds.filter(({ peg }) => peg !== undefined)).toHaveLength(1);
  });

  it("is left out elsewhere", () => {
    expect(catalogueOn([{ chain: "BASE" }])).toEqual({ feeds: CATALOGUE, references: [] });
  });
});
