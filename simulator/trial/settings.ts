import { assert } from "../../protocol/assert.ts";
import type { Address } from "../../protocol/bytes.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import type { ThresholdOverrides } from "../../protocol/thresholds.ts";
import { GOVERNORS, GUARDIANS, QUORUM } from "../cluster/keyholders.ts";
import type { SettingName } from "./plan.ts";

/** Venues are called by their index, as faults name them. */
export function venueName(venue: number): string {
  return `venue${venue}`;
}

/** @example venueIndex("venue3"); // 3 */
export function venueIndex(name: string): number {
  return Number(name.slice("venue".length));
}

/**
 * One second a round, as in production, and a basket of four, so that a basket feed too has three others to be explained by. Thresholds
 * near their floors: a whole pause takes tens of rounds. σ of 400 % and sdCapBps 40 make a cap of about 13 s (BREAKER.md B6).
 */
const SECOND = {
  roundMs: 1_000,
  leaseMs: 8_000,
  thresholds: {
    quoteMs: 4_000,
    staleMs: 6_000,
    confirmMs: 6_000,
    clearMs: 3_000,
    clearCapMs: 48_000,
    probeMs: 4_000,
    minOpenMs: 12_000,
    maxOpenMs: 180_000,
    sdCapBps: 40,
    volPriorBps: 40_000,
    pauseBudgetMs: 360_000,
    resetMs: 8_000,
    seasonMs: 10_000,
    refTauMs: 60_000,
    sampleMs: 6_000,
    gapHoldMs: 8_640_000,
  },
  chains: [],
  basket: [
    { feed: "BTC/USD", weight: 30 },
    { feed: "ETH/USD", weight: 30 },
    { feed: "SOL/USD", weight: 20 },
    { feed: "LINK/USD", weight: 20 },
  ],
  feeds: [
    { feed: "BTC/USD", preset: "major", sources: direct("BTC/USD", [0, 1, 2, 3, 4, 5]) },
    {
      feed: "ETH/USD",
      preset: "major",
      sources: [...direct("ETH/USD", [0, 1, 2, 3, 4]), ...tether("ETH/USDT", [5, 6])],
    },
    { feed: "SOL/USD", preset: "large", sources: direct("SOL/USD", [1, 2, 3, 4, 5, 6]) },
    { feed: "LINK/USD", preset: "large", sources: direct("LINK/USD", [0, 2, 3, 4, 5, 6]) },
    { feed: "UNI/USD", preset: "longtail", sources: direct("UNI/USD", [0, 1, 3, 4, 6]) },
    { feed: "USDT/USD", preset: "stable", sources: direct("USDT/USD", [0, 1, 2, 3, 4]) },
  ],
} as const satisfies Shape;

/**
 * Rounds so long that what takes minutes takes few of them: a cap is 12 rounds, the day's pause meter 24, the longest quiet time 8. The
 * lease is the longest there is, or a committee of 13 would not load.
 */
const SLOW = {
  roundMs: 15_000,
  leaseMs: 90_000,
  thresholds: {
    quoteMs: 5_000,
    staleMs: 20_000,
    confirmMs: 150_000,
    clearMs: 20_000,
    clearCapMs: 120_000,
    probeMs: 45_000,
    minOpenMs: 60_000,
    maxOpenMs: 180_000,
    pauseBudgetMs: 360_000,
    resetMs: 120_000,
    seasonMs: 60_000,
    refTauMs: 300_000,
    sampleMs: 60_000,
    gapHoldMs: 8_640_000,
  },
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  basket: [],
  feeds: [
    { feed: "ETH/USD", preset: "major", sources: [...direct("ETH/USD", [0, 1, 2, 3]), ...tether("ETH/USDT", [4, 5])] },
    { feed: "USDT/USD", preset: "stable", sources: direct("USDT/USD", [0, 1, 2, 3, 6]) },
  ],
} as const satisfies Shape;

/** The cheapest: what concerns rounds and not prices is tried here most often. */
const ONE_FEED = {
  roundMs: 2_000,
  leaseMs: 14_000,
  thresholds: {
    quoteMs: 4_000,
    staleMs: 8_000,
    confirmMs: 8_000,
    clearMs: 4_000,
    clearCapMs: 48_000,
    probeMs: 6_000,
    minOpenMs: 12_000,
    maxOpenMs: 180_000,
    pauseBudgetMs: 360_000,
    resetMs: 16_000,
    seasonMs: 20_000,
    refTauMs: 60_000,
    sampleMs: 10_000,
    gapHoldMs: 8_640_000,
  },
  chains: [{ chain: "ETHEREUM", blockMs: 1_000 }],
  basket: [],
  feeds: [{ feed: "ETH/USD", preset: "major", sources: direct("ETH/USD", [0, 1, 2, 3, 4, 5]) }],
} as const satisfies Shape;

/** The defaults of a `network.yaml`, in every setting; graceMs and hopBudgetMs stay at theirs too. */
export const MAX_SKEW_MS = 250;
export const RESTART_ROUNDS = 3;

/** What a setting fixes of a `network.yaml`. */
export const SHAPES = { second: SECOND, slow: SLOW, "one-feed": ONE_FEED } as const satisfies Record<SettingName, Shape>;

/** The thresholds that every setting fixes for all its feeds alike. */
type FixedThreshold = "quoteMs" | "staleMs" | "confirmMs" | "clearMs" | "clearCapMs" | "probeMs" | "maxOpenMs" | "gapHoldMs";

export type Shape = {
  readonly roundMs: number;
  readonly leaseMs: number;
  readonly thresholds: ThresholdOverrides & Readonly<Record<FixedThreshold, number>>;
  readonly chains: readonly { readonly chain: string; readonly blockMs: number }[];
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
  readonly feeds: readonly { readonly feed: string; readonly preset: string; readonly sources: readonly object[] }[];
};

/** How many venues a setting has; their indices are 0 … one less. Every one is the source of something. */
export const VENUES = { second: 7, slow: 7, "one-feed": 6 } as const satisfies Record<SettingName, number>;

export type Settings = {
  /** The network of a setting with the first n keys as its committee; made once for each pair. */
  readonly network: (setting: SettingName, n: number) => Network;
};

/** `keys` in committee order: node i of a trial has the i-th key. */
export function createSettings(keys: readonly { readonly address: Address }[]): Settings {
  const made = new Map<string, Network>();
  return {
    network: (setting, n) => {
      const name = `${setting} ${n}`;
      const network = made.get(name) ?? createNetwork(setting, keys.slice(0, n));
      made.set(name, network);
      return network;
    },
  };
}

function createNetwork(setting: SettingName, keys: readonly { readonly address: Address }[]): Network {
  const committee = keys.map(({ address }, index) => ({ name: `node${index}`, address }));
  const parsed = parseNetworkConfig({
    network: `trial-${setting}`,
    rules: 1,
    committee,
    maxSkewMs: MAX_SKEW_MS,
    restartRounds: RESTART_ROUNDS,
    governance: governanceOf(SHAPES[setting].roundMs),
    ...SHAPES[setting],
  });
  assert(parsed.ok, parsed.ok ? "" : `the setting ${setting} parses: ${JSON.stringify(parsed.error)}`);
  const network = genesisNetwork(parsed.value);
  const isInOrder = network.config.committee.every(({ address }, index) => address === keys[index]?.address);
  assert(isInOrder, "the keys of a trial are in committee order");
  return network;
}

/** Everything within a trial: a proposal is in force some ten rounds after it was made, or lapses as long after that. */
function governanceOf(roundMs: number) {
  const named = (keys: readonly { readonly address: Address }[], name: string) =>
    keys.map(({ address }, index) => ({ name: `${name}${index}`, address }));
  return {
    governors: named(GOVERNORS, "governor"),
    quorum: QUORUM,
    guardians: named(GUARDIANS, "guardian"),
    timelockMs: 2 * roundMs,
    shadowMs: 2 * roundMs,
    lapseMs: 10 * roundMs,
    replayRounds: 1,
  };
}

/** The first venue weighs double: weighted medians with equal weights would hide a mistake in weighing. */
function direct(market: string, venues: readonly number[]) {
  return venues.map((venue, index) => ({ venue: venueName(venue), market, weight: index === 0 ? 2 : 1 }));
}

function tether(market: string, venues: readonly number[]) {
  return venues.map((venue) => ({ venue: venueName(venue), market, weight: 1, convert: [{ multiply: "USDT/USD" }] }));
}
