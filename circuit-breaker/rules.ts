import { RULES, type RuleName } from "../protocol/report.ts";
import type { Reason } from "../protocol/round.ts";
import { readDispersion } from "./rules/dispersion.ts";
import { readDivergence } from "./rules/divergence.ts";
import { readGap } from "./rules/gap.ts";
import { readJump } from "./rules/jump.ts";
import { readRestart } from "./rules/restart.ts";
import type { Reading, Rule, RuleInput } from "./rules/rule.ts";
import { readStale } from "./rules/stale.ts";
import { readThin } from "./rules/thin.ts";

/** Rules of version 1 that need nothing beyond a feed's own round; the others read gauges or signed documents. */
type FeedRule = Exclude<RuleName, "congestion" | "peg" | "config" | "manual">;

/** The rule table: a new rule is one file, one row in the thresholds and one row here. */
export const RULE_TABLE = {
  jump: {
    kind: "soft",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "while-open",
    read: readJump,
  },
  dispersion: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "while-open",
    read: readDispersion,
  },
  divergence: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "while-open",
    read: readDivergence,
  },
  thin: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "firing",
    read: readThin,
  },
  stale: {
    kind: "hard",
    level: "none",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readStale,
  },
  restart: {
    kind: "hard",
    level: "none",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readRestart,
  },
  gap: {
    kind: "hard",
    level: "robust",
    byLeader: false,
    disagrees: true,
    stopsLearning: "while-open",
    read: readGap,
  },
} as const satisfies Record<FeedRule, Rule>;

type Row = { readonly name: RuleName; readonly index: number; readonly bit: number; readonly rule: Rule };

/** The table in order of bit. */
export const ROWS: readonly Row[] = RULES.flatMap((name, index) =>
  isFeedRule(name) ? [{ name, index, bit: 1 << index, rule: RULE_TABLE[name] }] : [],
);

export const SOFT = bitsWhere((rule) => rule.kind === "soft");
export const HARD = bitsWhere((rule) => rule.kind === "hard");
export const LEVEL_NONE = bitsWhere((rule) => rule.level === "none");
export const BY_LEADER = bitsWhere((rule) => rule.byLeader);
export const DISAGREES = bitsWhere((rule) => rule.disagrees);
export const STOPS_LEARNING = bitsWhere((rule) => rule.stopsLearning !== "never");
export const STOPS_LEARNING_WHILE_OPEN = bitsWhere((rule) => rule.stopsLearning === "while-open");

/** What every rule of the table saw, in the table's order, and the bits of those that fire now. */
export type Readings = { readonly fires: number; readonly list: readonly Reading[] };

export function readRules(input: RuleInput): Readings {
  const list = ROWS.map(({ rule }) => rule.read(input));
  let fires = 0;
  ROWS.forEach(({ bit }, position) => {
    if (list[position]?.fires) fires |= bit;
  });
  return { fires, list };
}

/** The reasons of the active rules, in order of bit. */
export function reasonsOf(active: number, { list }: Readings): readonly Reason[] {
  if (active === 0) return [];
  return ROWS.flatMap(({ name, bit }, position) => {
    const reading = list[position];
    if ((active & bit) === 0 || reading === undefined) return [];
    return [{ rule: name, unit: reading.unit, measured: reading.measured, limit: reading.limit }];
  });
}

function bitsWhere(predicate: (rule: Rule) => boolean): number {
  return ROWS.reduce((bits, { bit, rule }) => (predicate(rule) ? bits | bit : bits), 0);
}

function isFeedRule(name: RuleName): name is FeedRule {
  return name in RULE_TABLE;
}
