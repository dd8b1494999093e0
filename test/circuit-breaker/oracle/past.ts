import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import { type BreakerState, RULES, type RuleName } from "../../../protocol/report.ts";
import type { ThresholdName, Thresholds } from "../../../protocol/thresholds.ts";
import { greatest, LARGEST_COUNT, LARGEST_VOLATILITY, least, POINT, root, sign, total, WHOLE, within } from "./arithmetic.ts";

export const SOFT: readonly RuleName[] = ["jump", "dispersion", "divergence", "thin", "peg"];
export const HARD: readonly RuleName[] = ["stale", "congestion", "restart", "manual", "gap"];
/** All that can be active: `config` is told and no more. */
export const EVALUATED: readonly RuleName[] = [...SOFT, ...HARD];

/** What a feed's oracle knows of its network. */
export type World = {
  readonly n: bigint;
  readonly f: bigint;
  readonly roundMs: bigint;
  readonly restartRounds: bigint;
  readonly inBasket: boolean;
};

/** `dt` is 0 and `outage` false in the first round of a chain, and of a feed. */
export type Moment = {
  readonly round: bigint;
  readonly ts: bigint;
  readonly validUntil: bigint;
  readonly dt: bigint;
  readonly outage: boolean;
};

type Firing = { readonly round: bigint; readonly at: bigint; readonly holds: boolean };

/** Numbers that are nothing but what the quorum said last, or their own recurrence. */
type Carried = {
  price: bigint;
  pricedAt: bigint;
  observedAt: bigint;
  rawLow: bigint;
  rawHigh: bigint;
  anchor: bigint;
  ema: bigint;
  v: bigint;
  sampleP: bigint;
  sampleAt: bigint;
  sysEma: bigint;
  spent: bigint;
  gapAt: bigint;
  direction: bigint;
  firstAt: bigint | undefined;
  pause: Pause;
};

/** The strictest pause in force over a feed or leaf, and its end. */
export type Pause = { readonly action: "robust" | "none"; readonly until: bigint } | undefined;

/** What happened, as lists; every timer of B1 is counted from them anew. */
type Happened = {
  readonly certified: bigint[];
  readonly restarts: bigint[];
  readonly firings: Map<RuleName, Firing[]>;
  readonly states: { readonly state: BreakerState; readonly at: bigint }[];
  /** One-round moves since jump became active, what its agreement was worth each time, likewise of the peg, and the time of the probe. */
  steps: bigint[];
  agreed: bigint[];
  agreedOnPeg: bigint[];
  probed: bigint[];
  openCredits: Map<RuleName, bigint[]>;
  waived: Set<RuleName>;
  trips: bigint;
};

export type Past = Carried & Happened & { readonly feed: FeedId; readonly world: World; readonly thresholds: Thresholds };

export function createPast(feed: FeedId, thresholds: Thresholds, world: World): Past {
  return {
    ...{ feed, thresholds, world },
    ...{
      price: 0n,
      pricedAt: 0n,
      observedAt: 0n,
      rawLow: 0n,
      rawHigh: 0n,
      anchor: 0n,
      ema: 0n,
      v: 0n,
      sampleP: 0n,
      sampleAt: 0n,
    },
    ...{ sysEma: 0n, spent: 0n, gapAt: 0n, direction: 0n, firstAt: undefined, pause: undefined },
    ...{ certified: [], restarts: [], states: [], steps: [], agreed: [], agreedOnPeg: [], probed: [], trips: 0n },
    firings: new Map(EVALUATED.map((rule) => [rule, []])),
    openCredits: new Map(),
    waived: new Set(),
  };
}

export function limitOf({ thresholds }: Pick<Past, "thresholds">, name: ThresholdName): bigint {
  return BigInt(thresholds[name]);
}

/** A threshold in bps as a number with 18 decimals. */
export function fractionOf(past: Pick<Past, "thresholds">, name: ThresholdName): bigint {
  return limitOf(past, name) * POINT;
}

export function stateOf({ states }: Past): BreakerState {
  return states.at(-1)?.state ?? "open";
}

export function enter(past: Past, state: BreakerState, at: bigint): void {
  if (past.states.length === 0 || state !== stateOf(past)) past.states.push({ state, at });
}

/** Genesis of a feed (B1). */
export function begin(past: Past, now: Moment, { price }: Pick<QuorumView, "price">): void {
  const prior = fractionOf(past, "volPriorBps");
  Object.assign(past, { price, anchor: price, ema: price, sampleP: price, v: (prior * prior) / WHOLE });
  Object.assign(past, { sampleAt: now.ts, firstAt: now.ts, sysEma: past.world.inBasket ? price : 0n });
  past.restarts.push(now.ts);
  enter(past, "open", now.ts);
}

/** "Jump's memory": its firings, its steps and what was agreed. */
export function forgetJump(past: Past): void {
  past.firings.set("jump", []);
  past.steps = [];
  past.agreed = [];
}

export function waiveJump(past: Past): void {
  past.waived.add("jump");
  past.direction = sign(past.price - past.anchor);
  past.anchor = past.price;
  forgetJump(past);
}

/** The last firing that holds. */
export function lastFiring({ firings }: Past, rule: RuleName): bigint | undefined {
  return firings.get(rule)?.findLast(({ holds }) => holds)?.at;
}

/** Of the last n rounds, each with another leader, those in which the rule fired. */
export function firedRounds({ firings, world }: Past, rule: RuleName, round: bigint): readonly bigint[] {
  const list = firings.get(rule) ?? [];
  return list.slice(-Number(world.n)).flatMap((firing) => (firing.round > round - world.n ? [firing.round] : []));
}

export function openTime({ openCredits }: Past, rule: RuleName): bigint {
  return total(openCredits.get(rule) ?? []);
}

export function roundsSinceRestart({ certified, restarts }: Past): bigint {
  const from = restarts.at(-1) ?? 0n;
  return least(BigInt(certified.length - certified.findLastIndex((at) => at < from) - 1), LARGEST_COUNT);
}

/** What is called volatility is the leaf's: saturated there, and 3 · volatility · √t is taken of that (DESIGN section 6). */
export function volatility(past: Past): bigint {
  const bounded = within(root(past.v * WHOLE), fractionOf(past, "volFloorBps"), fractionOf(past, "volCapBps"));
  return least(LARGEST_VOLATILITY, bounded);
}

export function bitsOf(rules: ReadonlySet<RuleName>): number {
  return RULES.reduce((sum, rule, bit) => sum + (rules.has(rule) ? 2 ** bit : 0), 0);
}

/** The past, summed up in the fields of B1. */
export function summed(past: Past, round: bigint): FeedMemory {
  const perRule = (value: (rule: RuleName) => bigint | undefined) => RULES.map((rule) => Number(value(rule) ?? 0n));
  const recent = (rule: RuleName) => total(firedRounds(past, rule, round).map((fired) => 2n ** (round - fired)));
  const { feed, price, rawLow, rawHigh, ema, anchor, v, sampleP, spent, sysEma, states } = past;
  return {
    ...{ feed, price, rawLow, rawHigh, ema, anchor, v, sampleP, spent, sysEma },
    pricedAt: Number(past.pricedAt),
    observedAt: Number(past.observedAt),
    sampleAt: Number(past.sampleAt),
    state: stateOf(past),
    since: Number(states.at(-1)?.at),
    fired: perRule((rule) => lastFiring(past, rule)),
    recent: [recent("dispersion"), recent("divergence"), recent("thin")],
    corrob: total(past.agreed),
    stepMax: Number(greatest(0n, ...past.steps)),
    pegHeld: total(past.agreedOnPeg),
    agree: Number(total(past.probed)),
    waived: bitsOf(past.waived),
    dir: Number(past.direction),
    trips: Number(past.trips),
    openMs: perRule((rule) => openTime(past, rule)),
    closedAt: Number(states.findLast(({ state }) => state === "closed")?.at ?? 0n),
    gapAt: Number(past.gapAt),
    restartAt: Number(past.restarts.at(-1)),
    rounds: Number(roundsSinceRestart(past)),
    firstAt: Number(past.firstAt),
    manual: {
      action: past.pause === undefined ? 0 : past.pause.action === "none" ? 2 : 1,
      until: Number(past.pause?.until ?? 0n),
    },
  };
}
