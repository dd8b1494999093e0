import { ONE } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import { ASSETS, type Asset } from "./assets.ts";
import { createRandom, GAUSSIAN_SD, type Random } from "./random.ts";

/** The world moves on a grid counted from its start, so the path does not depend on how often somebody looks. */
export const STEP_MS = 250;
/** How many steps back a venue may lag: with the grid itself at most a second. */
export const MAX_LAG_STEPS = 3;
/** After a longer sleep the walk takes up here instead of catching up: an hour costs 14 400 steps. */
const MAX_CATCH_UP_STEPS = 14_400;
/** A feed's range in units of its quote asset, 10⁻⁹ to 10¹²: the product of a ratio and its base is never zero. */
export const MIN_VALUE = 10n ** 9n;
export const MAX_VALUE = 10n ** 12n * ONE;
/** A pegged price loses 1/400 of its distance each step: half of it in 70 s. */
const PEG_PULL = 400n;
const NANO = 1_000_000_000n;
/** √(1 s / 250 ms): a step's standard deviation is half a second's. */
const STEPS_ROOT = 2n;

type Ramp = { readonly from: bigint; readonly to: bigint; readonly startAt: number; readonly endAt: number };
type Walk = {
  readonly asset: Asset;
  readonly random: Random;
  value: bigint;
  anchor: bigint;
  ramp: Ramp | undefined;
  history: bigint[];
};

/** The true prices behind every venue. Amounts 1e18; times Unix ms. */
export type World = {
  /** To the last grid point at or before `now`; the number of steps taken. Never goes back. */
  readonly advance: (now: number) => number;
  readonly at: () => number;
  /** USD value of one unit as it was `lagSteps` ago; undefined for an asset the world does not have. */
  readonly usd: (asset: string, lagSteps: number) => bigint | undefined;
  /** Today's value of each feed, in the order of {@link ASSETS}. */
  readonly feeds: () => ReadonlyMap<string, bigint>;
  /** Moves a feed to `price` in a straight line, without walk, then walks on from there; 0 ms moves it for every venue at once. */
  readonly setPrice: (move: { readonly feed: string; readonly price: bigint; readonly overMs: number }, now: number) => void;
};

export function createWorld({ seed, startAt }: { seed: number; startAt: number }): World {
  const walks = new Map<string, Walk>();
  for (const asset of ASSETS) walks.set(asset.feed, startWalk(asset, seed));
  let at = startAt;

  const usd = (asset: string, lagSteps: number): bigint | undefined => {
    if (asset === "USD") return ONE;
    const own = [...walks.values()].find((walk) => walk.asset.asset === asset);
    if (own === undefined) return undefined;
    const value = own.history[lagSteps] ?? own.value;
    const quote = own.asset.feed.slice(asset.length + 1);
    if (quote === "USD") return value;
    const base = usd(quote, lagSteps);
    return base === undefined ? undefined : (value * base) / ONE;
  };

  const advance = (now: number): number => {
    const due = Math.floor((now - at) / STEP_MS);
    const steps = Math.min(Math.max(0, due), MAX_CATCH_UP_STEPS);
    if (due > steps && due > 0) at += (due - steps) * STEP_MS;
    for (let i = 0; i < steps; i++) {
      at += STEP_MS;
      for (const walk of walks.values()) step(walk, at);
    }
    return steps;
  };

  return {
    advance,
    at: () => at,
    usd,
    feeds: () => new Map([...walks].map(([feed, walk]) => [feed, walk.value])),
    setPrice: ({ feed, price, overMs }, now) => {
      const walk = walks.get(feed);
      assert(walk !== undefined, `the world has the feed ${feed}`);
      const to = clamp(price);
      if (overMs > 0) walk.ramp = { from: walk.value, to, startAt: now, endAt: now + overMs };
      else settle(walk, to);
    },
  };
}

function startWalk(asset: Asset, seed: number): Walk {
  const history = Array.from({ length: MAX_LAG_STEPS + 1 }, () => asset.price);
  const random = createRandom(seed, asset.feed);
  return { asset, random, value: asset.price, anchor: asset.price, ramp: undefined, history };
}

/** One draw a step, used or not, so that a control call changes the level and not the dice. */
function step(walk: Walk, at: number): void {
  const drawn = walk.random.gaussian();
  if (walk.ramp !== undefined) rampStep(walk, walk.ramp, at);
  else {
    const moved = (walk.value * walk.asset.walkNano * drawn) / (NANO * GAUSSIAN_SD * STEPS_ROOT);
    const pulled = walk.asset.pegged ? (walk.anchor - walk.value) / PEG_PULL : 0n;
    walk.value = clamp(walk.value + moved + pulled);
  }
  walk.history.unshift(walk.value);
  walk.history.length = MAX_LAG_STEPS + 1;
}

function rampStep(walk: Walk, { from, to, startAt, endAt }: Ramp, at: number): void {
  if (at < endAt) {
    const elapsed = BigInt(Math.max(0, at - startAt));
    walk.value = clamp(from + ((to - from) * elapsed) / BigInt(endAt - startAt));
    return;
  }
  walk.value = to;
  walk.anchor = to;
  walk.ramp = undefined;
}

/** A step has no lag: the past is rewritten, so that every venue shows it at its next poll. */
function settle(walk: Walk, to: bigint): void {
  walk.value = to;
  walk.anchor = to;
  walk.ramp = undefined;
  walk.history.fill(to);
}

function clamp(value: bigint): bigint {
  return value < MIN_VALUE ? MIN_VALUE : value > MAX_VALUE ? MAX_VALUE : value;
}
