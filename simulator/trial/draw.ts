import { resolveThresholds } from "../../protocol/thresholds.ts";
import { BEHAVIOURS } from "../byzantine/index.ts";
import { FAULT_KINDS, type Fault, type FaultKind, type PlannedFault } from "../cluster/fault.ts";
import { createRandom } from "../random.ts";
import { closeBound, faultyBound, toleratedStepMs, wrongClocks } from "./bounds.ts";
import { createDice, type Dice } from "./dice.ts";
import { drawActs } from "./draw-acts.ts";
import { FAULT_TABLE, type Scene } from "./draw-faults.ts";
import type { Plan, SettingName } from "./plan.ts";
import { MAX_SKEW_MS, RESTART_ROUNDS, SHAPES, VENUES } from "./settings.ts";
import type { Mode } from "./work.ts";

const SIZES = [
  [4, 80],
  [7, 13],
  [10, 5],
  [13, 2],
] as const;
const SETTING_WEIGHTS = [
  ["one-feed", 40],
  ["second", 35],
  ["slow", 25],
] as const;
/** Rounds of the first phase. A round of a large committee costs its square, and shows no more. */
const SAFETY_ROUNDS = { small: [18, 44], large: [16, 28] } as const;
const LARGE = 10;
/** What swarm testing switches on: nothing, one kind, or each kind with so many percent. */
type Swarm = "none" | "one" | number;
/** How often a seed is of which sort. */
const SWARMS: readonly (readonly [Swarm, number])[] = [
  ["none", 4],
  ["one", 16],
  [15, 25],
  [40, 30],
  [85, 25],
];
const MAX_FAULTS = 14;
/** Hops in a healthy network; the config's hopBudgetMs is the most. */
const DELAYS_MS = [
  [1, 5],
  [2, 20],
  [10, 35],
  [20, 50],
] as const;
/** An outage of hours needs no second one like it in the same trial, but a third one only costs rounds. */
const MAX_OUTAGES = 2;
/** Beyond f a plan has little else: the point is that the checkers see what the accomplices do. */
const MAX_FAULTS_BEYOND = 3;
const COLLUDING = "collude-";

/**
 * The plan of a seed, by swarm testing: each seed has only some kinds of faults switched on, some seeds one and some nearly all, so that
 * no fault hides another one for ever.
 *
 * Within: byzantine nodes, nodes whose clock is wrong at any time, and nodes that stay down after healing are together at most f.
 * Crashed, paused, wiped, restored nodes and full disks do not count: safety has to bear any number of them. Beyond: f + 1 byzantine
 * nodes, accomplices where there are behaviours for it, and little else.
 */
export function drawPlan(seed: number, mode: Mode = "within"): Plan {
  const dice = createDice(createRandom(seed, `plan ${mode}`));
  const n = dice.weighted(SIZES);
  const setting: SettingName = dice.weighted(SETTING_WEIGHTS);
  const { roundMs, leaseMs, feeds, thresholds } = SHAPES[setting];
  const byzantine = mode === "beyond" ? drawAccomplices(dice, n) : drawByzantine(dice, n);
  const honest = nodesOf(n).filter((node) => byzantine.every((other) => other.node !== node));
  const room = faultyBound(n) - byzantine.length;
  const wrong = room > 0 && dice.chance(60) ? dice.some(honest, dice.between(1, room)) : [];
  const [fewest, most] = SAFETY_ROUNDS[n < LARGE ? "small" : "large"];
  const spanMs = dice.between(fewest, most) * roundMs;
  const scene: Scene = {
    dice,
    n,
    roundMs,
    leaseMs,
    maxSkewMs: MAX_SKEW_MS,
    thresholds,
    spanMs,
    feeds: feeds.map(({ feed }) => feed),
    venues: VENUES[setting],
    wrongClocks: wrong,
  };
  const { faults, safetyMs } = insertOutages(drawFaults(scene, mode), spanMs);
  const left = room - wrongClocks(faults, MAX_SKEW_MS).length;
  const rightful = honest.filter((node) => !wrong.includes(node));
  const acts =
    mode === "beyond"
      ? []
      : drawActs({ dice: createDice(createRandom(seed, "keyholders")), n, roundMs, safetyMs, feeds: scene.feeds });
  return {
    seed,
    n,
    setting,
    byzantine,
    skewsMs: nodesOf(n).map(() => dice.between(-toleratedStepMs(MAX_SKEW_MS), toleratedStepMs(MAX_SKEW_MS))),
    delayMs: dice.pick(DELAYS_MS),
    startsMs: drawStarts(scene),
    faults,
    acts,
    safetyMs,
    healsByzantine: dice.chance(40),
    downAfterHeal: left > 0 && dice.chance(30) ? dice.some(rightful, dice.between(1, left)) : [],
    healMs: slowestCloseMs(setting, n) + 2 * roundMs,
  };
}

function drawByzantine(dice: Dice, n: number): Plan["byzantine"] {
  if (dice.chance(35)) return [];
  const names = Object.keys(BEHAVIOURS);
  const nodes = dice.some(nodesOf(n), dice.between(1, faultyBound(n)));
  return nodes.map((node) => ({ node, behaviour: dice.pick(names) }));
}

function drawAccomplices(dice: Dice, n: number): Plan["byzantine"] {
  const names = Object.keys(BEHAVIOURS);
  const colluding = names.filter((name) => name.startsWith(COLLUDING));
  const behaviour = dice.pick(colluding.length > 0 ? colluding : names);
  return dice.some(nodesOf(n), faultyBound(n) + 1).map((node) => ({ node, behaviour }));
}

function drawFaults(scene: Scene, mode: Mode): readonly PlannedFault[] {
  const { dice } = scene;
  const kinds = switchOn(dice, dice.weighted(SWARMS));
  if (kinds.length === 0) return [];
  const most = mode === "beyond" ? MAX_FAULTS_BEYOND : MAX_FAULTS;
  const faults: PlannedFault[] = [];
  for (let wanted = dice.between(1, most); wanted > 0; wanted--) {
    const kind = dice.weighted(kinds.map((name) => [name, FAULT_TABLE[name].weight] as const));
    for (const planned of FAULT_TABLE[kind].draw(scene)) if (fits(planned, faults)) faults.push(planned);
  }
  return faults;
}

function switchOn(dice: Dice, swarm: Swarm): readonly FaultKind[] {
  if (swarm === "none") return [];
  if (swarm === "one") return [dice.pick(FAULT_KINDS)];
  return FAULT_KINDS.filter(() => dice.chance(swarm));
}

/** Of one sort a node suffers one thing at a time, or the end of one would be the end of the other; of outages there are few. */
function fits(planned: PlannedFault, others: readonly PlannedFault[]): boolean {
  const { fault, at, until } = planned;
  if (fault.kind === "outage") return others.filter((other) => other.fault.kind === "outage").length < MAX_OUTAGES;
  const sort = sortOf(fault);
  if (sort === undefined || !("node" in fault)) return true;
  return !others.some(
    (other) =>
      "node" in other.fault &&
      other.fault.node === fault.node &&
      sortOf(other.fault) === sort &&
      at <= other.until &&
      other.at <= until,
  );
}

function sortOf({ kind }: Fault): "clock" | "process" | undefined {
  if (kind === "clock-step" || kind === "clock-drift") return "clock";
  return kind.startsWith("crash") || kind.startsWith("disk-") || kind === "pause" ? "process" : undefined;
}

/**
 * Outages are put between the instants of the trial: everything after one comes later by its length, and lasts longer if it was under
 * way. Left out is what cannot: a process that was down goes down and comes back with the others, and a drift of hours is another one.
 */
function insertOutages(drawn: readonly PlannedFault[], spanMs: number): { faults: readonly PlannedFault[]; safetyMs: number } {
  const outages = drawn.filter(({ fault }) => fault.kind === "outage").sort((a, b) => b.at - a.at);
  let faults = drawn.filter(({ fault }) => fault.kind !== "outage");
  let safetyMs = spanMs;
  for (const outage of outages) {
    const lasts = outage.until - outage.at;
    const shifted = (ms: number): number => (ms >= outage.at ? ms + lasts : ms);
    faults = faults
      .filter(({ fault, at, until }) => mayLast(fault) || until < outage.at || at >= outage.at)
      .map(({ at, until, fault }) => ({ at: shifted(at), until: shifted(until), fault }));
    faults.push(outage);
    safetyMs += lasts;
  }
  return { faults: [...faults].sort((a, b) => a.at - b.at || a.until - b.until), safetyMs };
}

function mayLast(fault: Fault): boolean {
  return sortOf(fault) !== "process" && fault.kind !== "clock-drift";
}

/** All at once, one after the other, or one of them late. */
function drawStarts({ dice, n, roundMs, spanMs }: Scene): readonly number[] {
  const most = dice.pick([0, roundMs, 5 * roundMs]);
  const starts = nodesOf(n).map(() => dice.between(0, most));
  return dice.chance(20) ? starts.with(dice.between(0, n - 1), dice.between(0, spanMs >> 1)) : starts;
}

function slowestCloseMs(setting: SettingName, n: number): number {
  const { roundMs, feeds, thresholds } = SHAPES[setting];
  return Math.max(
    ...feeds.map(({ preset }) =>
      closeBound({ n, roundMs, restartRounds: RESTART_ROUNDS, thresholds: resolveThresholds(preset, thresholds) }),
    ),
  );
}

function nodesOf(n: number): readonly number[] {
  return Array.from({ length: n }, (_, node) => node);
}
