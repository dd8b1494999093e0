import type { Network } from "../../../protocol/config.ts";
import { PRESETS, type Preset, THRESHOLDS, type ThresholdName } from "../../../protocol/thresholds.ts";
import { type FeedSetup, networkWith } from "../chain.ts";
import { type Dice, pick } from "./dice.ts";

/** All that makes a network of one of the stories, as plain data. */
export type Setup = {
  readonly n: number;
  readonly roundMs: number;
  readonly leaseMs: number;
  readonly restartRounds: number;
  readonly feeds: Readonly<Record<string, FeedSetup>>;
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
};

const FEEDS = ["AAA/USD", "BBB/USD", "CCC/USD", "DDD/USD", "EEE/USD", "FFF/USD"];
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

export function networkOf({ feeds, n, ...overrides }: Setup): Network {
  return networkWith(feeds, { ...overrides, graceMs: 1, hopBudgetMs: 1, maxSkewMs: 1 }, n);
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
  return {
    n,
    roundMs,
    leaseMs,
    restartRounds: pick(dice, [1, 3, 3, 10]),
    feeds: Object.fromEntries(names.map((name, index) => [name, drawFeed(dice, index < members)])),
    basket: names.slice(0, members).map((feed) => ({ feed, weight: 1 + dice.below(40) })),
  };
}

function drawFeed(dice: Dice, inBasket: boolean): FeedSetup {
  const preset = pick(dice, inBasket ? PRESETS.slice(0, 2) : PRESETS);
  const style = dice.below(10);
  if (style < 2) return { preset, thresholds: raised(dice, {}) };
  if (style < 3) return { preset, thresholds: raised(dice, FLOORS) };
  if (style < 5) return { preset, thresholds: raised(dice, SHORT) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const thresholds = raised(dice, drawThresholds(dice, preset));
    if (isValid({ preset, thresholds })) return { preset, thresholds };
  }
  return { preset };
}

/** Some thresholds between floor and ceiling, on a logarithmic scale. */
function drawThresholds(dice: Dice, preset: Preset): Readonly<Record<string, number>> {
  const drawn: Record<string, number> = dice.below(2) === 0 ? { ...SHORT } : {};
  for (let count = 1 + dice.below(6); count > 0; count--) {
    const name = pick(dice, OF_THE_BREAKER);
    const { floor, ceiling, presets } = THRESHOLDS[name];
    const middle = Math.floor(Math.sqrt(Math.max(1, floor) * ceiling)) + dice.below(7);
    drawn[name] = Math.min(ceiling, pick(dice, [floor, middle, Math.floor((presets[preset] + floor) / 2), ceiling]));
  }
  return drawn;
}

/** Now and then governance has raised a rule to `liquidate: none`. */
function raised(dice: Dice, thresholds: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (dice.below(8) > 0) return { ...thresholds };
  return { ...thresholds, liquidateNone: pick(dice, [["jump"], ["dispersion", "gap"], ["thin"], ["divergence"]]) };
}

function isValid(setup: FeedSetup): boolean {
  try {
    networkWith({ "AAA/USD": setup });
    return true;
  } catch {
    return false;
  }
}
