import { ACT_KINDS, type ActKind, type PlannedAct } from "../cluster/act.ts";
import type { Dice } from "./dice.ts";

/** Seeds with keyholders who do something. */
const ACTING_PERCENT = 55;
const MAX_ACTS = 7;
/** A proposal takes so many rounds to take effect, and what it decides wants to be watched. */
const ROUNDS_AFTER = 12;
/** Guardians who pause for half an hour use their allowance up. */
const LONG_MS = 1_750_000;

/** What follows on a change of config, to have something to follow on. */
const SEQUELS: Partial<Record<ActKind, readonly ActKind[]>> = {
  "config-thresholds": ["rollback", "config-committee", "drop-pending"],
  "config-source": ["accept", "drop-pending", "rollback"],
  "config-disagreeing": ["drop-pending", "config-thresholds"],
  "config-committee": ["rollback", "config-committee", "config-thresholds"],
  "config-unsound": ["again"],
  "pause-feed": ["withdraw", "again", "pause-feed", "removal"],
  "pause-all": ["withdraw"],
};

export type ActScene = {
  readonly dice: Dice;
  readonly n: number;
  readonly roundMs: number;
  readonly safetyMs: number;
  readonly feeds: readonly string[];
};

/** What keyholders do in the first phase, in order: each act by chance, some with a sequel that needs it. */
export function drawActs(scene: ActScene): readonly PlannedAct[] {
  const { dice, roundMs, safetyMs } = scene;
  if (!dice.chance(ACTING_PERCENT)) return [];
  const acts: PlannedAct[] = [];
  for (let wanted = dice.between(1, MAX_ACTS); wanted > 0; wanted--) {
    const kind = dice.pick(ACT_KINDS);
    const at = dice.between(0, Math.max(0, safetyMs - ROUNDS_AFTER * roundMs));
    const first = drawAct(scene, kind, at);
    acts.push(first);
    const sequels = SEQUELS[kind];
    if (sequels === undefined || dice.chance(35)) continue;
    const later = Math.min(safetyMs, at + dice.between(1, ROUNDS_AFTER) * roundMs);
    acts.push({ ...drawAct(scene, dice.pick(sequels), later), ...(dice.chance(50) ? { nodes: first.nodes } : {}) });
  }
  if (dice.chance(8)) acts.push(...exhaust(scene));
  return acts.sort((a, b) => a.at - b.at);
}

function drawAct({ dice, n, roundMs, feeds }: ActScene, kind: ActKind, at: number): PlannedAct {
  const nodes = Array.from({ length: n }, (_, node) => node);
  const forMs = dice.between(1, 8) * roundMs;
  return {
    at,
    nodes: dice.some(nodes, dice.chance(80) ? 1 : dice.between(1, n)),
    act: { kind, who: dice.between(0, n - 1), feed: dice.pick(feeds), forMs },
  };
}

/** One guardian, one feed, half an hour each time: the third time there is nothing left. */
function exhaust(scene: ActScene): readonly PlannedAct[] {
  const { roundMs, safetyMs } = scene;
  const first = drawAct(scene, "pause-feed", Math.max(0, safetyMs - ROUNDS_AFTER * roundMs));
  return [0, 3, 6].map((rounds) => ({
    ...first,
    at: Math.min(safetyMs, first.at + rounds * roundMs),
    act: { ...first.act, forMs: LONG_MS },
  }));
}
