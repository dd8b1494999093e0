import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import { MAX_AMOUNT, ONE } from "../../../protocol/amount.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { Thresholds } from "../../../protocol/thresholds.ts";
import { between, type Dice, oneIn, pick } from "./dice.ts";

/** What a regime knows when it writes a feed's next round: an adversary has read the chain, so it sees the parent's memory. */
export type Stage = {
  readonly dice: Dice;
  readonly feed: FeedId;
  readonly thresholds: Thresholds;
  readonly memory: FeedMemory | undefined;
  readonly timestamp: number;
  readonly leader: number;
  readonly leaders: number;
  /** What the feed is redeemable for in this round. */
  readonly target: bigint | undefined;
};

/** One feed's next view; undefined for a round that does not price it. */
export type Regime = (stage: Stage) => QuorumView | undefined;
export type Named = { readonly name: string; readonly regime: Regime };

const WHOLE_BPS = 10_000n;

/** A healthy quorum at this price, inside every limit of the feed. */
export function calmView({ feed, thresholds: t, timestamp, dice }: Stage, price: bigint): QuorumView {
  const half = (price * BigInt(Math.min(2, Math.floor(t.dispersionBps / 3)))) / WHOLE_BPS;
  return {
    feed,
    price,
    rawLow: price > half ? price - half : 1n,
    rawHigh: price + half > MAX_AMOUNT ? MAX_AMOUNT : price + half,
    observedAt: Math.max(0, timestamp - dice.below(300)),
    groups: t.wantGroups + dice.below(2),
    topBps: Math.min(1_667, t.topShareBps),
    outsideBps: Math.min(dice.below(200), t.divergenceBps),
  };
}

/** `price` moved so that `moveBps` between the two is exactly `bps`, or a unit to either side of where it becomes so. */
export function movedBy(price: bigint, bps: number, { up, units }: { readonly up: boolean; readonly units: number }): bigint {
  const by = BigInt(Math.max(0, bps));
  const moved = up ? price + (price * by) / WHOLE_BPS : (price * WHOLE_BPS) / (WHOLE_BPS + by);
  return bounded(moved + BigInt(units));
}

function bounded(price: bigint): bigint {
  return price < 1n ? 1n : price > MAX_AMOUNT ? MAX_AMOUNT : price;
}

/** Whoever is pegged begins at what it is redeemable for. */
const lastPrice = ({ memory, dice, target }: Stage) =>
  memory?.price ?? target ?? pick(dice, [ONE, 100n * ONE, 1_800n * ONE, 99_999n]);
const side = (dice: Dice) => ({ up: oneIn(dice, 2), units: between(dice, -1, 1) });

/** Nothing happens: the price walks a little, or stands. */
export function calm(dice: Dice): Named {
  const bps = pick(dice, [0, 0, 1, 5]);
  return {
    name: "calm",
    regime: (stage) => calmView(stage, movedBy(lastPrice(stage), stage.dice.below(bps + 1), side(stage.dice))),
  };
}

/** So many bps every round, one way. */
function slide(dice: Dice): Named {
  const up = oneIn(dice, 2);
  const bps = between(dice, 1, pick(dice, [10, 60, 400]));
  return { name: "slide", regime: (stage) => calmView(stage, movedBy(lastPrice(stage), bps, { up, units: 0 })) };
}

/** One step at the beginning, then level; the larger ones are gaps. */
function step(dice: Dice): Named {
  const scale = pick(dice, [1, 2, 4, 12]);
  let level: bigint | undefined;
  return {
    name: "step",
    regime: (stage) => {
      level ??= movedBy(lastPrice(stage), between(dice, 1, stage.thresholds.jumpBps * scale), side(dice));
      return calmView(stage, level);
    },
  };
}

/** Away and back again, every so many rounds. */
function pulse(dice: Dice): Named {
  const period = between(dice, 1, 12);
  const { up } = side(dice);
  const scale = pick(dice, [1, 2, 5]);
  let base: bigint | undefined;
  let round = 0;
  return {
    name: "pulse",
    regime: (stage) => {
      base ??= lastPrice(stage);
      const away = Math.floor(round++ / period) % 2 === 0;
      return calmView(stage, away ? movedBy(base, stage.thresholds.jumpBps * scale + 1, { up, units: 0 }) : base);
    },
  };
}

/** Around each limit of the price rules, to the bps and to the last unit, from the anchor or from the last price. */
function edge(dice: Dice): Named {
  const wantsThin = oneIn(dice, 4);
  const kind = pick(dice, ["full", "half", "quarter", "gap", "back", "letting go"] as const);
  return {
    name: "edge",
    regime: (stage) => {
      const { thresholds: t, memory, timestamp } = stage;
      const price = lastPrice(stage);
      const waited = Math.max(0, timestamp - (memory?.pricedAt ?? timestamp) - 10_000);
      const bps = {
        full: t.jumpBps,
        half: Math.floor(t.jumpBps / 2),
        quarter: Math.floor(t.jumpBps / 4),
        gap: Math.min(4_000_000_000, Math.floor((t.gapBps * (60_000 + waited)) / 60_000)),
        back: t.jumpBps,
        "letting go": 1 + Math.floor(t.jumpBps / (timestamp - (memory?.fired[0] ?? 0) >= t.clearMs ? 2 : 4)),
      }[kind];
      const from = kind === "gap" ? price : (memory?.anchor ?? price);
      const view = calmView(stage, movedBy(from, bps + between(dice, -1, 1), side(dice)));
      return wantsThin ? { ...view, groups: Math.max(0, t.wantGroups - 1) } : view;
    },
  };
}

/** Around the limit of the peg, to the bps and to the last unit; or well beyond it, agreed on by all, or by some. */
function depeg(dice: Dice): Named {
  const { up } = side(dice);
  const scale = pick(dice, [1, 1, 3]);
  const doubted = oneIn(dice, 3);
  return {
    name: "depeg",
    regime: (stage) => {
      const { thresholds: t, target } = stage;
      const beyond = scale === 1 ? between(dice, -1, 1) : 0;
      const view = calmView(
        stage,
        movedBy(target ?? lastPrice(stage), t.pegBps * scale + beyond, { up, units: between(dice, -1, 1) }),
      );
      return doubted && oneIn(dice, 3) ? { ...view, outsideBps: t.divergenceBps + 1 } : view;
    },
  };
}

/** Away from the anchor until jump is waived, by agreement or, with too few groups, by its cap; then beyond the anchor on the other side. */
function reversal(dice: Dice): Named {
  const { up } = side(dice);
  const disagreeing = oneIn(dice, 2);
  return {
    name: "reversal",
    regime: (stage) => {
      const { memory, thresholds: t } = stage;
      const waived = ((memory?.waived ?? 0) & 1) === 1;
      const from = memory?.anchor ?? lastPrice(stage);
      const view = calmView(stage, movedBy(from, t.jumpBps + 1, { up: waived ? (memory?.dir ?? 0) < 0 : up, units: 0 }));
      return disagreeing && !waived ? { ...view, outsideBps: t.divergenceBps + 1 } : view;
    },
  };
}

/** One of the soft rules in every round until its cap waives it, and then whatever may come to a feed that is probed under a waiver. */
function worn(dice: Dice): Named {
  const kind = pick(dice, ["thin", "divergence"] as const);
  const bit = kind === "thin" ? 8 : 4;
  return {
    name: "worn",
    regime: (stage) => {
      const { memory, thresholds: t } = stage;
      const view = calmView(stage, lastPrice(stage));
      const firing = kind === "thin" ? { ...view, groups: 0 } : { ...view, outsideBps: t.divergenceBps + 1 };
      const waived = ((memory?.waived ?? 0) & bit) !== 0;
      if (!waived) return firing;
      return oneIn(stage.dice, 4) ? undefined : pick(stage.dice, [view, view, firing]);
    },
  };
}

/** In the rounds of some leaders only, one of the rules that depend on which observations he includes, at its limit or beyond it. */
function byLeaders(dice: Dice): Named {
  const members = new Set(Array.from({ length: between(dice, 1, 6) }, () => dice.below(13)));
  const everyone = oneIn(dice, 3);
  const kind = pick(dice, ["thin", "top", "dispersion", "divergence", "unpriced"] as const);
  return {
    name: `${kind} by ${everyone ? "all" : "some"}`,
    regime: (stage) => {
      const { thresholds: t } = stage;
      const view = calmView(stage, lastPrice(stage));
      if (!everyone && !members.has(stage.leader)) return view;
      const over = oneIn(stage.dice, 6) ? 0 : 1;
      if (kind === "unpriced") return undefined;
      if (kind === "thin") return { ...view, groups: t.wantGroups - over };
      if (kind === "top") return { ...view, topBps: t.topShareBps + over };
      if (kind === "divergence") return { ...view, outsideBps: t.divergenceBps + over };
      // The widest interval that is not yet too wide, and one unit more.
      const widest = (view.price * BigInt(t.dispersionBps)) / WHOLE_BPS;
      const rawLow = view.price > widest / 2n ? view.price - widest / 2n : 1n;
      return { ...view, rawLow, rawHigh: bounded(view.price > rawLow + widest ? view.price : rawLow + widest + BigInt(over)) };
    },
  };
}

/** A price that comes and whose time stands still, up to the limit and past it. */
function freeze(dice: Dice): Named {
  let frozenAt: number | undefined;
  const atEdge = oneIn(dice, 2);
  return {
    name: "freeze",
    regime: (stage) => {
      const view = calmView(stage, lastPrice(stage));
      frozenAt ??= atEdge ? stage.timestamp - stage.thresholds.staleMs + between(dice, -1, 1) : (stage.memory?.observedAt ?? 0);
      return { ...view, observedAt: Math.min(stage.timestamp, Math.max(0, frozenAt)) };
    },
  };
}

function missing(): Named {
  return { name: "missing", regime: () => undefined };
}

/** A conversion leg or a scale is lost. */
function decimals(dice: Dice): Named {
  const factor = pick(dice, [10n ** 8n, 1_964n, 10n]);
  const up = oneIn(dice, 2);
  let level: bigint | undefined;
  return {
    name: "decimals",
    regime: (stage) => {
      level ??= bounded(up ? lastPrice(stage) * factor : lastPrice(stage) / factor);
      return calmView(stage, level);
    },
  };
}

/** Anything that an entry which counts can say. */
function wild(dice: Dice): Named {
  const extreme = oneIn(dice, 2);
  const amount = (from: bigint) =>
    extreme
      ? pick(dice, [1n, 2n, 3n, ONE, MAX_AMOUNT / 2n, MAX_AMOUNT - 1n, MAX_AMOUNT])
      : movedBy(from, dice.below(20_000), side(dice));
  return {
    name: extreme ? "extreme" : "wild",
    regime: (stage) => {
      const from = lastPrice(stage);
      const [rawLow, price, rawHigh] = [amount(from), amount(from), amount(from)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      if (rawLow === undefined || price === undefined || rawHigh === undefined) throw new Error("three amounts are three");
      const age = dice.below(pick(dice, [300, stage.thresholds.staleMs + 2]));
      const share = () => pick(dice, [0, dice.below(10_001), 65_535]);
      const shares = { topBps: share(), outsideBps: share(), groups: dice.below(256) };
      return { feed: stage.feed, rawLow, price, rawHigh, observedAt: Math.max(0, stage.timestamp - age), ...shares };
    },
  };
}

const DRAWS: readonly ((dice: Dice) => Named)[] = [
  ...[calm, calm, calm, slide, slide, step, step, pulse, edge, edge, edge],
  ...[
    depeg,
    depeg,
    depeg,
    reversal,
    reversal,
    worn,
    worn,
    byLeaders,
    byLeaders,
    byLeaders,
    byLeaders,
    freeze,
    missing,
    decimals,
    wild,
  ],
];

export function drawRegime(dice: Dice): Named {
  return pick(dice, DRAWS)(dice);
}

/** The basket moves as one by `bps` from its slow average, and every other feed by what β explains of it and its limit, or a bps more or less. */
export function marketRegime(dice: Dice): (inBasket: boolean) => Named {
  const bps = between(dice, 1, pick(dice, [100, 1_000, 6_000]));
  const up = oneIn(dice, 2);
  const tight = oneIn(dice, 2);
  return (inBasket) => ({
    name: "market",
    regime: (stage) => {
      const { memory, thresholds: t } = stage;
      if (memory === undefined) return calmView(stage, lastPrice(stage));
      if (inBasket) {
        const view = calmView(stage, movedBy(memory.sysEma, bps, { up, units: 0 }));
        return tight ? { ...view, rawLow: view.price, rawHigh: view.price } : view;
      }
      const explained = t.beta * Math.min(bps, t.sysCapBps);
      return calmView(stage, movedBy(memory.anchor, explained + t.jumpBps + between(dice, -1, 1), { up, units: 0 }));
    },
  });
}
