import type { Thresholds } from "../../protocol/thresholds.ts";
import type { Fault, FaultKind, MarketFault, NodeFault, PlannedFault } from "../cluster/fault.ts";
import { toleratedStepMs } from "./bounds.ts";
import type { Dice } from "./dice.ts";

const MINUTE = 60_000;
/** A move of one round that a major's gapBps does not let pass. */
const EXTREME_BPS = 2_500;

/** What a fault is drawn for: times in ms of the trial, which is `spanMs` long. */
export type Scene = {
  readonly dice: Dice;
  readonly n: number;
  readonly roundMs: number;
  readonly leaseMs: number;
  readonly maxSkewMs: number;
  readonly thresholds: Pick<Thresholds, "gapHoldMs" | "confirmMs" | "probeMs">;
  readonly spanMs: number;
  readonly feeds: readonly string[];
  readonly venues: number;
  /** Nodes that may have a wrong clock: they count as faulty. */
  readonly wrongClocks: readonly number[];
};

type Row = {
  /** How often it is drawn beside the others that are switched on. */
  readonly weight: number;
  readonly draw: (scene: Scene) => readonly PlannedFault[];
};

/** Every kind of fault and how to draw one: its parameters, and how many rounds it lasts. One draw may be several faults that belong together. */
export const FAULT_TABLE = {
  loss: row(3, [2, 20], ({ dice, n }) => ({ kind: "loss", percent: dice.pick([5, 20, 50, 90]), ...onSomeLinks(dice, n) })),
  duplicate: row(2, [2, 20], ({ dice, n }) => ({
    kind: "duplicate",
    percent: dice.pick([10, 50, 100]),
    ...onSomeLinks(dice, n),
  })),
  reorder: row(2, [2, 20], ({ dice, roundMs }) => ({ kind: "reorder", byMs: dice.between(20, roundMs) })),
  slow: row(2, [2, 12], ({ dice, n, roundMs }) => ({
    kind: "slow",
    byMs: dice.between(50, 2 * roundMs),
    nodes: someNodes(dice, n),
  })),
  partition: row(4, [1, 20], ({ dice, n }) => ({ kind: "partition", nodes: someNodes(dice, n) })),
  "one-way": row(3, [1, 15], (scene) => drawOneWay(scene)),
  clog: { weight: 3, draw: drawClogs },
  "clock-step": { weight: 3, draw: drawClockStep },
  "clock-drift": { weight: 2, draw: drawClockDrift },
  crash: row(4, [0, 12], (scene) => onNode(scene, "crash")),
  "crash-torn": row(3, [0, 8], (scene) => onNode(scene, "crash-torn")),
  "crash-lost": row(3, [0, 8], (scene) => ({
    kind: "crash-lost",
    node: anyNode(scene),
    writes: scene.dice.pick([1, 2, 3, 8, 40]),
  })),
  "disk-wiped": row(2, [0, 8], (scene) => onNode(scene, "disk-wiped")),
  "disk-restored": { weight: 2, draw: drawRestored },
  "disk-full": row(3, [1, 15], (scene) => onNode(scene, "disk-full")),
  pause: row(3, [0, 10], (scene) => onNode(scene, "pause")),
  outage: { weight: 2, draw: drawOutage },
  "market-jump": { weight: 4, draw: drawJump },
  "market-slide": { weight: 3, draw: drawSlide },
  "market-wick": { weight: 3, draw: drawWick },
  "venue-offset": row(3, [2, 25], (scene) => ({ kind: "venue-offset", venue: anyVenue(scene), bps: drawErrorBps(scene.dice) })),
  "venue-freeze": row(2, [3, 30], (scene) => ({ kind: "venue-freeze", venue: anyVenue(scene) })),
  "venue-lag": row(2, [3, 30], (scene) => ({ kind: "venue-lag", venue: anyVenue(scene), ms: scene.dice.between(1_000, 60_000) })),
  "venue-outage": row(3, [2, 25], (scene) => ({ kind: "venue-outage", venue: anyVenue(scene) })),
  "venue-wide": row(2, [2, 20], (scene) => ({ kind: "venue-wide", venue: anyVenue(scene) })),
  "venue-crossed": row(2, [2, 20], (scene) => ({ kind: "venue-crossed", venue: anyVenue(scene) })),
  "shared-pool": row(3, [2, 20], (scene) => drawSharedPool(scene)),
  "chain-halt": row(2, [3, 20], () => ({ kind: "chain-halt" })),
  "chain-fee": { weight: 2, draw: drawFullBlocks },
  "chain-jam": row(2, [2, 20], () => ({ kind: "chain-jam" })),
} as const satisfies Record<FaultKind, Row>;

/** One fault somewhere in the trial, for so many rounds; from 0 rounds on it may also be as short as a restart. */
function row(weight: number, rounds: readonly [number, number], draw: (scene: Scene) => Fault): Row {
  return { weight, draw: (scene) => [{ ...drawSpan(scene, rounds), fault: draw(scene) }] };
}

/** Short spans as often as long ones: the length is drawn on the way between them. */
function drawSpan({ dice, roundMs, spanMs }: Scene, [least, most]: readonly [number, number]): { at: number; until: number } {
  const longest = dice.between(Math.max(1, least), most);
  const ms = dice.between(Math.max(100, least * roundMs), Math.max(200, longest * roundMs));
  const lasts = Math.min(ms, spanMs);
  const at = dice.between(0, spanMs - lasts);
  return { at, until: at + lasts };
}

function nodesOf(n: number): readonly number[] {
  return Array.from({ length: n }, (_, node) => node);
}

/** At least one, never all. */
function someNodes(dice: Dice, n: number): readonly number[] {
  return dice.some(nodesOf(n), dice.between(1, n - 1));
}

function onSomeLinks(dice: Dice, n: number): { readonly nodes?: readonly number[] } {
  return dice.chance(50) ? {} : { nodes: someNodes(dice, n) };
}

function anyNode({ dice, n }: Scene): number {
  return dice.between(0, n - 1);
}

function anyVenue({ dice, venues }: Scene): number {
  return dice.between(0, venues - 1);
}

function onNode<K extends Exclude<NodeFault["kind"], "outage" | "crash-lost" | "disk-restored">>(scene: Scene, kind: K) {
  return { kind, node: anyNode(scene) };
}

function drawOneWay({ dice, n }: Scene): Fault {
  const from = someNodes(dice, n);
  const others = nodesOf(n).filter((node) => !from.includes(node));
  return { kind: "one-way", from, to: dice.some(others, dice.between(1, others.length)) };
}

/** One link, or a swizzle: links stopped one after the other and let go in an order of its own. */
function drawClogs(scene: Scene): readonly PlannedFault[] {
  const { dice, n } = scene;
  const whole = drawSpan(scene, [2, 20]);
  const links = dice.chance(60) ? 1 : dice.between(3, 2 * n);
  return Array.from({ length: links }, () => {
    const [from, to] = dice.some(nodesOf(n), 2) as readonly [number, number];
    const [first, second] = dice.chance(50) ? [from, to] : [to, from];
    if (links === 1) return { ...whole, fault: { kind: "clog", from: first, to: second } };
    const middle = Math.floor((whole.at + whole.until) / 2);
    const span = { at: dice.between(whole.at, middle), until: dice.between(middle + 1, whole.until) };
    return { ...span, fault: { kind: "clog", from: first, to: second } };
  });
}

/**
 * A wrong clock where one is allowed: from just outside the tolerance of the rounds to a minute and more, and some nodes start with it.
 * Elsewhere a step that NTP makes.
 */
function drawClockStep(scene: Scene): readonly PlannedFault[] {
  const { dice, roundMs, maxSkewMs, wrongClocks } = scene;
  const span = drawSpan(scene, [2, 25]);
  if (wrongClocks.length === 0 || dice.chance(25)) {
    const ms = dice.sign() * dice.between(1, toleratedStepMs(maxSkewMs));
    return [{ ...span, fault: { kind: "clock-step", node: anyNode(scene), ms } }];
  }
  const node = dice.pick(wrongClocks);
  const size = dice.pick([maxSkewMs + 50, Math.floor(roundMs / 2), 2 * roundMs, 10 * roundMs, 40 * roundMs]);
  const step: PlannedFault = { ...span, fault: { kind: "clock-step", node, ms: dice.sign() * size } };
  if (dice.chance(50)) return [step];
  const middle = Math.floor((span.at + span.until) / 2);
  return [step, { at: dice.between(span.at, middle - 1), until: middle, fault: { kind: "crash", node } }];
}

function drawClockDrift(scene: Scene): readonly PlannedFault[] {
  const { dice, maxSkewMs, wrongClocks } = scene;
  const span = drawSpan(scene, [4, 25]);
  if (wrongClocks.length === 0 || dice.chance(25)) {
    const most = Math.max(1, Math.floor((toleratedStepMs(maxSkewMs) * 1_000_000) / (span.until - span.at)));
    return [{ ...span, fault: { kind: "clock-drift", node: anyNode(scene), ppm: dice.sign() * dice.between(1, most) } }];
  }
  const ppm = dice.sign() * dice.pick([10_000, 50_000, 200_000]);
  return [{ ...span, fault: { kind: "clock-drift", node: dice.pick(wrongClocks), ppm } }];
}

/** The copy is some rounds old when the node comes back with it. */
function drawRestored(scene: Scene): readonly PlannedFault[] {
  const { dice, roundMs } = scene;
  const span = drawSpan(scene, [3, 20]);
  const afterMs = dice.between(Math.min(roundMs, span.until - span.at - 100), span.until - span.at - 50);
  return [{ ...span, fault: { kind: "disk-restored", node: anyNode(scene), afterMs } }];
}

/** Shorter than the lease, longer, or so long that a gap runs out; its end may lie beyond the trial, which then gets longer by it. */
function drawOutage({ dice, roundMs, leaseMs, thresholds: { gapHoldMs }, spanMs }: Scene): readonly PlannedFault[] {
  const lasts = dice.weighted([
    [dice.between(200, leaseMs - roundMs), 3],
    [dice.between(leaseMs + roundMs, 10 * MINUTE), 4],
    [gapHoldMs + dice.between(MINUTE, 60 * MINUTE), 3],
  ]);
  const at = dice.between(0, spanMs);
  return [{ at, until: at + lasts, fault: { kind: "outage" } }];
}

/** Of one feed, or of all of them at once: a crash that β explains. */
function drawJump(scene: Scene): readonly PlannedFault[] {
  const { dice, feeds } = scene;
  const span = drawSpan(scene, [1, 1]);
  if (feeds.length > 1 && dice.chance(35)) return marketWide(scene, span, "market-jump");
  const bps = drawMoveBps(dice);
  const jump = { ...span, fault: { kind: "market-jump", feed: dice.pick(feeds), bps } } as const;
  if (Math.abs(bps) >= EXTREME_BPS) return [jump, ...awaitGap(scene, span.until)];
  return dice.chance(30) ? [jump, ...haltVenues(scene, span.at)] : [jump];
}

/** What no market does in a round latches a gap; mostly it runs out in an outage. */
function awaitGap({ dice, thresholds, spanMs }: Scene, jumpedAt: number): readonly PlannedFault[] {
  if (dice.chance(30)) return [];
  const at = dice.between(jumpedAt, spanMs);
  return [{ at, until: at + thresholds.gapHoldMs + MINUTE, fault: { kind: "outage" } }];
}

/** Venues that stop in a crash and go on showing the price before it: nobody agrees, so a jump has to wait for its cap. */
function haltVenues({ dice, venues, spanMs }: Scene, at: number): readonly PlannedFault[] {
  const all = Array.from({ length: venues }, (_, venue) => venue);
  const until = dice.between(Math.floor((at + spanMs) / 2), spanMs);
  if (until <= at) return [];
  return dice.some(all, dice.between(2, venues - 2)).map((venue) => ({ at, until, fault: { kind: "venue-freeze", venue } }));
}

/** Dear blocks are mostly full ones too. */
function drawFullBlocks(scene: Scene): readonly PlannedFault[] {
  const span = drawSpan(scene, [2, 20]);
  const fee = { ...span, fault: { kind: "chain-fee" } } as const;
  return scene.dice.chance(40) ? [fee] : [fee, { ...span, fault: { kind: "chain-jam" } }];
}

/** A few rounds, or just long enough to be believed and then turn round, before the feed has closed again. */
function drawWick(scene: Scene): readonly PlannedFault[] {
  const { dice, feeds, roundMs, spanMs, thresholds } = scene;
  const fault = { kind: "market-wick", feed: dice.pick(feeds), bps: drawMoveBps(dice) } as const;
  if (dice.chance(50)) return [{ ...drawSpan(scene, [1, 8]), fault }];
  const { confirmMs, probeMs } = thresholds;
  const lasts = Math.min(confirmMs + dice.between(0, probeMs + 2 * roundMs), spanMs);
  const at = dice.between(0, spanMs - lasts);
  return [{ at, until: at + lasts, fault }];
}

/** A crash of 40 % in a minute or slower ones, of one feed or of the market. */
function drawSlide(scene: Scene): readonly PlannedFault[] {
  const { dice, feeds } = scene;
  const span = drawSpan(scene, [4, 40]);
  if (feeds.length > 1 && dice.chance(40)) return marketWide(scene, span, "market-slide");
  const bps = dice.pick([-6_000, -4_000, -4_000, -1_500, -500, 500, 2_000, 6_000]);
  return [{ ...span, fault: { kind: "market-slide", feed: dice.pick(feeds), bps } }];
}

/** Everything but stable coins moves the same way, each as far as it likes. */
function marketWide(
  { dice, feeds }: Scene,
  span: { at: number; until: number },
  kind: "market-jump" | "market-slide",
): readonly PlannedFault[] {
  const size = dice.pick([-2_500, -1_200, -700, -400, 600, 1_200]);
  const moving = feeds.filter((feed) => !feed.startsWith("USD"));
  return moving.map((feed) => {
    const bps = Math.trunc((size * dice.between(70, 160)) / 100);
    return { ...span, fault: { kind, feed, bps } satisfies MarketFault };
  });
}

/** Mostly what a market does in a bad minute; sometimes what none does, up to a tenth and to the double. */
function drawMoveBps(dice: Dice): number {
  if (dice.chance(75)) return dice.sign() * dice.pick([100, 200, 350, 600, 1_000, 1_400]);
  return dice.pick([-9_000, -6_000, -3_000, 2_500, 6_000, 9_000]);
}

/** Noise, a market of its own, and lost decimals: 18 990 000 bps is ×1900. */
function drawErrorBps(dice: Dice): number {
  if (dice.chance(70)) return dice.sign() * dice.pick([30, 80, 150, 400, 1_000, 3_000]);
  return dice.pick([-9_990, -9_000, 9_000, 18_990_000]);
}

function drawSharedPool({ dice, venues }: Scene): Fault {
  const all = Array.from({ length: venues }, (_, venue) => venue);
  return { kind: "shared-pool", venues: dice.some(all, dice.between(2, venues - 1)), bps: drawErrorBps(dice) };
}
