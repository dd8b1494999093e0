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
type Process = {
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
  const processes = new Map<string, Process>();
  for (const asset of ASSETS) processes.set(asset.feed, startProcess(asset, seed));
  let at = startAt;

  const usd = (asset: string, lagSteps: number): bigint | undefined => {
    if (asset === "USD") return ONE;
    const own = [...processes.values()].find((process) => process.asset.asset === asset);
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
      for (const process of processes.values()) step(process, at);
    }
    return steps;
  };

  return {
    advance,
    at: () => at,
    usd,
    feeds: () => new Map([...processes].map(([feed, process]) => [feed, process.value])),
    setPrice: ({ feed, price, overMs }, now) => {
      const process = processes.get(feed);
      assert(process !== undefined, `the world has the feed ${feed}`);
      const to = clamp(price);
      if (overMs > 0) process.ramp = { from: process.value, to, startAt: now, endAt: now + overMs };
      else settle(process, to);
    },
  };
}

function startProcess(asset: Asset, seed: number): Process {
  const history = Array.from({ length: MAX_LAG_STEPS + 1 }, () => asset.price);
  const random = createRandom(seed, asset.feed);
  return { asset, random, value: asset.price, anchor: asset.price, ramp: undefined, history };
}

/** One draw a step, used or not, so that a control call changes the level and not the dice. */
function step(process: Process, at: number): void {
  const drawn = process.random.gaussian();
  if (process.ramp !== undefined) rampStep(process, process.ramp, at);
  else {
    const moved = (process.value * process.asset.walkNano * drawn) / (NANO * GAUSSIAN_SD * STEPS_ROOT);
    const pulled = process.asset.pegged ? (process.anchor - process.value) / PEG_PULL : 0n;
    process.value = clamp(process.value + moved + pulled);
  }
  process.history.unshift(process.value);
  process.history.length = MAX_LAG_STEPS + 1;
}

function rampStep(process: Process, { from, to, startAt, endAt }: Ramp, at: number): void {
  if (at < endAt) {
    const elapsed = BigInt(Math.max(0, at - startAt));
    process.value = clamp(from + ((to - from) * elapsed) / BigInt(endAt - startAt));
    return;
  }
  process.value = to;
  process.anchor = to;
  process.ramp = undefined;
}

/** A step has no lag: the past is rewritten, so that every venue shows it at its next poll. */
function settle(process: Process, to: bigint): void {
  process.value = to;
  process.anchor = to;
  process.ramp = undefined;
  process.history.fill(to);
}

function clamp(value: bigint): bigint {
  return value < MIN_VALUE ? MIN_VALUE : value > MAX_VALUE ? MAX_VALUE : value;
}
