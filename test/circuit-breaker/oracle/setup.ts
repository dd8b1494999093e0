import type { Network } from "../../../protocol/config.ts";
import { PRESETS, type Preset, THRESHOLDS, type ThresholdName } from "../../../protocol/thresholds.ts";
import { type FeedSetup, networkWith } from "../chain.ts";
import { GOVERNED } from "../governors.ts";
import { type Dice, pick } from "./dice.ts";

/** All that makes a network of one of the stories, as plain data. */
export type Setup = {
  readonly n: number;
  readonly roundMs: number;
  readonly leaseMs: number;
  readonly restartRounds: number;
  readonly feeds: Readonly<Record<string, FeedSetup>>;
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
  readonly chains: readonly { readonly chain: string; readonly blockMs: number; readonly [other: string]: unknown }[];
};

const FEEDS = ["AAA/USD", "BBB/USD", "CCC/USD", "DDD/USD", "EEE/USD", "FFF/USD"];
/** Between the feeds by name, and after them. */
const CHAINS = ["X", "Y2"];
const NAMES = Object.keys(THRESHOLDS) as readonly ThresholdName[];
/** Those that a node's own price goes by, before the breaker. */
const BEFORE_THE_BREAKER = ["minSources", "minGroups", "maxGroupBps", "quoteMs", "floorBps", "tolBps"];
const OF_THE_BREAKER = NAMES.filter((name) => !BEFORE_THE_BREAKER.includes(name));
const MAX_LEASE_MS = 120_000;
const ROUND_MS = [100, 250, 1_000, 1_000, 1_000, 1_000, 2_000, 12_000, 20_000, 40_000];
/** Attempts until a random set of thresholds keeps the cross-field relations. */
const ATTEMPTS = 12;

/** The floors, as far as the relations between the fields let them be together. */
const FLOORS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(NAMES.map((name) => [name, THRESHOLDS[name].floor])),
  maxGroupBps: 5_000,
};

/** The shortest times the schema allows, with a preset's own limits. */
const SHORT: Readonly<Record<string, number>> = Object.fromEntries(
  (
    [
      ...(["probeMs", "clearMs", "clearCapMs", "confirmMs", "minOpenMs", "maxOpenMs"] as const),
      ...(["pauseBudgetMs", "resetMs", "seasonMs", "quoteMs", "staleMs", "sampleMs", "gapHoldMs"] as const),
    ] as const
  ).map((name) => [name, THRESHOLDS[name].floor]),
);

/** Every feed has an exchange rate that it could be pegged to, on a chain that is there for that alone if there is no other. */
export function networkOf({ feeds, n, ...overrides }: Setup): Network {
  const [chain] = overrides.chains;
  const names = chain === undefined ? [] : Object.keys(feeds);
  const read = { kind: "exchange-rate", contract: `0x${"ae".repeat(20)}`, method: "getRate", decimals: 18 };
  const references = names.map((market) => ({ name: rateOf(market), chain: chain?.chain, market, read }));
  return networkWith(feeds, { ...overrides, ...GOVERNED, references, graceMs: 1, hopBudgetMs: 1, maxSkewMs: 1 }, n);
}

/** @example rateOf("AAA/USD"); // "aaa" */
export function rateOf(feed: string): string {
  return feed.slice(0, feed.indexOf("/")).toLowerCase();
}

export function drawSetup(dice: Dice): Setup {
  const n = 4 + dice.below(10);
  const f = Math.floor((n - 1) / 3);
  const roundMs = pick(
    dice,
    ROUND_MS.filter((ms) => (f + 2) * ms <= MAX_LEASE_MS),
  );
  const shortest = Math.max(1_000, (f + 2) * roundMs);
  const leaseMs = pick(dice, [shortest, Math.max(60_000, shortest), MAX_LEASE_MS]);
  const coupled = dice.below(3) > 0;
  const count = coupled ? 4 + dice.below(3) : 1 + dice.below(3);
  const members = coupled ? 3 + dice.below(count - 2) : 0;
  const names = FEEDS.slice(0, count);
  const chains = CHAINS.slice(0, dice.below(3)).flatMap((chain) => drawChain(dice, chain, leaseMs));
  return {
    n,
    roundMs,
    leaseMs,
    restartRounds: pick(dice, [1, 3, 3, 10]),
    feeds: Object.fromEntries(
      names.map((name, index) => [name, { ...drawFeed(dice, index < members), ...drawPeg(dice, name, chains.length > 0) }]),
    ),
    chains,
    basket: names.slice(0, members).map((feed) => ({ feed, weight: 1 + dice.below(40) })),
  };
}

function drawFeed(dice: Dice, inBasket: boolean): FeedSetup {
  const preset = pick(dice, inBasket ? PRESETS.slice(0, 2) : PRESETS);
  const style = dice.below(10);
  if (style < 2) return { preset, thresholds: raised(dice, {}) };
  if (style < 3) return { preset, thresholds: raised(dice, FLOORS) };
  if (style < 5) return { preset, thresholds: raised(dice, { ...SHORT, ...drawTrust(dice) }) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const thresholds = raised(dice, drawThresholds(dice, preset));
    if (isValid({ preset, thresholds })) return { preset, thresholds };
  }
  return { preset };
}

function drawPeg(dice: Dice, name: string, rated: boolean): Pick<FeedSetup, "peg"> {
  const kind = dice.below(4);
  if (kind > 1) return {};
  return { peg: kind === 1 && rated ? { rate: rateOf(name) } : { par: pick(dice, ["1", "1", "100"]) } };
}

/** Nothing where no block is short enough for the lease. */
function drawChain(dice: Dice, chain: string, leaseMs: number): Setup["chains"] {
  const blocks = [1, 250, 2_000, 12_000].filter((blockMs) => 4 * blockMs + 10_000 <= leaseMs);
  if (blocks.length === 0) return [];
  const liquidateNone = dice.below(4) === 0;
  const sequenced = dice.below(2) === 0 ? { uptimeFeed: `0x${"5e".repeat(20)}` } : {};
  return [{ chain, blockMs: pick(dice, blocks), feeFloorGwei: pick(dice, ["20", "0.5"]), liquidateNone, ...sequenced }];
}

/** Some thresholds between floor and ceiling, on a logarithmic scale. */
function drawThresholds(dice: Dice, preset: Preset): Readonly<Record<string, unknown>> {
  const drawn: Record<string, unknown> = { ...drawTrust(dice), ...(dice.below(2) === 0 ? SHORT : {}) };
  for (let count = 1 + dice.below(6); count > 0; count--) {
    const name = pick(dice, OF_THE_BREAKER);
    const { floor, ceiling, presets } = THRESHOLDS[name];
    const middle = Math.floor(Math.sqrt(Math.max(1, floor) * ceiling)) + dice.below(7);
    drawn[name] = Math.min(ceiling, pick(dice, [floor, middle, Math.floor((presets[preset] + floor) / 2), ceiling]));
  }
  return drawn;
}

/** A rate that is trusted for so short a time that a story sees its end. */
function drawTrust(dice: Dice): Readonly<Record<string, unknown>> {
  return dice.below(2) === 0 ? { pegTrust: "rate", pegHoldMs: pick(dice, [5_000, 60_000, 0]) } : {};
}

/** Now and then governance has raised a rule to `liquidate: none`. */
function raised(dice: Dice, thresholds: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (dice.below(8) > 0) return { ...thresholds };
  return { ...thresholds, liquidateNone: pick(dice, [["jump"], ["dispersion", "gap"], ["thin"], ["divergence"], ["peg"]]) };
}

function isValid(setup: FeedSetup): boolean {
  try {
    networkWith({ "AAA/USD": setup });
    return true;
  } catch {
    return false;
  }
}
